// Sums and extremes. Four accumulators hide the latency of addition; element i belongs to
// accumulator (i / lanes) % 4 and lane i % lanes, the accumulators are joined pairwise and the lanes
// by halving. That order is the definition of the result: it depends on n and on nothing else.

/// Something that is accumulated vector by vector.
public protocol Reduction {
    /// The vector it reads.
    associatedtype Vector: FloatVector
    /// What absent elements are read as.
    static var neutral: Float { get }
    /// The start.
    init()
    /// Takes in one vector.
    mutating func add(_ x: Vector)
    /// Takes in another accumulator.
    mutating func join(_ other: Self)
}

/// Reduces `n` elements.
@_alwaysEmitIntoClient @inline(__always)
public func reduce<R: Reduction>(_ type: R.Type, _ x: UnsafePointer<Float>, _ n: Int) -> R {
    typealias V = R.Vector
    var (a, b, c, d) = (R(), R(), R(), R())
    var i = 0
    while i &+ 4 &* V.lanes <= n {
        a.add(x.load(i, as: V.self))
        b.add(x.load(i &+ V.lanes, as: V.self))
        c.add(x.load(i &+ 2 &* V.lanes, as: V.self))
        d.add(x.load(i &+ 3 &* V.lanes, as: V.self))
        i &+= 4 &* V.lanes
    }
    while i &+ V.lanes <= n {
        a.add(x.load(i, as: V.self))
        i &+= V.lanes
    }
    if i < n { b.add(V(partial: x.moved(i), count: n &- i, fill: R.neutral)) }
    a.join(b)
    c.join(d)
    a.join(c)
    return a
}

/// Sum in single precision.
@frozen
public struct SumReduction<V: FloatVector>: Reduction {
    /// The sum so far, lane by lane.
    public var total: V
    /// What absent elements are read as.
    @_alwaysEmitIntoClient @inline(__always) public static var neutral: Float { 0 }
    /// Nothing yet.
    @_alwaysEmitIntoClient @inline(__always) public init() { total = V() }
    /// Takes in one vector.
    @_alwaysEmitIntoClient @inline(__always) public mutating func add(_ x: V) { total = total + x }
    /// Takes in another accumulator.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func join(_ other: Self) { total = total + other.total }
}

/// Largest value; NaN is passed over.
@frozen
public struct MaximumReduction<V: FloatVector>: Reduction {
    /// The largest so far, lane by lane.
    public var largest: V
    /// What absent elements are read as.
    @_alwaysEmitIntoClient @inline(__always) public static var neutral: Float { -.infinity }
    /// Nothing yet.
    @_alwaysEmitIntoClient @inline(__always) public init() { largest = V(-.infinity) }
    /// Takes in one vector.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func add(_ x: V) { largest = V.maximum(largest, x) }
    /// Takes in another accumulator.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func join(_ other: Self) { largest = V.maximum(largest, other.largest) }
}

/// Largest magnitude; NaN is passed over.
@frozen
public struct MagnitudeReduction<V: FloatVector>: Reduction {
    /// The largest so far, lane by lane.
    public var largest: V
    /// What absent elements are read as.
    @_alwaysEmitIntoClient @inline(__always) public static var neutral: Float { 0 }
    /// Nothing yet.
    @_alwaysEmitIntoClient @inline(__always) public init() { largest = V() }
    /// Takes in one vector.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func add(_ x: V) { largest = V.maximum(largest, x.magnitude()) }
    /// Takes in another accumulator.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func join(_ other: Self) { largest = V.maximum(largest, other.largest) }
}

/// Zero as long as every element is finite, NaN from then on.
@frozen
public struct FiniteReduction<V: FloatVector>: Reduction {
    /// Zero or NaN, lane by lane.
    public var witness: V
    /// What absent elements are read as.
    @_alwaysEmitIntoClient @inline(__always) public static var neutral: Float { 0 }
    /// Nothing yet.
    @_alwaysEmitIntoClient @inline(__always) public init() { witness = V() }
    /// Takes in one vector.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func add(_ x: V) { witness = witness + (x - x) }
    /// Takes in another accumulator.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func join(_ other: Self) { witness = witness + other.witness }
}

