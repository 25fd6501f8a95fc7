// Text that grows with its tokens, piece by piece: no piece ends inside a character, and none holds the
// beginning of a text that stops the generation.
//
// Not here: what a token means; a closure says that.

/// Turns tokens into the text that they complete.
struct IncrementalText {
    private let decode: @Sendable ([Int32]) -> String
    private var tokens: [Int32] = []
    /// Tokens from here on are decoded together with what comes: a piece's text may depend on the
    /// token before it (a leading space, a half character).
    private var contextStart = 0
    /// Tokens before this one have given their text.
    private var settled = 0

    init(_ decode: @escaping @Sendable ([Int32]) -> String) { self.decode = decode }

    /// The text that a token completes; empty in the middle of a character.
    mutating func append(_ token: Int32) -> String {
        tokens.append(token)
        return take(whole: false)
    }

    /// What is left of the text, half characters included.
    mutating func finish() -> String { take(whole: true) }

    private mutating func take(whole: Bool) -> String {
        guard settled < tokens.count else { return "" }
        let before = decode(Array(tokens[contextStart..<settled]))
        let after = decode(Array(tokens[contextStart...]))
        let isHalf = after.unicodeScalars.last == "\u{FFFD}"
        guard whole || !isHalf, after.utf8.count > before.utf8.count else { return "" }
        contextStart = settled
        settled = tokens.count
        return String(decoding: after.utf8.dropFirst(before.utf8.count), as: UTF8.self)
    }
}

/// Looks for texts that end a generation in a text that grows.
struct StopTexts {
    private let stops: [[UInt8]]
    /// Text that might be the beginning of a stop.
    private var held: [UInt8] = []

    init(_ stops: [String]) {
        self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
    }

    /// Adds text; returns what is now sure to belong to the result, and whether a stop was found.
    ///
    /// The stop and what follows it don't belong.
    mutating func append(_ text: String) -> (certain: String, isStopped: Bool) {
        guard !stops.isEmpty else { return (text, false) }
        held += text.utf8
        if let start = held.indices.first(where: { start in
            stops.contains { held[start...].starts(with: $0) }
        }) {
            defer { held = [] }
            return (String(decoding: held[..<start], as: UTF8.self), true)
        }
        let waiting =
            held.indices.first { start in
                stops.contains { $0.starts(with: held[start...]) }
            } ?? held.endIndex
        defer { held.removeFirst(waiting) }
        return (String(decoding: held[..<waiting], as: UTF8.self), false)
    }

    /// What was held back, at the end.
    mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }
}
