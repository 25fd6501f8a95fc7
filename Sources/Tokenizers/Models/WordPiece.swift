// The WordPiece model: a word becomes the longest known piece at its start, then the longest known
// continuation, and so on; a word that can't be covered, or is too long, becomes the unknown token.

/// A WordPiece vocabulary and its rules.
struct WordPiece: Sendable {
    let vocabulary: Vocabulary
    private let unknownID: Int32
    private let longestWord: Int
    /// The pieces that stand inside a word, without their prefix.
    private let continuations: ByteStringTable

    init(
        vocabulary: Vocabulary, unknownToken: String, continuingPrefix: String, longestWord: Int,
        missing: (String) -> TokenizerError
    ) throws(TokenizerError) {
        guard let unknownID = vocabulary.id(of: Array(unknownToken.utf8)) else {
            throw missing("the unknown token '\(unknownToken)' is not in the vocabulary")
        }
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.longestWord = longestWord
        continuations = vocabulary.continuations(of: Array(continuingPrefix.utf8))
    }

    init(_ field: JSONField) throws(TokenizerError) {
        try self.init(
            vocabulary: try Vocabulary(try field.required("vocab")),
            unknownToken: try field.required("unk_token").string(),
            continuingPrefix: try field.required("continuing_subword_prefix").string(),
            longestWord: try field.required("max_input_chars_per_word").count()
        ) { field.error(.inconsistent, "is incomplete: \($0)") }
    }

    /// Appends the tokens of one word, a range of `text`.
    func tokenize(_ text: NormalizedText, _ word: Range<Int>, into tokens: inout TokenSequence) {
        let bytes = text.bytes
        // A word has no more scalars than bytes: most need no counting.
        if word.count > longestWord, UTF8Bytes.scalarCount(in: bytes, word) > longestWord {
            tokens.append(unknownID, text, word)
            return
        }
        let before = tokens.count
        var start = word.lowerBound
        while start < word.upperBound {
            let found =
                start == word.lowerBound
                ? longestWhole(bytes, start..<word.upperBound, &tokens.hashes)
                : longestContinuation(bytes, start..<word.upperBound, &tokens.hashes)
            guard let (id, end) = found else {
                tokens.removeLast(tokens.count - before)
                tokens.append(unknownID, text, word)
                return
            }
            tokens.append(id, text, start..<end)
            start = end
        }
    }

    private func longestWhole(
        _ bytes: [UInt8], _ range: Range<Int>, _ hashes: inout [UInt64]
    ) -> (id: Int32, end: Int)? {
        let longest = min(range.count, vocabulary.longestToken)
        Self.hashPrefixes(bytes, range.lowerBound..<range.lowerBound + longest, &hashes)
        var length = longest
        while length > 0 {
            let candidate = range.lowerBound..<range.lowerBound + length
            if let id = vocabulary.id(bytes, candidate, hash: hashes[length - 1]) {
                // A piece that ends inside a scalar is none: vocabularies hold valid UTF-8.
                return (id, candidate.upperBound)
            }
            length -= 1
        }
        return nil
    }

    private func longestContinuation(
        _ bytes: [UInt8], _ range: Range<Int>, _ hashes: inout [UInt64]
    ) -> (id: Int32, end: Int)? {
        let longest = min(range.count, continuations.longestKey)
        Self.hashPrefixes(bytes, range.lowerBound..<range.lowerBound + longest, &hashes)
        var length = longest
        while length > 0 {
            let candidate = range.lowerBound..<range.lowerBound + length
            if let id = continuations.value(bytes, candidate, hash: hashes[length - 1]) {
                return (id, candidate.upperBound)
            }
            length -= 1
        }
        return nil
    }

    /// Puts the hash of every prefix of a range into `hashes`, the shortest first.
    @inline(__always)
    private static func hashPrefixes(
        _ bytes: [UInt8], _ range: Range<Int>, _ hashes: inout [UInt64]
    ) {
        if hashes.count < range.count {
            hashes.append(
                contentsOf: repeatElement(0, count: range.count - hashes.count))
        }
        var hash = ByteStringTable.emptyHash
        var index = 0
        for position in range {
            hash = ByteStringTable.extended(hash, by: bytes[position])
            hashes[index] = hash
            index += 1
        }
    }
}