/// Sum in double precision.
@frozen
public struct WideSumReduction<V: FloatVector>: Reduction {
    @usableFromInline var low: V.Wide
    @usableFromInline var high: V.Wide
    /// What absent elements are read as.
    @_alwaysEmitIntoClient @inline(__always) public static var neutral: Float { 0 }
    /// Nothing yet.
    @_alwaysEmitIntoClient @inline(__always) public init() { (low, high) = (V.Wide(), V.Wide()) }
    /// Takes in one vector.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func add(_ x: V) {
        low = low + x.lowWide
        high = high + x.highWide
    }
    /// Takes in another accumulator.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func join(_ other: Self) {
        low = low + other.low
        high = high + other.high
    }
    /// The sum of all lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public var total: Double { V.sum(low + high) }
}

/// Sum of squares in double precision.
@frozen
public struct WideSquareReduction<V: FloatVector>: Reduction {
    @usableFromInline var low: V.Wide
    @usableFromInline var high: V.Wide
    /// What absent elements are read as.
    @_alwaysEmitIntoClient @inline(__always) public static var neutral: Float { 0 }
    /// Nothing yet.
    @_alwaysEmitIntoClient @inline(__always) public init() { (low, high) = (V.Wide(), V.Wide()) }
    /// Takes in one vector.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func add(_ x: V) {
        let (a, b) = (x.lowWide, x.highWide)
        low = V.multiplyAdd(a, a, low)
        high = V.multiplyAdd(b, b, high)
    }
    /// Takes in another accumulator.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func join(_ other: Self) {
        low = low + other.low
        high = high + other.high
    }
    /// The sum of all lanes.
    @_alwaysEmitIntoClient @inline(__always)
    public var total: Double { V.sum(low + high) }
}

/// Sum of products of two rows.
@_alwaysEmitIntoClient @inline(__always)
public func dotProduct<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ n: Int
) -> Float {
    var (a, b, c, d) = (V(), V(), V(), V())
    var i = 0
    while i &+ 4 &* V.lanes <= n {
        a = .multiplyAdd(x.load(i, as: V.self), y.load(i, as: V.self), a)
        b = .multiplyAdd(
            x.load(i &+ V.lanes, as: V.self), y.load(i &+ V.lanes, as: V.self), b)
        c = .multiplyAdd(
            x.load(i &+ 2 &* V.lanes, as: V.self), y.load(i &+ 2 &* V.lanes, as: V.self), c)
        d = .multiplyAdd(
            x.load(i &+ 3 &* V.lanes, as: V.self), y.load(i &+ 3 &* V.lanes, as: V.self), d)
        i &+= 4 &* V.lanes
    }
    while i &+ V.lanes <= n {
        a = .multiplyAdd(x.load(i, as: V.self), y.load(i, as: V.self), a)
        i &+= V.lanes
    }
    if i < n {
        let rest = n &- i
        b = .multiplyAdd(
            V(partial: x.moved(i), count: rest, fill: 0),
            V(partial: y.moved(i), count: rest, fill: 0), b)
    }
    return ((a + b) + (c + d)).sum()
}

/// Sums of columns, 64 rows at a time so that rounding grows with the number of runs, not of rows.
@_alwaysEmitIntoClient @inline(__always)
public func columnSums<V: FloatVector>(
    _ vector: V.Type, _ x: UnsafePointer<Float>, stride: Int, rows: Int, columns: Int,
    sums: UnsafeMutablePointer<Float>, accumulate: Bool
) {
    if !accumulate {
        var column = 0
        while column < columns {
            sums[column] = 0
            column &+= 1
        }
    }
    var first = 0
    while first < rows {
        let last = first &+ 64 < rows ? first &+ 64 : rows
        var column = 0
        while column &+ V.lanes <= columns {
            var total = V()
            var place = x.moved(first &* stride &+ column)
            var row = first
            while row < last {
                total = total + place.load(0, as: V.self)
                place = place.moved(stride)
                row &+= 1
            }
            sums.store(sums.load(column, as: V.self) + total, column)
            column &+= V.lanes
        }
        while column < columns {
            var total: Float = 0
            var place = x.moved(first &* stride &+ column)
            var row = first
            while row < last {
                total += place.pointee
                place = place.moved(stride)
                row &+= 1
            }
            sums[column] += total
            column &+= 1
        }
        first = last
    }
}
