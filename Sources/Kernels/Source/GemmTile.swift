// The micro-kernel of the matrix product: a micro-tile of C, two vectors wide and up to MR rows high,
// held in registers while k runs. Heights are types (`Stack<Row, Row>` is two rows), because only
// then does the compiler keep every accumulator in a register; an `InlineArray` of vectors went
// through memory and ran at a quarter of the speed.
//
// The definition of a result, for every tile height and whatever the position of the row: within a
// run of at most KC values of k one accumulator per element, fused multiply-adds in ascending k,
// starting at zero; then C = scale * accumulator + (C, bias or zero).

public import CKernels

/// What is added to an accumulator in one step: the product of two slots of panels.
public protocol TileStep {
    /// The vector of accumulators.
    associatedtype Vector: FloatVector
    /// `sum` and the product of `a` and `b`.
    static func add(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector
}

/// One value of k: a multiply-add.
@frozen
public enum SingleStep<Vector: FloatVector>: TileStep {
    /// `a * b + sum`.
    @_alwaysEmitIntoClient @_transparent
    public static func add(_ sum: Vector, _ a: Vector, _ b: Vector) -> Vector {
        .multiplyAdd(a, b, sum)
    }
}

/// Two values of k in bfloat16, by AVX512-BF16: only in the satellite that is compiled for it.
@frozen
public enum PairStep: TileStep {
    /// `sum` and the products of both pairs.
    @_alwaysEmitIntoClient @_transparent
    public static func add(_ sum: Vector16, _ a: Vector16, _ b: Vector16) -> Vector16 {
        Vector16(value: retort_add_products_of_pairs(sum.value, a.value, b.value))
    }
}

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
public struct Row<Step: TileStep>: TileRows {
    /// The vector they are made of.
    public typealias Vector = Step.Vector

    @usableFromInline var left: Vector
    @usableFromInline var right: Vector

    /// How many rows.
    @_alwaysEmitIntoClient @inline(__always)
    public static var count: Int { 1 }

    /// All zero.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {
        left = Vector()
        right = Vector()
    }

    /// Adds one column of A times one row of B.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func step(_ a: UnsafePointer<Float>, _ left: Vector, _ right: Vector) {
        let scalar = Vector(a.pointee)
        self.left = Step.add(self.left, scalar, left)
        self.right = Step.add(self.right, scalar, right)
    }

    /// Asks for the cache lines of C.
    @_alwaysEmitIntoClient @inline(__always)
    public static func prefetch(_ c: UnsafeMutablePointer<Float>, _ stride: Int) {
        Vector.prefetch(c)
        Vector.prefetch(c.moved(2 &* Vector.lanes &- 1))
    }

    /// Writes `scale * this + C`.
    @_alwaysEmitIntoClient @inline(__always)
    public func add(to c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector) {
        c.store(Vector.multiplyAdd(left, scale, c.load(0, as: Vector.self)), 0)
        c.store(
            Vector.multiplyAdd(right, scale, c.load(Vector.lanes, as: Vector.self)), Vector.lanes)
    }

    /// Writes `scale * this` plus the same two vectors in each row.
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

    /// How many rows.
    @_alwaysEmitIntoClient @inline(__always)
    public static var count: Int { Top.count &+ Bottom.count }

    /// All zero.
    @_alwaysEmitIntoClient @inline(__always)
    public init() {
        top = Top()
        bottom = Bottom()
    }

    /// Adds one column of A times one row of B.
    @_alwaysEmitIntoClient @inline(__always)
    public mutating func step(_ a: UnsafePointer<Float>, _ left: Vector, _ right: Vector) {
        top.step(a, left, right)
        bottom.step(a.moved(Top.count), left, right)
    }

    /// Asks for the cache lines of C.
    @_alwaysEmitIntoClient @inline(__always)
    public static func prefetch(_ c: UnsafeMutablePointer<Float>, _ stride: Int) {
        Top.prefetch(c, stride)
        Bottom.prefetch(c.moved(Top.count &* stride), stride)
    }

    /// Writes `scale * this + C`.
    @_alwaysEmitIntoClient @inline(__always)
    public func add(to c: UnsafeMutablePointer<Float>, _ stride: Int, _ scale: Vector) {
        top.add(to: c, stride, scale)
        bottom.add(to: c.moved(Top.count &* stride), stride, scale)
    }

    /// Writes `scale * this` plus the same two vectors in each row.
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
/// One row.
public typealias Rows1<S: TileStep> = Row<S>
/// Two rows.
public typealias Rows2<S: TileStep> = Stack<Rows1<S>, Rows1<S>>
/// Three rows.
public typealias Rows3<S: TileStep> = Stack<Rows2<S>, Rows1<S>>
/// Four rows.
public typealias Rows4<S: TileStep> = Stack<Rows2<S>, Rows2<S>>
/// Five rows.
public typealias Rows5<S: TileStep> = Stack<Rows4<S>, Rows1<S>>
/// Six rows.
public typealias Rows6<S: TileStep> = Stack<Rows4<S>, Rows2<S>>
/// Seven rows.
public typealias Rows7<S: TileStep> = Stack<Rows4<S>, Rows3<S>>
/// Eight rows.
public typealias Rows8<S: TileStep> = Stack<Rows4<S>, Rows4<S>>
/// Nine rows.
public typealias Rows9<S: TileStep> = Stack<Rows8<S>, Rows1<S>>
/// Ten rows.
public typealias Rows10<S: TileStep> = Stack<Rows8<S>, Rows2<S>>
/// Eleven rows.
public typealias Rows11<S: TileStep> = Stack<Rows8<S>, Rows3<S>>
/// Twelve rows.
public typealias Rows12<S: TileStep> = Stack<Rows8<S>, Rows4<S>>

