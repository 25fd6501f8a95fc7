// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw ("Parallel random
// numbers: as easy as 1, 2, 3", 2011): random numbers are a function of a counter and a key, so that
// they can be keyed by what they are for instead of by who draws them when.

/// Four random words for each counter and key.
public struct Philox4x32: Sendable {
    /// The key.
    public let key: SIMD2<UInt32>

    /// A generator with a key of two words.
    public init(key: SIMD2<UInt32>) { self.key = key }

    /// A generator keyed by a seed.
    public init(seed: UInt64) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    }

    /// The four words that belong to a counter.
    public static func random(counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
        var (c, k) = (counter, key)
        for _ in 0..<10 {
            let first = UInt64(c[0]) &* 0xD251_1F53
            let second = UInt64(c[2]) &* 0xCD9E_8D57
            c = SIMD4(
                UInt32(truncatingIfNeeded: second >> 32) ^ c[1] ^ k[0],
                UInt32(truncatingIfNeeded: second),
                UInt32(truncatingIfNeeded: first >> 32) ^ c[3] ^ k[1],
                UInt32(truncatingIfNeeded: first))
            k = SIMD2(k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85)
        }
        return c
    }

    /// The four words that belong to a counter.
    public func random(_ counter: SIMD4<UInt32>) -> SIMD4<UInt32> {
        Self.random(counter: counter, key: key)
    }

    /// The 64 random bits of (index, stream).
    public func bits(_ index: UInt64, stream: UInt64 = 0) -> UInt64 {
        let words = random(
            SIMD4(
                UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
                UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)))
        return UInt64(words[0]) | UInt64(words[1]) << 32
    }

    /// A number in [0, 1), a multiple of 2^-53, for (index, stream).
    public func uniform(_ index: UInt64, stream: UInt64 = 0) -> Double {
        Double(bits(index, stream: stream) >> 11) * 0x1p-53
    }

    /// A whole number below `bound`, without bias worth a name (bound / 2^64), for (index, stream).
    public func integer(below bound: UInt64, _ index: UInt64, stream: UInt64 = 0) -> UInt64 {
        precondition(bound > 0, "a random integer below 0")
        return bits(index, stream: stream).multipliedFullWidth(by: bound).high
    }

    /// A number with mean 0 and standard deviation 1 (Box and Muller) for (index, stream).
    public func normal(_ index: UInt64, stream: UInt64 = 0) -> Double {
        let words = random(
            SIMD4(
                UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
                UInt32(truncatingIfNeeded: stream), UInt32(truncatingIfNeeded: stream >> 32)))
        let first = Double((UInt64(words[0]) | UInt64(words[1]) << 32) >> 11) + 1
        let second = Double((UInt64(words[2]) | UInt64(words[3]) << 32) >> 11)
        return (-2 * log(first * 0x1p-53)).squareRoot() * cos(second * 0x1p-53 * 2 * Double.pi)
    }

    /// Mixes two numbers into one that depends on every bit of both (the finaliser of SplitMix64).
    public static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        finalise(finalise(a &+ 0x9E37_79B9_7F4A_7C15) ^ b &+ 0x9E37_79B9_7F4A_7C15)
    }

    private static func finalise(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif
