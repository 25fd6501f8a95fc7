// Loops over elements. An operation is a value with a method on one vector; the loop, its tail and
// the aliasing rule (an output may be an input: each vector is read before it is written) are here
// once. Padding lanes of a tail are computed and thrown away.

/// y = f(x).
public protocol UnaryOperation {
    /// The vector it works on.
    associatedtype Vector: FloatVector
    /// f of every lane.
    func apply(_ x: Vector) -> Vector
}

/// z = f(x, y).
public protocol BinaryOperation {
    /// The vector it works on.
    associatedtype Vector: FloatVector
    /// f of every pair of lanes.
    func apply(_ x: Vector, _ y: Vector) -> Vector
}

/// y = f(x) over `n` elements.
@_alwaysEmitIntoClient @inline(__always)
public func map<Operation: UnaryOperation>(
    _ operation: Operation, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ n: Int
) {
    typealias V = Operation.Vector
    var i = 0
    while i &+ V.lanes <= n {
        y.store(operation.apply(x.load(i, as: V.self)), i)
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        operation.apply(V(partial: x.moved(i), count: rest, fill: 0))
            .storePartial(y.moved(i), count: rest)
    }
}

/// z = f(x, y) over `n` elements.
@_alwaysEmitIntoClient @inline(__always)
public func map<Operation: BinaryOperation>(
    _ operation: Operation, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>,
    _ z: UnsafeMutablePointer<Float>, _ n: Int
) {
    typealias V = Operation.Vector
    var i = 0
    while i &+ V.lanes <= n {
        z.store(operation.apply(x.load(i, as: V.self), y.load(i, as: V.self)), i)
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        operation.apply(
            V(partial: x.moved(i), count: rest, fill: 0),
            V(partial: y.moved(i), count: rest, fill: 0)
        ).storePartial(z.moved(i), count: rest)
    }
}
