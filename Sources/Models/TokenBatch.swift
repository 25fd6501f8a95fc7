// The input of an encoder: token ids of packed sequences, checked against the model's tables.

public import Autograd

/// One text as token ids.
public struct TokenSequence: Sendable, Equatable {
    /// Vocabulary ids.
    public var ids: [Int32]
    /// Token types (0 for the first text of a pair, 1 for the second).
    public var typeIDs: [Int32]

    /// A sequence; without types they are all 0.
    public init(ids: [Int32], typeIDs: [Int32]? = nil) {
        self.ids = ids
        self.typeIDs = typeIDs ?? [Int32](repeating: 0, count: ids.count)
    }
}

/// Packed sequences and how they lie.
public struct TokenBatch: Sendable {
    /// Vocabulary id of each token row.
    public let ids: [Int32]
    /// Token type of each token row.
    public let typeIDs: [Int32]
    /// Position in its sequence of each token row.
    public let positions: [Int32]
    /// Where each sequence and each leaf begins.
    public let layout: BatchLayout

    /// Packs sequences in order.
    ///
    /// - Parameters:
    ///   - sequences: The texts, none empty.
    ///   - layout: Their layout; nil for one leaf.
    public init(_ sequences: [TokenSequence], layout: BatchLayout? = nil) {
        self.layout = layout ?? BatchLayout(lengths: sequences.map(\.ids.count))
        ids = sequences.flatMap(\.ids)
        typeIDs = sequences.flatMap(\.typeIDs)
        positions = self.layout.positionOfToken.map(Int32.init)
        precondition(
            ids.count == self.layout.tokenCount,
            "\(ids.count) ids in a layout of \(self.layout.tokenCount) tokens")
    }
    /// Positions as RoBERTa counts them: from the number after that of `padding`, which stands where
    /// it is met and isn't counted.
    func positions(skipping padding: Int32) -> [Int32] {
        var next = padding
        return zip(ids, positions).map { id, position in
            if position == 0 { next = padding }
            guard id != padding else { return padding }
            next += 1
            return next
        }
    }
}
