// What a kernel needs of a vector register of floats. The kernels of this module are written once
// against this protocol; each satellite (Baseline, AVX2, AVX512) supplies one `Vector` and compiles
// them with its own instruction set. Everything is `@_alwaysEmitIntoClient @inline(__always)`, so
// that no code of this module exists outside a satellite's C functions.

/// Offsets of the quads of a vector from its first one, which itself is at 0.
public typealias QuadOffsets = (Int, Int, Int, Int)

/// A register full of floats, with the operations the kernels use.
///
/// Requirements rather than `SIMD` extensions, because the satellite then decides what an operation
/// is: `multiplyAdd` is fused where the hardware fuses, and two instructions where it would be a
/// call into the C library for each lane.
public protocol FloatVector: BitwiseCopyable {
    /// The lanes as 32-bit integers.
    associatedtype Bits: SIMD where Bits.Scalar == UInt32
    /// Half of the lanes in double precision.
    associatedtype Wide: SIMD where Wide.Scalar == Double
    /// Half as many 64-bit integers: 32x32-bit products without shuffles.
    associatedtype Words: SIMD where Words.Scalar == UInt64

    /// Number of floats.
    static var lanes: Int { get }
    /// Zero in every lane.
    init()
    /// The same value in every lane.
    init(_ value: Float)
    /// Reinterprets integers.
    init(bits: Bits)
    /// The lanes reinterpreted as integers.
    var bits: Bits { get }
    /// Lanes 0, 1, ... of `count` floats, and `fill` in the others.
    init(partial source: UnsafePointer<Float>, count: Int, fill: Float)
    /// Writes the first `count` lanes.
    func storePartial(_ target: UnsafeMutablePointer<Float>, count: Int)

    static func + (a: Self, b: Self) -> Self
    static func - (a: Self, b: Self) -> Self
    static func * (a: Self, b: Self) -> Self
    static func / (a: Self, b: Self) -> Self
    /// `a * b + c`.
    static func multiplyAdd(_ a: Self, _ b: Self, _ c: Self) -> Self
    /// The larger; `a` where either is no number.
    static func maximum(_ a: Self, _ b: Self) -> Self
    /// The smaller; `a` where either is no number.
    static func minimum(_ a: Self, _ b: Self) -> Self
    /// `x` where `a < b`, else `y`.
    static func whereLess(_ a: Self, _ b: Self, _ x: Self, _ y: Self) -> Self
    /// Bit l is set where lane l of `a` is below that of `b`, as unsigned integers.
    static func bitsBelow(_ a: Bits, _ b: Bits) -> UInt32
    /// The lanes whose bit is set in `word`, and zero in the others.
    func kept(_ word: UInt32) -> Self
    /// Correctly rounded square root.
    func squareRoot() -> Self

    /// Lane 0.
    var first: Float { get }
    /// Sum of the lanes by halving, in that order.
    func sum() -> Float
    /// Largest lane.
    func largest() -> Float
    /// The lower half in double precision.
    var lowWide: Wide { get }
    /// The upper half in double precision.
    var highWide: Wide { get }
    /// `a * b + c` on doubles.
    static func multiplyAdd(_ a: Wide, _ b: Wide, _ c: Wide) -> Wide
    /// Sum of the lanes by halving, in that order.
    static func sum(_ a: Wide) -> Double
    /// Interleaves 64-bit words: a0 b0 a1 b1 ..., as two vectors of 32-bit integers.
    static func interleave(_ a: Words, _ b: Words) -> (low: Bits, high: Bits)
    /// The same words, whose origin the compiler can't see.
    static func opaque(_ a: Words) -> Words
    /// Products of the low halves of 64-bit words.
    static func multiplyLow(_ a: Words, _ b: Words) -> Words
    /// Asks for the cache line at an address that will be written soon.
    static func prefetch(_ address: UnsafePointer<Float>)
    /// The quads at an address and at as many offsets from it as fill the vector.
    init<E: PanelElement>(
        quads element: E.Type, _ source: UnsafePointer<E.Stored>, _ lines: QuadOffsets)
    /// The 4 x 4 transposes of the quads of four vectors: of lane group by lane group.
    static func transposeQuads(
        _ a: Self, _ b: Self, _ c: Self, _ d: Self
    ) -> (Self, Self, Self, Self)
    /// The lanes from memory, at any address.
    init(at source: UnsafePointer<Float>)
    /// Writes the lanes to memory, at any address.
    func store(at target: UnsafeMutablePointer<Float>)
    /// Rounded to bfloat16 (nearest, ties to even; NaN is quiet): the upper half of each lane.
    func roundedToBFloat16() -> Self
    /// Two rounded vectors in one: the first in the lower halves of the lanes.
    static func pair(_ even: Self, _ odd: Self) -> Self
    /// Widened bfloat16 from memory.
    init(bfloat16 source: UnsafePointer<UInt16>)
    /// Writes the upper half of each lane.
    func storeBFloat16(_ target: UnsafeMutablePointer<UInt16>)
    /// Asks for the cache line at an address, in the second-level cache.
    static func prefetchFar(_ address: UnsafePointer<Float>)
    /// 0, 1, 2, ...
    static var wordIndices: Words { get }
}

extension FloatVector {
    /// Magnitude of every lane.
    @_alwaysEmitIntoClient @_transparent
    public func magnitude() -> Self { Self(bits: bits & Bits(repeating: 0x7FFF_FFFF)) }

    /// The magnitude of this vector with the sign of another.
    @_alwaysEmitIntoClient @_transparent
    public func withSign(of other: Self) -> Self {
        let sign = Bits(repeating: 0x8000_0000)
        return Self(bits: (bits & ~sign) | (other.bits & sign))
    }
}

// Element offsets use wrapping arithmetic: the overflow trap of `+` would stop vectorisation and
// cost a branch an access.
extension UnsafePointer where Pointee == Float {
    /// The vector that starts `offset` elements from here.
    @_alwaysEmitIntoClient @_transparent
    public func load<V: FloatVector>(_ offset: Int, as type: V.Type) -> V {
        V(at: moved(offset))
    }

    /// This address moved by `offset` elements.
    @_alwaysEmitIntoClient @_transparent
    public func moved(_ offset: Int) -> UnsafePointer<Float> {
        UnsafeRawPointer(self).advanced(by: offset &* 4).assumingMemoryBound(to: Float.self)
    }
}

extension UnsafeMutablePointer where Pointee == Float {
    /// The vector that starts `offset` elements from here.
    @_alwaysEmitIntoClient @_transparent
    public func load<V: FloatVector>(_ offset: Int, as type: V.Type) -> V {
        V(at: moved(offset))
    }

    /// Writes a vector `offset` elements from here.
    @_alwaysEmitIntoClient @_transparent
    public func store<V: FloatVector>(_ vector: V, _ offset: Int) {
        vector.store(at: moved(offset))
    }

    /// This address moved by `offset` elements.
    @_alwaysEmitIntoClient @_transparent
    public func moved(_ offset: Int) -> UnsafeMutablePointer<Float> {
        UnsafeMutableRawPointer(self).advanced(by: offset &* 4).assumingMemoryBound(to: Float.self)
    }
}
