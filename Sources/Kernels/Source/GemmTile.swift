// The micro-kernel of the matrix product: a micro-tile of C, two vectors wide and up to MR rows high,
// held in registers while k runs. Heights are types (`Stack<Row, Row>` is two rows), because only
// then does the compiler keep every accumulator in a register; an `InlineArray` of vectors went
// through memory and ran at a quarter of the speed.
//
// The definition of a result, for every tile height and whatever the position of the row: within a
// run of at most KC values of k one accumulator per element, fused multiply-adds in ascending k,
// starting at zero; then C = scale * accumulator + (C, bias or zero).

/// Rows of a micro-tile.
public protocol TileRows {
    /// The vector they are made of.
    associatedtype Vector: FloatVector
    /// How many.
    static var count: Int { get }
    /// All zero.
    init()
    /// Adds one column of A times one row of B.
    mutating func step(_ a: UnsafePointer<Float>, _ left: Vector, _ right: Vector)
    /// Asks for the cache lines of C, which would otherwise be waited for at the end of k.
    static func prefetch(_ c: UnsafeMutablePointer<Float>, _ stride: Int)
    /// Writes `scale * this + C`.
    func add(to c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector)
    /// Writes `scale * this + (left, right)` with the same addend for each row.
    func store(
        _ c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector, _ left: Vector,
        _ right: Vector)
}

/// One row, two vectors wide.
@frozen
public struct Row<Vector: FloatVector>: TileRows {
    @usableFromInline var left: Vector
    @usableFromInline var right: Vector

    @_alwaysEmitIntoClient @inline(__always)
    public static var count: Int { 1 }

    @_alwaysEmitIntoClient @inline(__always)
    public init() {
        left = Vector()
        right = Vector()
    }

    @_alwaysEmitIntoClient @inline(__always)
    public mutating func step(_ a: UnsafePointer<Float>, _ left: Vector, _ right: Vector) {
        let scalar = Vector(a.pointee)
        self.left = .multiplyAdd(scalar, left, self.left)
        self.right = .multiplyAdd(scalar, right, self.right)
    }

    @_alwaysEmitIntoClient @inline(__always)
    public static func prefetch(_ c: UnsafeMutablePointer<Float>, _ stride: Int) {
        Vector.prefetch(c)
        Vector.prefetch(c.moved(2 &* Vector.lanes &- 1))
    }

    @_alwaysEmitIntoClient @inline(__always)
    public func add(to c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector) {
        c.store(Vector.multiplyAdd(left, scale, c.load(0, as: Vector.self)), 0)
        c.store(
            Vector.multiplyAdd(right, scale, c.load(Vector.lanes, as: Vector.self)), Vector.lanes)
    }

    @_alwaysEmitIntoClient @inline(__always)
    public func store(
        _ c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector, _ left: Vector,
        _ right: Vector
    ) {
        c.store(Vector.multiplyAdd(self.left, scale, left), 0)
        c.store(Vector.multiplyAdd(self.right, scale, right), Vector.lanes)
    }
}

/// Some rows above some others.
@frozen
public struct Stack<Top: TileRows, Bottom: TileRows>: TileRows where Top.Vector == Bottom.Vector {
    @usableFromInline var top: Top
    @usableFromInline var bottom: Bottom

    /// The vector they are made of.
    public typealias Vector = Top.Vector

    @_alwaysEmitIntoClient @inline(__always)
    public static var count: Int { Top.count &+ Bottom.count }

    @_alwaysEmitIntoClient @inline(__always)
    public init() {
        top = Top()
        bottom = Bottom()
    }

    @_alwaysEmitIntoClient @inline(__always)
    public mutating func step(_ a: UnsafePointer<Float>, _ left: Vector, _ right: Vector) {
        top.step(a, left, right)
        bottom.step(a.moved(Top.count), left, right)
    }

    @_alwaysEmitIntoClient @inline(__always)
    public static func prefetch(_ c: UnsafeMutablePointer<Float>, _ stride: Int) {
        Top.prefetch(c, stride)
        Bottom.prefetch(c.moved(Top.count &* stride), stride)
    }

    @_alwaysEmitIntoClient @inline(__always)
    public func add(to c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector) {
        top.add(to: c, stride, scale)
        bottom.add(to: c.moved(Top.count &* stride), stride, scale)
    }

    @_alwaysEmitIntoClient @inline(__always)
    public func store(
        _ c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector, _ left: Vector,
        _ right: Vector
    ) {
        top.store(c, stride, scale, left, right)
        bottom.store(c.moved(Top.count &* stride), stride, scale, left, right)
    }
}

// Heights by name. Each is at most one addition away from shorter ones.
public typealias Rows1<V: FloatVector> = Row<V>
public typealias Rows2<V: FloatVector> = Stack<Rows1<V>, Rows1<V>>
public typealias Rows3<V: FloatVector> = Stack<Rows2<V>, Rows1<V>>
public typealias Rows4<V: FloatVector> = Stack<Rows2<V>, Rows2<V>>
public typealias Rows5<V: FloatVector> = Stack<Rows4<V>, Rows1<V>>
public typealias Rows6<V: FloatVector> = Stack<Rows4<V>, Rows2<V>>
public typealias Rows7<V: FloatVector> = Stack<Rows4<V>, Rows3<V>>
public typealias Rows8<V: FloatVector> = Stack<Rows4<V>, Rows4<V>>
public typealias Rows9<V: FloatVector> = Stack<Rows8<V>, Rows1<V>>
public typealias Rows10<V: FloatVector> = Stack<Rows8<V>, Rows2<V>>
public typealias Rows11<V: FloatVector> = Stack<Rows8<V>, Rows3<V>>
public typealias Rows12<V: FloatVector> = Stack<Rows8<V>, Rows4<V>>

/// Where a micro-tile goes, and what is added to it.
@frozen
public struct TileTarget<V: FloatVector> {
    @usableFromInline var c: UnsafeMutablePointer<Float>
    @usableFromInline var stride: Int
    @usableFromInline var accumulate: Bool
    @usableFromInline var scale: V
    @usableFromInline var biasLeft: V
    @usableFromInline var biasRight: V

    @_alwaysEmitIntoClient @inline(__always)
    public init(
        c: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool, scale: V, biasLeft: V,
        biasRight: V
    ) {
        self.c = c
        self.stride = stride
        self.accumulate = accumulate
        self.scale = scale
        self.biasLeft = biasLeft
        self.biasRight = biasRight
    }
}

/// Runs k over one pair of packed panels and writes the micro-tile.
@_alwaysEmitIntoClient @inline(__always)
public func microTile<Rows: TileRows>(
    _ rows: Rows.Type, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ depth: Int,
    _ target: TileTarget<Rows.Vector>
) {
    typealias V = Rows.Vector
    Rows.prefetch(target.c, target.stride)
    var tile = Rows()
    var a = a
    var b = b
    var k = 0
    while k < depth {
        tile.step(a, b.load(0, as: V.self), b.load(V.lanes, as: V.self))
        a = a.moved(Rows.count)
        b = b.moved(2 &* V.lanes)
        k &+= 1
    }
    if target.accumulate {
        tile.add(to: target.c, target.stride, target.scale)
    } else {
        tile.store(target.c, target.stride, target.scale, target.biasLeft, target.biasRight)
    }
}
