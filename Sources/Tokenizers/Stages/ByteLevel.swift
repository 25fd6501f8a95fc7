// The byte-level alphabet of GPT-2: every byte has a letter, so that a vocabulary of strings covers
// every text. Bytes that print are themselves, the others get the scalars from U+0100 on.

/// The pre-tokenizer `ByteLevel`: words, and then letters in place of their bytes.
struct ByteLevel: Sendable {
    /// A word that doesn't begin with a space gets one.
    let addsPrefixSpace: Bool
    /// Words are cut by GPT-2's expression.
    let usesPattern: Bool

    init(_ field: JSONField) throws(TokenizerError) {
        addsPrefixSpace = try field.required("add_prefix_space").boolean()
        usesPattern = try field.optional("use_regex")?.boolean() ?? true
    }

    /// Cuts words and replaces the text by letters.
    func split(_ text: inout NormalizedText, _ words: inout [Range<Int>]) {
        if addsPrefixSpace {
            text.prependSpace(toEach: &words)
        }
        if usesPattern {
            var parts: [Range<Int>] = []
            parts.reserveCapacity(text.bytes.count / 4)
            for word in words { WordPattern.gpt2.appendWords(text.bytes, word, to: &parts) }
            words = parts
        }
        text.spellBytes(of: &words)
    }

    // MARK: The alphabet

    /// The letter of each byte.
    static let letters: [UInt32] = {
        var letters: [UInt32] = []
        var next: UInt32 = 0x100
        for byte in UInt32(0)...255 {
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: letters.append(byte)
            default:
                letters.append(next)
                next += 1
            }
        }
        return letters
    }()

    /// The byte of each letter below U+0144; -1 for what is none.
    private static let byteOfLetter: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, letter) in letters.enumerated() { bytes[Int(letter)] = Int16(byte) }
        return bytes
    }()

    /// The bytes that a token spells; nil where it holds anything but letters of the alphabet.
    static func bytes(spelledBy token: ArraySlice<UInt8>) -> [UInt8]? {
        let token = Array(token)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(token.count)
        var position = 0
        while position < token.count {
            let (scalar, length) = UTF8Bytes.scalar(in: token, at: position)
            guard scalar < 0x144, byteOfLetter[Int(scalar)] >= 0 else { return nil }
            bytes.append(UInt8(truncatingIfNeeded: byteOfLetter[Int(scalar)]))
            position += length
        }
        return bytes
    }
}

extension NormalizedText {
    /// Replaces the text by the letters of its words' bytes; each has the origin of its byte.
    fileprivate mutating func spellBytes(of words: inout [Range<Int>]) {
        let letters = ByteLevel.letters
        var result = emptied()
        result.reserve(bytes.count + bytes.count / 2)
        for index in words.indices {
            let start = result.bytes.count
            for position in words[index] {
                result.append(letters[Int(bytes[position])], origin: origin(at: position))
            }
            words[index] = start..<result.bytes.count
        }
        self = result
    }

    /// Puts a space before each word that doesn't begin with one.
    fileprivate mutating func prependSpace(toEach words: inout [Range<Int>]) {
        var result = emptied()
        for index in words.indices {
            let word = words[index]
            let start = result.bytes.count
            if let first = bytes[word].first, first != 0x20 {
                result.append(0x20, origin: origin(at: word.lowerBound))
            }
            result.append(self, word)
            words[index] = start..<result.bytes.count
        }
        self = result
    }
}
