// What many prompts begin with (the system's turn, the examples), read by the model once: each prompt's
// sequence forks from it and shares its memory. A token's result doesn't depend on how its text was cut into
// calls, so this changes the time alone.

import Models

/// The beginning that prompts share, kept between batches.
final class PromptPrefix {
    private let decoder: Models.Decoder
    private var tokens: [Int32] = []
    private var sequence: DecoderSequence?

    init(_ decoder: Models.Decoder) { self.decoder = decoder }

    /// What all texts begin with, read; at least one token of each is left to be read.
    ///
    /// - Returns: A sequence to fork, and how many tokens of each text it holds; nil where they share
    ///   nothing.
    func shared(
        by texts: [[Int32]]
    ) throws(ModelError) -> (sequence: DecoderSequence, count: Int)? {
        guard let first = texts.first else { return nil }
        let shortest = texts.reduce(first.count) { min($0, $1.count) }
        var common = max(0, min(shortest, decoder.configuration.maximumLength) - 1)
        for text in texts.dropFirst() { common = Self.common(first, text, limit: common) }
        let known = Self.common(tokens, first, limit: min(tokens.count, common))
        guard texts.count > 1 else {
            guard known > 0, let fork = sequence?.fork() else { return nil }
            fork.truncate(to: known)
            return (fork, known)
        }
        guard common > 0 else { return nil }
        let held = sequence ?? decoder.makeSequence()
        held.truncate(to: known)
        (sequence, tokens) = (held, Array(first[..<known]))
        if common > known {
            let rest = Array(first[known..<common])
            _ = try decoder.read([DecoderInput(held, rest, wanted: .none)])
            tokens += rest
        }
        return (held, common)
    }

    /// How many tokens two texts begin with alike, at most `limit`.
    static func common(_ left: [Int32], _ right: [Int32], limit: Int) -> Int {
        var count = 0
        let limit = min(limit, left.count, right.count)
        while count < limit, left[count] == right[count] { count += 1 }
        return count
    }
}
