// The weights of a new head: normal numbers keyed by seed and weight name.
//
// Keyed by name, so that a weight's start doesn't depend on which others are new.

import Autograd
import TensorCore

/// How weights that a folder doesn't hold are drawn.
struct FreshWeights {
    /// The run's seed.
    let seed: UInt64
    /// Standard deviation of matrices; vectors start at zero.
    let deviation: Float

    /// The random numbers of one weight.
    static func generator(seed: UInt64, name: String) -> Philox4x32 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a of the name
        for byte in name.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        return Philox4x32(seed: seed ^ hash)
    }

    func initialize(_ parameter: Parameter, _ values: Matrix) {
        guard parameter.shape.count > 1 else { return values.fill(0) }
        let generator = Self.generator(seed: seed, name: parameter.name)
        values.assign(
            (0..<parameter.count).map {
                deviation * Float(generator.normal(UInt64($0)))
            })
    }
}
