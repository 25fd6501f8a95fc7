// What comes out: the tokens of a text (or two) with all that models and methods ask of them.

/// The tokens of one text or a pair, special tokens and padding among them.
public struct Encoding: Sendable, Equatable {
    /// The ids.
    public internal(set) var ids: [Int32] = []
    /// The text that each token belongs to: 0, 1, or what the template says.
    public internal(set) var typeIDs: [Int32] = []
    /// The tokens' texts.
    public internal(set) var tokens: [String] = []
    /// The part of its text that each token stands for, in Unicode scalars; `0..<0` for specials.
    public internal(set) var offsets: [Range<Int>] = []
    /// 1 for tokens that the template or the padding added.
    public internal(set) var specialTokensMask: [Int32] = []
    /// 0 for padding, 1 for all else.
    public internal(set) var attentionMask: [Int32] = []

    /// The number of tokens.
    public var count: Int { ids.count }

    init() {}

    /// Drops the tokens after the first `count`.
    mutating func truncate(to count: Int) {
        guard count < ids.count else { return }
        let excess = ids.count - count
        ids.removeLast(excess)
        typeIDs.removeLast(excess)
        tokens.removeLast(excess)
        offsets.removeLast(excess)
        specialTokensMask.removeLast(excess)
        attentionMask.removeLast(excess)
    }
}
