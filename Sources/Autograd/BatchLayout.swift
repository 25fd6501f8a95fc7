// How a packed batch lies in memory: sequences one behind another without padding, and which of
// them belong to which leaf of the gradient tree.
//
// Shape legend: N tokens of all sequences, S sequences, V leaves of the whole step's tree.

public import TensorCore

/// What the rows of a matrix on the tape stand for.
public enum RowAxis: Sendable {
    /// One row a token of the packed batch.
    case tokens
    /// One row a sequence of the packed batch.
    case sequences
    /// One row a bucket of relative positions of a leaf (RelativePositions.swift).
    case positions
}

/// Sequences packed without padding, cut into the leaves of the step's gradient tree.
///
/// The global batch of a step is cut into `V` leaves. A gradient is the sum over all leaves in one
/// fixed binary tree, whichever rank computed which leaf; that makes it the same bits on any number
/// of ranks. A layout holds the leaves that one rank works on.
public struct BatchLayout: Sendable {
    /// First token row of each sequence, and the token count at the end: `S + 1` numbers.
    public let sequenceOffsets: [Int]
    /// Global index of each sequence's sample: what its random numbers are keyed by.
    public let samples: [UInt32]
    /// First sequence of each leaf, and the sequence count at the end.
    public let leafOffsets: [Int]
    /// The leaves of the step's tree that lie in this batch, in order.
    public let leaves: Range<Int>
    /// Sample index of each token row.
    public let sampleOfToken: [UInt32]
    /// Position in its sequence of each token row.
    public let positionOfToken: [UInt32]

    /// A layout of sequences with the given token counts.
    ///
    /// - Parameters:
    ///   - lengths: Tokens of each sequence, each at least 1.
    ///   - samples: Global sample index of each sequence.
    ///   - leafOffsets: First sequence of each leaf and the sequence count at the end.
    ///   - leaves: Which leaves of the step's tree these are.
    public init(lengths: [Int], samples: [UInt32], leafOffsets: [Int], leaves: Range<Int>) {
        precondition(lengths.count == samples.count, "\(lengths.count) != \(samples.count)")
        precondition(leafOffsets.count == leaves.count + 1, "\(leafOffsets.count) offsets")
        precondition(leafOffsets.last == lengths.count, "\(leafOffsets) of \(lengths.count)")
        var offsets = [0]
        var sampleOfToken: [UInt32] = []
        var positionOfToken: [UInt32] = []
        for (length, sample) in zip(lengths, samples) {
            precondition(length > 0, "a sequence without tokens")
            offsets.append((offsets.last ?? 0) + length)
            for position in 0..<length {
                sampleOfToken.append(sample)
                positionOfToken.append(UInt32(position))
            }
        }
        sequenceOffsets = offsets
        self.samples = samples
        self.leafOffsets = leafOffsets
        self.leaves = leaves
        self.sampleOfToken = sampleOfToken
        self.positionOfToken = positionOfToken
    }

    /// A layout of one leaf, for inference and for one-piece steps.
    public init(lengths: [Int]) {
        self.init(
            lengths: lengths, samples: lengths.indices.map(UInt32.init),
            leafOffsets: [0, lengths.count], leaves: 0..<1)
    }

    /// The count of sequences, S.
    public var sequenceCount: Int { samples.count }
    /// Tokens of the longest sequence.
    public var longestSequence: Int {
        zip(sequenceOffsets, sequenceOffsets.dropFirst()).map { $1 - $0 }.max() ?? 0
    }
    /// The count of tokens, N.
    public var tokenCount: Int { sequenceOffsets[sequenceCount] }

    /// The rows of leaf `leaf` on the given axis.
    func rows(ofLeaf leaf: Int, on axis: RowAxis) -> Range<Int> {
        let first = leafOffsets[leaf - leaves.lowerBound]
        let last = leafOffsets[leaf - leaves.lowerBound + 1]
        switch axis {
        case .sequences: return first..<last
        case .tokens: return sequenceOffsets[first]..<sequenceOffsets[last]
        case .positions: preconditionFailure("a layout knows no relative positions")
        }
    }

    /// The random stream of a dropout site: the mask of a row depends on its sample and position.
    public func dropoutStream(
        seed: UInt64, step: UInt64, site: UInt32, axis: RowAxis
    ) -> DropoutStream {
        switch axis {
        case .tokens:
            DropoutStream(
                seed: seed, step: step, site: site, sample: sampleOfToken,
                position: positionOfToken)
        case .sequences:
            DropoutStream(
                seed: seed, step: step, site: site, sample: samples,
                position: [UInt32](repeating: 0, count: samples.count))
        case .positions: preconditionFailure("a layout knows no relative positions")
        }
    }
}
