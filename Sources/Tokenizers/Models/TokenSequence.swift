// The tokens of one text as they come out of the model, before specials, truncation and padding.

/// Tokens in the making.
struct TokenSequence {
    private(set) var ids: [Int32] = []
    /// The original scalars of each token, where they are tracked.
    private(set) var offsets: [Range<Int>] = []
    /// The text of tokens that differs from what the vocabulary says of their id, by position.
    private(set) var surfaces: [Int: String] = [:]
    let tracksOffsets: Bool
    /// Room for a model's hashes, kept from word to word.
    var hashes: [UInt64] = []
    /// A BPE or Unigram model's room for its work.
    var workspace = ModelWorkspace()

    init(tracksOffsets: Bool) {
        self.tracksOffsets = tracksOffsets
    }

    var count: Int { ids.count }

    /// Appends a token that is a range of `text`.
    @inline(__always)
    mutating func append(_ id: Int32, _ text: NormalizedText, _ range: Range<Int>) {
        ids.append(id)
        if tracksOffsets { offsets.append(text.originalRange(range)) }
    }

    /// Appends a token with the original scalars that it stands for, and its own text.
    mutating func append(_ id: Int32, offset: Range<Int>, surface: String?) {
        if let surface { surfaces[ids.count] = surface }
        ids.append(id)
        if tracksOffsets { offsets.append(offset) }
    }

    mutating func removeLast(_ count: Int) {
        ids.removeLast(count)
        if tracksOffsets { offsets.removeLast(count) }
    }

    /// Keeps some of the tokens only.
    mutating func keep(_ range: Range<Int>) {
        guard range != 0..<count else { return }
        ids = Array(ids[range])
        if tracksOffsets { offsets = Array(offsets[range]) }
        guard !surfaces.isEmpty else { return }
        var kept: [Int: String] = [:]
        for position in range {
            if let surface = surfaces[position] { kept[position - range.lowerBound] = surface }
        }
        surfaces = kept
    }
}
