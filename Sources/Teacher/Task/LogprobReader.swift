// The log-probabilities of a choice in both forms: `content: [{token, logprob, top_logprobs}]` of
// chats, and `tokens`, `token_logprobs`, `top_logprobs` side by side of plain completions. A number
// that can't be a log-probability is nil, never 0.

import Corpus
import Glibc

/// Reads a `logprobs` object.
struct LogprobReader {
    typealias Alternative = ResponseBody.Alternative
    typealias Token = ResponseBody.Token

    private(set) var scanner: JSONScanner

    /// Rounding makes sure things a little surer than sure.
    private static let roundingSlack = 1e-3

    /// A reader that goes on where `scanner` stands.
    init(_ scanner: JSONScanner) {
        self.scanner = scanner
    }

    /// The tokens; nil where the object holds none.
    mutating func read(_ bytes: Span<UInt8>) throws(JSONTrouble) -> [Token]? {
        var tokens: [Token]?
        var words: [[UInt8]]?
        var numbers: [Double?] = []
        var tops: [[Alternative]] = []
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            let name = try scanner.text(key, bytes)
            guard try scanner.upcoming(bytes) == UInt8(ascii: "[") else {
                try scanner.skipValue(bytes)
                continue
            }
            switch name {
            case "content":
                tokens = []
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) {
                    let token = try readToken(bytes, nested: true)
                    tokens?.append(token)
                }
            case "tokens":
                words = []
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) {
                    let word = try token(bytes)
                    words?.append(word)
                }
            case "token_logprobs":
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) { numbers.append(try number(bytes)) }
            case "top_logprobs":
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) { tops.append(try readDictionary(bytes)) }
            default: try scanner.skipValue(bytes)
            }
        }
        if let tokens { return tokens.isEmpty ? nil : tokens }
        guard let words, !words.isEmpty else { return nil }
        return words.enumerated().map { index, word in
            Token(
                chosen: Alternative(
                    text: word, logProbability: index < numbers.count ? numbers[index] : nil),
                alternatives: index < tops.count ? tops[index] : [])
        }
    }

    /// `{token, logprob, bytes, top_logprobs}`; anything but an object is an unknown token.
    private mutating func readToken(
        _ bytes: Span<UInt8>, nested: Bool
    ) throws(JSONTrouble) -> Token {
        var token = Token(chosen: Alternative(text: []))
        guard try scanner.upcoming(bytes) == UInt8(ascii: "{") else {
            try scanner.skipValue(bytes)
            return token
        }
        var bytesAt: Int?
        var isPart = false
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            switch try scanner.text(key, bytes) {
            case "token":
                let text = try self.token(bytes)
                isPart = Self.isPart(text)
                token.chosen.text = text
            case "logprob": token.chosen.logProbability = try number(bytes)
            case "bytes":
                bytesAt = scanner.position
                try scanner.skipValue(bytes)
            case "top_logprobs" where try nested ? isArray(bytes) : false:
                token.alternatives.reserveCapacity(20)
                try scanner.beginArray(bytes)
                while try scanner.nextElement(bytes) {
                    let other = try readToken(bytes, nested: false)
                    token.alternatives.append(other.chosen)
                }
            default: try scanner.skipValue(bytes)
            }
        }
        // Part of a character: what it really is stands in its bytes alone.
        if isPart, let bytesAt, let exact = Self.text(ofBytesAt: bytesAt, bytes) {
            token.chosen.text = exact
        }
        return token
    }

    /// `{"token": log-probability}`, one object a place, or null; keys may stand twice.
    private mutating func readDictionary(
        _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> [Alternative] {
        guard try scanner.upcoming(bytes) == UInt8(ascii: "{") else {
            try scanner.skipValue(bytes)
            return []
        }
        var alternatives: [Alternative] = []
        try scanner.beginObject(bytes)
        while let key = try scanner.nextKey(bytes) {
            let text = try scanner.text(key, bytes)
            let value = try number(bytes)
            alternatives.append(Alternative(text: Array(text.utf8), logProbability: value))
        }
        return alternatives
    }

    private mutating func isArray(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Bool {
        try scanner.upcoming(bytes) == UInt8(ascii: "[")
    }

    /// A token's text; nothing, where the server gives no string.
    private mutating func token(_ bytes: Span<UInt8>) throws(JSONTrouble) -> [UInt8] {
        guard try scanner.upcoming(bytes) == UInt8(ascii: "\"") else {
            try scanner.skipValue(bytes)
            return []
        }
        return Array(try scanner.stringText(bytes).utf8)
    }

    /// Whether a token's text speaks of bytes that are no character: U+FFFD, or `bytes:\xe2\x80`.
    private static func isPart(_ text: [UInt8]) -> Bool {
        if text.starts(with: "bytes:".utf8) { return true }
        for index in text.indices.dropLast(2) where text[index] == 0xEF {
            if text[index + 1] == 0xBF, text[index + 2] == 0xBD { return true }
        }
        return false
    }

    /// A log-probability; nil for null, words, NaN, and what lies above 0.
    ///
    /// Python writes `NaN` and `-Infinity`, which isn't JSON; for these the rest of the body isn't
    /// thrown away.
    private mutating func number(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Double? {
        switch try scanner.upcoming(bytes) {
        case UInt8(ascii: "N"):
            try scanner.word("NaN", bytes)
            return nil
        case UInt8(ascii: "I"):
            try scanner.word("Infinity", bytes)
            return nil
        case UInt8(ascii: "-")
        where scanner.position + 1 < bytes.count
            && bytes[scanner.position + 1] == UInt8(ascii: "I"):
            try scanner.word("-Infinity", bytes)
            return -.infinity
        case UInt8(ascii: "-"), 0x30...0x39:
            let digits = try scanner.numberText(bytes)
            guard let value = Double(digits), value <= Self.roundingSlack else { return nil }
            return min(value, 0)
        default:
            try scanner.skipValue(bytes)
            return nil
        }
    }

    /// The text of a list of byte values that begins at `position`; nil where it is none.
    private static func text(ofBytesAt position: Int, _ bytes: Span<UInt8>) -> [UInt8]? {
        var scanner = JSONScanner()
        scanner.position = position
        var values: [UInt8] = []
        do throws(JSONTrouble) {
            guard try scanner.upcoming(bytes) == UInt8(ascii: "[") else { return nil }
            try scanner.beginArray(bytes)
            while try scanner.nextElement(bytes) {
                guard let value = UInt8(try scanner.numberText(bytes)) else { return nil }
                values.append(value)
            }
        } catch {
            return nil
        }
        return values.isEmpty ? nil : values
    }
}
