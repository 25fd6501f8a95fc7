// How long a text may get: the `truncation` of a `tokenizer.json`.

/// Which of two texts loses tokens where they are too long together.
public enum TruncationStrategy: String, Sendable {
    /// The longer one, then both in turn; `longest_first`, or `truncation=True`, of transformers.
    case longestFirst = "LongestFirst"
    /// The first alone: a passage or a question, before a choice that is wanted whole; `only_first`.
    case onlyFirst = "OnlyFirst"
    /// The second alone; `only_second`.
    case onlySecond = "OnlySecond"
}

/// The rule by which tokens are cut off.
struct Truncation: Sendable, Equatable {
    var maximumLength: Int
    var strategy = TruncationStrategy.longestFirst
    /// Whether the beginning goes, not the end.
    var cutsLeft = false

    init(maximumLength: Int) {
        self.maximumLength = maximumLength
    }

    init(_ field: JSONField) throws(TokenizerError) {
        let length = try field.required("max_length")
        maximumLength = try length.count()
        let strategyField = try field.required("strategy")
        let name = try strategyField.string()
        guard let strategy = TruncationStrategy(rawValue: name) else {
            throw strategyField.error(.unsupported, "'\(name)' is not supported")
        }
        self.strategy = strategy
        if let direction = try field.optional("direction") {
            switch try direction.string() {
            case "Right": cutsLeft = false
            case "Left": cutsLeft = true
            case let other: throw direction.error(.unsupported, "'\(other)' is not supported")
            }
        }
        // The stride makes overlapping further parts, which nobody here asks for; the first part,
        // which is the encoding, doesn't depend on it.
        let stride = try field.required("stride")
        guard try stride.count() < max(1, maximumLength) else {
            throw stride.error(.inconsistent, "must be smaller than max_length \(maximumLength)")
        }
    }

    /// How many tokens of each text are kept, if `room` tokens fit beside the special ones.
    ///
    /// Where the strategy can't make the texts fit (the reference raises an error there), both are
    /// cut as by `longestFirst`.
    func keptCounts(first: Int, second: Int?, room: Int) -> (first: Int, second: Int) {
        let total = first + (second ?? 0)
        let excess = total - room
        if excess <= 0 { return (first, second ?? 0) }
        if strategy == .onlyFirst, first > excess { return (first - excess, second ?? 0) }
        guard let second else { return (room, 0) }
        if strategy == .onlySecond, second > excess { return (first, second - excess) }
        if room == 0 { return (0, 0) }
        var shorter = min(first, second)
        var longer = shorter > room ? shorter : max(shorter, room - shorter)
        if shorter + longer > room {
            shorter = room / 2
            longer = shorter + room % 2
        }
        return first > second ? (longer, shorter) : (shorter, longer)
    }

    /// Cuts `tokens` down to `count`.
    func cut(_ tokens: inout TokenSequence, to count: Int) {
        let all = tokens.count
        guard count < all else { return }
        tokens.keep(cutsLeft ? all - count..<all : 0..<count)
    }
}
