// What is needed of a request's body, found in one pass: the text that is asked about, its count of
// tokens, and a few numbers. It checks the JSON's structure only as far as it walks.
//
// Texts stay as they are written, escapes included: a client writes the same text the same way.

import NIOCore

/// A request, as far as it matters here.
struct RequestScan {
    /// Where the last user message, or the prompt, lies in the body.
    var text = 0..<0
    /// Whitespace-separated words and punctuation marks of all messages.
    var promptTokens = 0
    var maximumTokens = Int.max
    var choiceCount = 1
    /// Log-probabilities asked for, and how many alternatives.
    var wantsLogprobs = false
    var topLogprobs = 0
    var wantsJSON = false
    var wantsStream = false

    /// Nil where the body is no JSON object, or has no text to answer.
    init?(_ bytes: UnsafeRawBufferPointer, isChat: Bool) {
        var scanner = BodyScanner(bytes: bytes)
        var hasText = false
        let whole = scanner.members { scanner, key in
            switch Member(rawValue: scanner.string(key)) {
            case .messages: hasText = scanner.messages(into: &self) && isChat
            case .prompt:
                guard let range = scanner.stringValue() else { return false }
                hasText = !isChat
                text = range
                scanner.note(range, in: &self)
            case .maxTokens, .maxCompletionTokens: maximumTokens = scanner.numberOrOther() ?? .max
            case .count: choiceCount = scanner.numberOrOther() ?? 1
            case .topLogprobs: topLogprobs = scanner.numberOrOther() ?? 0
            case .logprobs:
                // A flag in the chat's form, a number in the other.
                if let number = scanner.integer() {
                    (wantsLogprobs, topLogprobs) = (true, number)
                } else {
                    wantsLogprobs = scanner.word() == "true"
                }
            case .stream: wantsStream = scanner.word() == "true"
            case .responseFormat:
                let start = scanner.position
                guard scanner.skipValue() else { return false }
                if scanner.contains("json", in: start..<scanner.position) { wantsJSON = true }
            case nil: return scanner.skipValue()
            }
            return true
        }
        guard whole, hasText, (1...128).contains(choiceCount) else { return nil }
    }

    private enum Member: String {
        case messages, prompt, stream, logprobs
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case count = "n"
        case topLogprobs = "top_logprobs"
        case responseFormat = "response_format"
    }
}

/// Walks over JSON text.
struct BodyScanner {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Calls `body` at each member's value, which it must pass; false where this is no object.
    mutating func members(_ body: (inout BodyScanner, Range<Int>) -> Bool) -> Bool {
        guard take(UInt8(ascii: "{")) else { return false }
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            guard let key = stringValue(), take(UInt8(ascii: ":")), body(&self, key) else {
                return false
            }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "}"))
    }

    /// Calls `body` at each element, which it must pass; false where this is no array.
    mutating func elements(_ body: (inout BodyScanner) -> Bool) -> Bool {
        guard take(UInt8(ascii: "[")) else { return false }
        if take(UInt8(ascii: "]")) { return true }
        repeat {
            guard body(&self) else { return false }
        } while take(UInt8(ascii: ","))
        return take(UInt8(ascii: "]"))
    }

    /// Reads the messages, the last user's text and the tokens of all; false where no user speaks.
    mutating func messages(into scan: inout RequestScan) -> Bool {
        var found = false
        let whole = elements { scanner in
            var isUser = false
            var text = 0..<0
            guard
                scanner.members({ scanner, key in
                    switch scanner.string(key) {
                    case "role":
                        guard let role = scanner.stringValue() else { return false }
                        isUser = scanner.string(role) == "user"
                    case "content":
                        guard let range = scanner.content(into: &scan) else { return false }
                        text = range
                    default: return scanner.skipValue()
                    }
                    return true
                })
            else { return false }
            if isUser { (scan.text, found) = (text, true) }
            return true
        }
        return whole && found
    }

    /// A message's content: a string, or parts of which the last text counts.
    private mutating func content(into scan: inout RequestScan) -> Range<Int>? {
        skipSpace()
        if let range = stringValue() {
            note(range, in: &scan)
            return range
        }
        var last = 0..<0
        let whole = elements { scanner in
            scanner.members { scanner, key in
                guard scanner.string(key) == "text" else { return scanner.skipValue() }
                guard let range = scanner.stringValue() else { return false }
                scanner.note(range, in: &scan)
                last = range
                return true
            }
        }
        return whole ? last : nil
    }

    /// Counts a prompt's text, and sees whether it asks for JSON.
    func note(_ range: Range<Int>, in scan: inout RequestScan) {
        scan.promptTokens += tokenCount(range)
        scan.wantsJSON = scan.wantsJSON || contains("JSON", in: range)
    }

    /// The range of a string without its quotes; nil, and nothing read, where there is none.
    mutating func stringValue() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<(position - 1)
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        return nil
    }

    /// A whole number; nil, and nothing read, where there is none.
    mutating func integer() -> Int? {
        skipSpace()
        let start = position
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        let number = Int(string(start..<position))
        if number == nil { position = start }
        return number
    }

    /// A whole number; nil for a value of another kind, which is passed.
    mutating func numberOrOther() -> Int? {
        if let number = integer() { return number }
        _ = skipValue()
        return nil
    }

    /// A bare word or number: `true`, `null`, `0.5`.
    mutating func word() -> String {
        skipSpace()
        let start = position
        while position < bytes.count, Self.isWord(bytes[position]) { position += 1 }
        return string(start..<position)
    }

    /// Passes any value.
    mutating func skipValue() -> Bool {
        skipSpace()
        guard position < bytes.count else { return false }
        switch bytes[position] {
        case UInt8(ascii: "\""): return stringValue() != nil
        case UInt8(ascii: "{"): return members { scanner, _ in scanner.skipValue() }
        case UInt8(ascii: "["): return elements { $0.skipValue() }
        default: return !word().isEmpty
        }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// The text of a range.
    func string(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    /// Whether the bytes of `word` occur in a range.
    func contains(_ word: StaticString, in range: Range<Int>) -> Bool {
        index(of: word, in: range) != nil
    }

    /// Where the bytes of `word` first begin in a range.
    func index(of word: StaticString, in range: Range<Int>) -> Int? {
        let count = word.utf8CodeUnitCount
        let first = word.utf8Start[0]
        var index = range.lowerBound
        while index + count <= range.upperBound {
            if bytes[index] == first,
                (1..<count).allSatisfy({ bytes[index + $0] == word.utf8Start[$0] })
            {
                return index
            }
            index += 1
        }
        return nil
    }

    /// Words and punctuation marks of a range; an escape counts as a space.
    func tokenCount(_ range: Range<Int>) -> Int {
        var count = 0
        var inWord = false
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\\"):
                inWord = false
                index += 1
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), 0x80...0xff:
                if !inWord { count += 1 }
                inWord = true
            case 0...0x20: inWord = false
            default:
                count += 1
                inWord = false
            }
            index += 1
        }
        return count
    }
}
