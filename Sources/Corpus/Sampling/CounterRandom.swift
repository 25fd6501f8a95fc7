// Random numbers by counting: number `n` of a stream is a pure function of (key, n), so that any
// rank, at any time, finds the same one. The function is SplitMix64 (Steele, Lea, Flood: Fast
// splittable pseudorandom number generators, 2014), whose state is a counter already. Masks of
// dropout have a stronger generator of their own; this one deals out positions.

/// A stream of random numbers addressed by index.
package struct CounterRandom {
    private let key: UInt64

    /// The stream of a key.
    package init(key: UInt64) {
        self.key = key
    }

    /// The stream of a seed and further numbers (an epoch, a use).
    package init(seed: UInt64, _ parts: UInt64...) {
        // Mixed before each part comes in, so that (1, 2) and (2, 1) are two streams.
        key = parts.reduce(Self.mixed(seed)) { Self.mixed($0 ^ $1) }
    }

    /// The 64 random bits with that index.
    package subscript(index: UInt64) -> UInt64 {
        Self.mixed(key &+ index &* 0x9E37_79B9_7F4A_7C15)
    }

    /// A whole number below `bound`, each as likely (Lemire 2019: multiply, refuse the short tail).
    ///
    /// Takes one index of the stream, very rarely more.
    package func below(_ bound: UInt64, next index: inout UInt64) -> UInt64 {
        precondition(bound > 0, "bound \(bound)")
        let threshold = (0 &- bound) % bound
        while true {
            let product = self[index].multipliedFullWidth(by: bound)
            index += 1
            if product.low >= threshold { return product.high }
        }
    }

    /// SplitMix64's step and output function: from state to number.
    static func mixed(_ state: UInt64) -> UInt64 {
        var z = state &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