/// Where a micro-tile goes, and what is added to it.
@frozen
public struct TileTarget {
    @usableFromInline var c: UnsafeMutablePointer<Float>
    @usableFromInline var stride: Int
    @usableFromInline var accumulate: Bool
    @usableFromInline var scale: Float
    /// Two vectors, in memory and not in registers, where they would push accumulators out.
    @usableFromInline var bias: UnsafePointer<Float>
    /// What will be read after this tile: a cache line of it is asked for in every fourth k.
    @usableFromInline var next: UnsafePointer<Float>

    /// A place in C, or in scratch for a tile that sticks out of C.
    @_alwaysEmitIntoClient @inline(__always)
    public init(
        c: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool, scale: Float,
        bias: UnsafePointer<Float>, next: UnsafePointer<Float>
    ) {
        self.next = next
        self.c = c
        self.stride = stride
        self.accumulate = accumulate
        self.scale = scale
        self.bias = bias
    }
}

/// Runs k over one pair of packed panels, `depth` slots long, and writes the micro-tile.
///
/// Four slots at a time, and with each four some cache lines are asked for: the panel of A a little
/// ahead, the next panel of B into the second-level cache, and towards the end a row of C. All at
/// once they would fill the core's buffers for outstanding lines and stop it.
@_alwaysEmitIntoClient @inline(__always)
public func microTile<Rows: TileRows>(
    _ rows: Rows.Type, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ depth: Int,
    _ target: TileTarget
) {
    typealias V = Rows.Vector
    let groups = depth &>> 2
    let distance = 16 &* Rows.count
    let firstRow = Swift.max(0, groups &- 2 &* Rows.count)
    if groups < Rows.count { Rows.prefetch(target.c, target.stride) }
    var tile = Rows()
    var a = a
    var b = b
    var c = UnsafePointer(target.c)
    var next = target.next
    var group = 0
    while group < groups {
        V.prefetch(a.moved(distance))
        if Rows.count > 4 { V.prefetch(a.moved(distance &+ 16)) }
        if Rows.count > 8 { V.prefetch(a.moved(distance &+ 32)) }
        V.prefetchFar(next)
        next = next.moved(16)
        if UInt(bitPattern: group &- firstRow) < UInt(bitPattern: Rows.count) {
            V.prefetch(c)
            V.prefetch(c.moved(2 &* V.lanes &- 1))
            c = c.moved(target.stride)
        }
        var k = 0
        while k < 4 {
            tile.step(a, b.load(0, as: V.self), b.load(V.lanes, as: V.self))
            a = a.moved(Rows.count)
            b = b.moved(2 &* V.lanes)
            k &+= 1
        }
        group &+= 1
    }
    var k = groups &<< 2
    while k < depth {
        tile.step(a, b.load(0, as: V.self), b.load(V.lanes, as: V.self))
        a = a.moved(Rows.count)
        b = b.moved(2 &* V.lanes)
        k &+= 1
    }
    let scale = V(target.scale)
    if target.accumulate {
        tile.add(to: target.c, target.stride, scale)
    } else {
        tile.store(
            target.c, target.stride, scale, target.bias.load(0, as: V.self),
            target.bias.load(V.lanes, as: V.self))
    }
}
