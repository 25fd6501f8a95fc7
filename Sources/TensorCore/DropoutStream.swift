// Which random numbers a row's dropout uses: those of its sample and token, wherever the row lies.
// The mask doesn't depend on the layout of the batch, on threads or on ranks.

internal import Kernels

/// The identity of the rows of one dropout call.
///
/// Column c of a row is kept when word `c % 4` of Philox4x32-10 with counter
/// `(c / 4, position, site, sample)` and key `mix(seed, step)` is below `(1 - probability) * 2^32`.
public struct DropoutStream: Sendable {
    /// Seed of the run.
    public var seed: UInt64
    /// Training step.
    public var step: UInt64
    /// Which dropout of the model this is.
    public var site: UInt32
    /// Global index of each row's sample.
    public var sample: [UInt32]
    /// Each row's token in its sample.
    public var position: [UInt32]

    /// A stream for as many rows as `sample` and `position` have.
    public init(seed: UInt64, step: UInt64, site: UInt32, sample: [UInt32], position: [UInt32]) {
        precondition(
            sample.count == position.count,
            "dropout stream of \(sample.count) samples and \(position.count) positions")
        self.seed = seed
        self.step = step
        self.site = site
        self.sample = sample
        self.position = position
    }

    /// Number of rows.
    public var count: Int { sample.count }

    /// The words that key a step's generator.
    static func key(seed: UInt64, step: UInt64) -> (UInt32, UInt32) {
        let mixed = Philox4x32.mix(seed, step)
        return (UInt32(truncatingIfNeeded: mixed), UInt32(truncatingIfNeeded: mixed >> 32))
    }

    /// The bound that a kept element's random word lies below, and the factor of kept elements.
    static func keep(_ probability: Float) -> (threshold: UInt32, factor: Float) {
        precondition(probability >= 0 && probability < 1, "dropout probability \(probability)")
        let keep = 1 - Double(probability)
        let threshold = min((keep * 0x1p32).rounded(), Double(UInt32.max))
        return (UInt32(threshold), Float(1 / keep))
    }

    /// Whether an element is kept: the definition, word by word.
    public func keeps(row: Int, column: Int, probability: Float) -> Bool {
        let key = Self.key(seed: seed, step: step)
        let words = Philox4x32.random(
            counter: SIMD4(
                UInt32(truncatingIfNeeded: column / 4), position[row], site, sample[row]),
            key: SIMD2(key.0, key.1))
        return words[column % 4] < Self.keep(probability).threshold
    }
}

extension Compute {
    /// y = x / (1 - probability) where kept, else 0, row r with the identity r of `stream`.
    ///
    /// Applied to the gradient of y it is its own backward pass; with the mask kept, the form that
    /// takes a mask is the cheaper one. y may be x. A probability of 0 copies, and keeps no mask.
    public func dropout(
        _ x: Matrix, probability: Float, stream: DropoutStream, into y: Matrix,
        keeping mask: DropoutMask? = nil
    ) {
        x.checkShape(y, "dropout")
        precondition(stream.count == x.rows, "dropout: \(stream.count) rows for \(x.rows)")
        if probability == 0 {
            if x.base != y.base { y.copy(from: x) }
            return
        }
        forRows(x.rows, of: 2 * x.columns) { range in
            for row in range {
                serial.dropout(
                    x.row(row), probability: probability, stream: stream, row: row,
                    into: y.row(row), keeping: mask?.row(row))
            }
        }
    }
}
