// Numbers that look random and are the same on every machine and in every run.

/// SplitMix64 (Steele, Lea, Flood 2014), seeded.
struct SampleNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The next word.
    mutating func word() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number in -1..<1.
    mutating func signed() -> Double { Double(Int64(bitPattern: word()) >> 11) * 0x1p-52 }

    /// A whole number in `0..<bound`.
    mutating func below(_ bound: Int) -> Int { Int(word() % UInt64(bound)) }

    /// Floats in center +- scale.
    mutating func floats(_ count: Int, scale: Float = 1, around center: Float = 0) -> [Float] {
        (0..<count).map { _ in center + scale * Float(signed()) }
    }

    /// Whole numbers from -limit to limit.
    mutating func integers(_ count: Int, limit: Int) -> [Float] {
        (0..<count).map { _ in Float(below(2 * limit + 1) - limit) }
    }

    /// Ids in `0..<bound`.
    mutating func ids(_ count: Int, below bound: Int) -> [Int32] {
        (0..<count).map { _ in Int32(below(bound)) }
    }
}
