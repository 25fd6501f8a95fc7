// Eight floats: a register of AVX2, with fused multiply-add.

public import CKernels

/// Eight floats in one register.
@frozen
public struct Vector8: FloatVector {
    /// The lanes as 32-bit integers.
    public typealias Bits = SIMD8<UInt32>
    /// Half of the lanes in double precision.
    public typealias Wide = SIMD4<Double>
    /// Half as many 64-bit integers.
    public typealias Words = SIMD4<UInt64>

    /// The lanes.
    public var value: SIMD8<Float>

    /// Wraps the lanes.
    @_alwaysEmitIntoClient @_transparent
    public init(value: SIMD8<Float>) { self.value = value }

    /// Zero in every lane.
    @_alwaysEmitIntoClient @_transparent
    public init() { value = .zero }

    /// The same value in every lane.
    @_alwaysEmitIntoClient @_transparent
    public init(_ scalar: Float) { value = SIMD8(repeating: scalar) }

    /// Reinterprets integers.
    @_alwaysEmitIntoClient @_transparent
    public init(bits: Bits) { value = unsafeBitCast(bits, to: SIMD8<Float>.self) }

    /// The lanes reinterpreted as integers.
    @_alwaysEmitIntoClient @_transparent
    public var bits: Bits { unsafeBitCast(value, to: Bits.self) }

    /// Number of floats.
    @_alwaysEmitIntoClient @_transparent
    public static var lanes: Int { 8 }

    /// The first lanes from memory, `fill` in the others.
    @_alwaysEmitIntoClient @_transparent
    public init(partial source: UnsafePointer<Float>, count: Int, fill: Float) {
        value = SIMD8(repeating: fill)
        var lane = 0
        while lane < count {
            value[lane] = source[lane]
            lane &+= 1
        }
    }

    /// Writes the first lanes.
    @_alwaysEmitIntoClient @_transparent
    public func storePartial(_ target: UnsafeMutablePointer<Float>, count: Int) {
        var lane = 0
        while lane < count {
            target[lane] = value[lane]
            lane &+= 1
        }
    }

    /// Lane by lane.
    @_alwaysEmitIntoClient @_transparent
    public static func + (a: Self, b: Self) -> Self { Self(value: a.value + b.value) }

    /// Lane by lane.
    @_alwaysEmitIntoClient @_transparent
    public static func - (a: Self, b: Self) -> Self { Self(value: a.value - b.value) }

    /// Lane by lane.
    @_alwaysEmitIntoClient @_transparent
    public static func * (a: Self, b: Self) -> Self { Self(value: a.value * b.value) }

    /// Lane by lane.
    @_alwaysEmitIntoClient @_transparent
    public static func / (a: Self, b: Self) -> Self { Self(value: a.value / b.value) }

    /// `a * b + c`.
    @_alwaysEmitIntoClient @_transparent
    public static func multiplyAdd(_ a: Self, _ b: Self, _ c: Self) -> Self {
        Self(value: c.value.addingProduct(a.value, b.value))
    }

    /// The larger; `a` where either is no number.
    @_alwaysEmitIntoClient @_transparent
    public static func maximum(_ a: Self, _ b: Self) -> Self {
        Self(value: retort_where_less8(a.value, b.value, b.value, a.value))
    }

    /// The smaller; `a` where either is no number.
    @_alwaysEmitIntoClient @_transparent
    public static func minimum(_ a: Self, _ b: Self) -> Self {
        Self(value: retort_where_less8(b.value, a.value, b.value, a.value))
    }

    /// `x` where `a < b`, else `y`.
    @_alwaysEmitIntoClient @_transparent
    public static func whereLess(_ a: Self, _ b: Self, _ x: Self, _ y: Self) -> Self {
        Self(value: retort_where_less8(a.value, b.value, x.value, y.value))
    }

    /// Bit l is set where lane l of `a` is below that of `b`, as unsigned integers.
    @_alwaysEmitIntoClient @_transparent
    public static func bitsBelow(_ a: Bits, _ b: Bits) -> UInt32 { retort_bits_below8(a, b) }

    /// The lanes whose bit is set in `word`, and zero in the others.
    @_alwaysEmitIntoClient @_transparent
    public func kept(_ word: UInt32) -> Self { Self(value: retort_kept8(value, word)) }

    /// Correctly rounded square root.
    @_alwaysEmitIntoClient @_transparent
    public func squareRoot() -> Self { Self(value: retort_square_root8(value)) }

    /// Lane 0.
    @_alwaysEmitIntoClient @_transparent
    public var first: Float { value[0] }

    /// Sum of the lanes by halving.
    @_alwaysEmitIntoClient @_transparent
    public func sum() -> Float {
        let four = value.lowHalf + value.highHalf
        let two = four.lowHalf + four.highHalf
        return two[0] + two[1]
    }

    /// Largest lane.
    @_alwaysEmitIntoClient @_transparent
    public func largest() -> Float {
        let (c, d) = (value.lowHalf, value.highHalf)
        let four = retort_where_less4(c, d, d, c)
        let left = four[0] < four[2] ? four[2] : four[0]
        let right = four[1] < four[3] ? four[3] : four[1]
        return left < right ? right : left
    }

