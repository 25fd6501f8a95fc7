// A strict JSON reader (RFC 8259) over the bytes of one line, which takes what is asked for and
// checks the rest without making anything of it. Written by hand because Foundation's readers build
// a tree of boxed objects for each line: measured in `docs/data.md`. Strings are in
// `JSONScanner+Strings.swift`.

/// What isn't JSON about a line.
package struct JSONTrouble: Error {
    /// The byte of the line, from 0.
    package let offset: Int
    package let what: String

    /// For an error message; bytes are counted from 1 there.
    package var reason: String {
        what == Self.notUTF8 ? notUTF8Reason(at: offset) : "not JSON: \(what) (byte \(offset + 1))"
    }

    /// What is said of bytes that aren't UTF-8.
    static let notUTF8 = "not UTF-8"
}

/// A cursor over a line; every call is given the same bytes, which it doesn't own.
package struct JSONScanner {
    /// The next byte to be read; setting it back reads a value again.
    package var position = 0
    /// Whether half of a surrogate pair reads as U+FFFD instead of being refused: a token of a model
    /// may be half a character.
    package var mendsSurrogates = false
    /// The string read last, where it had escapes.
    var unescaped: [UInt8] = []
    private var depth = 0
    /// A container has been opened and nothing of it read.
    private var atOpening = false
    private static let greatestDepth = 512

    /// A cursor at the first byte.
    package init() {}

    /// Opens an object; `nextKey` then gives its keys.
    package mutating func beginObject(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        guard take(UInt8(ascii: "{"), bytes) else {
            throw wanted("an object, {...}, is wanted", bytes)
        }
        try enter()
    }

    /// The next key of the object opened last; nil, once, at its end.
    ///
    /// The colon is taken, and the value must be read before the next call.
    package mutating func nextKey(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Piece? {
        guard try nextMember(closing: UInt8(ascii: "}"), bytes) else { return nil }
        let key = try string(bytes)
        guard take(UInt8(ascii: ":"), bytes) else {
            throw wanted("':' is wanted after a key", bytes)
        }
        return key
    }

    /// Opens an array; `nextElement` then walks over it.
    package mutating func beginArray(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        guard take(UInt8(ascii: "["), bytes) else {
            throw wanted("an array, [...], is wanted", bytes)
        }
        try enter()
    }

    /// Whether the array opened last has another element, which must be read before the next call.
    package mutating func nextElement(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Bool {
        try nextMember(closing: UInt8(ascii: "]"), bytes)
    }

    /// Reads a number and gives the range where it stands.
    mutating func number(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Range<Int> {
        skipSpace(bytes)
        let start = position
        if peek(bytes) == UInt8(ascii: "-") { position += 1 }
        let first = peek(bytes)
        let whole = digits(bytes)
        guard whole > 0 else { throw wanted("a value is wanted", bytes) }
        guard whole == 1 || first != UInt8(ascii: "0") else {
            throw trouble("a number begins with 0")
        }
        if peek(bytes) == UInt8(ascii: ".") {
            position += 1
            guard digits(bytes) > 0 else { throw trouble("digits are wanted after the point") }
        }
        if let mark = peek(bytes), mark | 0x20 == UInt8(ascii: "e") {
            position += 1
            if let sign = peek(bytes), sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
                position += 1
            }
            guard digits(bytes) > 0 else { throw trouble("digits are wanted in the exponent") }
        }
        return start..<position
    }

    /// The first byte of the value that comes next.
    package mutating func upcoming(_ bytes: Span<UInt8>) throws(JSONTrouble) -> UInt8 {
        skipSpace(bytes)
        guard let byte = peek(bytes) else { throw trouble("the line ends too early") }
        return byte
    }

    /// Reads `true`, `false` or `null`.
    package mutating func word(_ word: StaticString, _ bytes: Span<UInt8>) throws(JSONTrouble) {
        skipSpace(bytes)
        let length = word.utf8CodeUnitCount
        guard position + length <= bytes.count else { throw trouble("a value is wanted") }
        for index in 0..<length {
            guard unsafe bytes[position + index] == word.utf8Start[index] else {
                throw trouble("a value is wanted")
            }
        }
        position += length
    }

    /// Reads `null` if that is what comes.
    package mutating func takesNull(_ bytes: Span<UInt8>) throws(JSONTrouble) -> Bool {
        guard try upcoming(bytes) == UInt8(ascii: "n") else { return false }
        try word("null", bytes)
        return true
    }

    /// Reads any value and makes nothing of it.
    package mutating func skipValue(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        switch try upcoming(bytes) {
        case UInt8(ascii: "\""):
            let piece = try string(bytes)
            try check(piece, bytes)
        case UInt8(ascii: "{"):
            try beginObject(bytes)
            while let key = try nextKey(bytes) {
                try check(key, bytes)
                try skipValue(bytes)
            }
        case UInt8(ascii: "["):
            try beginArray(bytes)
            while try nextElement(bytes) { try skipValue(bytes) }
        case UInt8(ascii: "t"): try word("true", bytes)
        case UInt8(ascii: "f"): try word("false", bytes)
        case UInt8(ascii: "n"): try word("null", bytes)
        default: _ = try number(bytes)
        }
    }

    /// Checks that nothing but white space follows.
    package mutating func finish(_ bytes: Span<UInt8>) throws(JSONTrouble) {
        skipSpace(bytes)
        guard position == bytes.count else {
            throw trouble("something follows the object; one object a line is wanted")
        }
    }

    package func trouble(_ what: String) -> JSONTrouble {
        JSONTrouble(offset: position, what: what)
    }

    func peek(_ bytes: Span<UInt8>, at offset: Int = 0) -> UInt8? {
        let index = position + offset
        return index < bytes.count ? bytes[index] : nil
    }

    mutating func take(_ mark: UInt8, _ bytes: Span<UInt8>) -> Bool {
        skipSpace(bytes)
        guard peek(bytes) == mark else { return false }
        position += 1
        return true
    }

    func wanted(_ what: String, _ bytes: Span<UInt8>) -> JSONTrouble {
        position < bytes.count ? trouble(what) : trouble("the line ends too early")
    }

    private mutating func nextMember(
        closing mark: UInt8, _ bytes: Span<UInt8>
    ) throws(JSONTrouble) -> Bool {
        let isFirst = atOpening
        atOpening = false
        if take(mark, bytes) {
            depth -= 1
            return false
        }
        guard isFirst || take(UInt8(ascii: ","), bytes) else {
            throw wanted("',' or '\(Character(Unicode.Scalar(mark)))' is wanted", bytes)
        }
        return true
    }

    private mutating func enter() throws(JSONTrouble) {
        depth += 1
        guard depth <= Self.greatestDepth else { throw trouble("it nests too deeply") }
        atOpening = true
    }

    private mutating func digits(_ bytes: Span<UInt8>) -> Int {
        let start = position
        while let byte = peek(bytes), byte >= 0x30, byte <= 0x39 { position += 1 }
        return position - start
    }

    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A else { return }
            position += 1
        }
    }
}