    /// The lower half in double precision.
    ///
    /// Lane by lane: the converting initialiser is emitted on its own, under one name for all sets.
    @_alwaysEmitIntoClient @_transparent
    public var lowWide: Wide {
        Wide(
            Double(value[0]), Double(value[1]),
            Double(value[2]), Double(value[3]))
    }

    /// The upper half in double precision.
    @_alwaysEmitIntoClient @_transparent
    public var highWide: Wide {
        Wide(
            Double(value[4]), Double(value[5]),
            Double(value[6]), Double(value[7]))
    }

    /// `a * b + c` on doubles.
    @_alwaysEmitIntoClient @_transparent
    public static func multiplyAdd(_ a: Wide, _ b: Wide, _ c: Wide) -> Wide {
        c.addingProduct(a, b)
    }

    /// Sum of the lanes by halving.
    @_alwaysEmitIntoClient @_transparent
    public static func sum(_ a: Wide) -> Double {
        let two = a.lowHalf + a.highHalf
        return two[0] + two[1]
    }

    /// Interleaves 64-bit words: a0 b0 a1 b1 ...
    @_alwaysEmitIntoClient @_transparent
    public static func interleave(_ a: Words, _ b: Words) -> (low: Bits, high: Bits) {
        var pairs = SIMD8<UInt64>()
        pairs.evenHalf = a
        pairs.oddHalf = b
        return (
            unsafeBitCast(pairs.lowHalf, to: Bits.self),
            unsafeBitCast(pairs.highHalf, to: Bits.self)
        )
    }

    /// The same words, whose origin the compiler can't see.
    @_alwaysEmitIntoClient @_transparent
    public static func opaque(_ a: Words) -> Words { retort_opaque4(a) }

    /// Products of the low halves of 64-bit words.
    @_alwaysEmitIntoClient @_transparent
    public static func multiplyLow(_ a: Words, _ b: Words) -> Words {
        retort_multiply_low4(a, b)
    }

    /// Asks for a cache line.
    @_alwaysEmitIntoClient @_transparent
    public static func prefetch(_ address: UnsafePointer<Float>) { retort_prefetch(address) }

    /// The quads at several places, as many as fill the vector.
    @_alwaysEmitIntoClient @_transparent
    public init<E: PanelElement>(
        quads element: E.Type, _ source: UnsafePointer<E.Stored>, _ lines: QuadOffsets
    ) {
        value = SIMD8(lowHalf: E.quad(source), highHalf: E.quad(moved(source, lines.1)))
    }

    /// The 4 x 4 transposes of the quads of four vectors.
    @_alwaysEmitIntoClient @_transparent
    public static func transposeQuads(
        _ a: Self, _ b: Self, _ c: Self, _ d: Self
    ) -> (Self, Self, Self, Self) {
        // a0 b0 a1 b1 | c0 d0 c1 d1 -> a0 b0 c0 d0 | a1 b1 c1 d1
        let ab = retort_interleave_low8(a.value, b.value)
        let cd = retort_interleave_low8(c.value, d.value)
        let ab2 = retort_interleave_high8(a.value, b.value)
        let cd2 = retort_interleave_high8(c.value, d.value)
        return (
            Self(value: retort_interleave_low_pairs8(ab, cd)),
            Self(value: retort_interleave_high_pairs8(ab, cd)),
            Self(value: retort_interleave_low_pairs8(ab2, cd2)),
            Self(value: retort_interleave_high_pairs8(ab2, cd2))
        )
    }

    /// The lanes from memory, at any address.
    @_alwaysEmitIntoClient @_transparent
    public init(at source: UnsafePointer<Float>) { value = retort_load8(source) }

    /// Writes the lanes to memory, at any address.
    @_alwaysEmitIntoClient @_transparent
    public func store(at target: UnsafeMutablePointer<Float>) { retort_store8(value, target) }

    /// Rounded to bfloat16, which is the upper half of a lane.
    @_alwaysEmitIntoClient @_transparent
    public func roundedToBFloat16() -> Self { Self(value: retort_round_bfloat16_8(value)) }

    /// Two bfloat16 in each lane.
    @_alwaysEmitIntoClient @_transparent
    public static func pair(_ even: Self, _ odd: Self) -> Self {
        Self(value: retort_pair_bfloat16_8(even.value, odd.value))
    }

    /// Widened bfloat16.
    @_alwaysEmitIntoClient @_transparent
    public init(bfloat16 source: UnsafePointer<UInt16>) {
        value = retort_load_bfloat16_8(source)
    }

    /// Writes the upper halves.
    @_alwaysEmitIntoClient @_transparent
    public func storeBFloat16(_ target: UnsafeMutablePointer<UInt16>) {
        retort_store_bfloat16_8(value, target)
    }

    /// Asks for a cache line in the second-level cache.
    @_alwaysEmitIntoClient @_transparent
    public static func prefetchFar(_ address: UnsafePointer<Float>) {
        retort_prefetch_far(address)
    }

    /// 0, 1, 2, ...
    @_alwaysEmitIntoClient @_transparent
    public static var wordIndices: Words { Words(0, 1, 2, 3) }
}
