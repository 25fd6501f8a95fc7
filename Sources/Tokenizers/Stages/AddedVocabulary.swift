// Tokens found in the text before the model sees it: the `added_tokens` of a `tokenizer.json`.
//
// Tokens with `normalized: false` are looked for in the text as it is, the others, normalised
// themselves, in the normalised text between those.

/// A token that stands outside the model.
struct AddedToken: Sendable, Equatable {
    /// Bytes, because Strings that differ only in their composition are equal.
    var content: [UInt8]
    /// It counts only where no word scalar touches it.
    var isSingleWord = false
    /// It takes the white space before it.
    var stripsLeft = false
    /// It takes the white space after it.
    var stripsRight = false
    /// It is looked for in the normalised text.
    var isNormalized = false
    /// Decoding leaves it out.
    var isSpecial = true

    /// The content, for messages.
    var text: String { String(decoding: content, as: UTF8.self) }
}

/// The added tokens of a tokenizer, and where they are in a text.
struct AddedVocabulary: Sendable {
    private var idOfContent: [[UInt8]: Int32] = [:]
    private var tokenOfID: [Int32: AddedToken] = [:]
    private var specialContents: Set<[UInt8]> = []
    /// The ids whose token is special.
    private var specialIDs: Set<Int32> = []
    /// In the order in which they are looked for: specials first.
    private var patterns: (special: [AddedToken], other: [AddedToken]) = ([], [])
    private var rawMatcher = TokenMatcher()
    private var normalizedMatcher = TokenMatcher()

    /// A part of a text: an added token, or what stands between two.
    struct Part {
        let range: Range<Int>
        let id: Int32?
    }

    /// Adds a token and returns its id.
    ///
    /// The id is the model's where that knows the token, else the next one, as the reference counts.
    mutating func add(_ token: AddedToken, to vocabulary: Vocabulary) -> Int32? {
        guard !token.content.isEmpty else { return nil }
        if token.isSpecial, specialContents.insert(token.content).inserted {
            patterns.special.append(token)
        }
        if let known = idOfContent[token.content], tokenOfID[known] == token { return known }
        let id = id(of: token.content, in: vocabulary) ?? nextID(vocabulary.count)
        idOfContent[token.content] = id
        tokenOfID[id] = token
        if specialContents.contains(token.content) {
            specialIDs.insert(id)
        } else {
            specialIDs.remove(id)
        }
        if !specialContents.contains(token.content) { patterns.other.append(token) }
        return id
    }

    private func nextID(_ vocabularyCount: Int) -> Int32 {
        guard let largest = idOfContent.values.max(), Int(largest) >= vocabularyCount else {
            return Int32(vocabularyCount)
        }
        return largest + 1
    }

    /// Makes the tokens known to the search; after the last was added.
    mutating func prepare(
        _ vocabulary: Vocabulary, _ normalizer: Normalizer?, error: (String) -> TokenizerError
    ) throws(TokenizerError) {
        for token in patterns.special + patterns.other {
            guard let id = id(of: token.content, in: vocabulary) else { continue }
            var bytes = token.content
            guard token.isNormalized else {
                rawMatcher.insert(bytes, id)
                continue
            }
            if let normalizer {
                var text = NormalizedText(
                    original: bytes[...], firstScalar: 0, tracksOrigins: false)
                normalizer.normalize(&text)
                bytes = text.bytes
            }
            guard !bytes.isEmpty else {
                throw error("hold '\(token.text)', of which the normalizer leaves nothing")
            }
            normalizedMatcher.insert(bytes, id)
        }
    }

    // MARK: Look-up

    /// The id of a token, the added ones first.
    func id(of content: [UInt8], in vocabulary: Vocabulary) -> Int32? {
        idOfContent[content] ?? vocabulary.id(of: content)
    }

    /// The added token with an id.
    func content(of id: Int32) -> [UInt8]? { tokenOfID[id]?.content }

    /// Whether decoding may leave out the token with an id; the model's tokens may be special too.
    func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

    var largestID: Int32 { tokenOfID.keys.max() ?? -1 }

    /// How many of the tokens the model doesn't know.
    func count(beyond vocabulary: Vocabulary) -> Int {
        idOfContent.keys.count { vocabulary.id(of: $0) == nil }
    }

    // MARK: Search

    /// The parts of a text as it was given.
    func partsOfRawText(_ bytes: [UInt8]) -> [Part] { parts(of: bytes, rawMatcher) }

    /// The parts of normalised text.
    func partsOfNormalizedText(_ bytes: [UInt8]) -> [Part] { parts(of: bytes, normalizedMatcher) }

    private func parts(of bytes: [UInt8], _ matcher: TokenMatcher) -> [Part] {
        guard !bytes.isEmpty else { return [] }
        var parts: [Part] = []
        var done = 0
        var position = 0
        while let match = matcher.firstMatch(in: bytes, from: position) {
            position = match.range.upperBound
            guard let token = tokenOfID[match.id] else { continue }
            var (start, stop) = (match.range.lowerBound, match.range.upperBound)
            if token.isSingleWord, touchesWord(bytes, start..<stop) { continue }
            if token.stripsLeft { start = max(startOfSpace(bytes, before: start), done) }
            if token.stripsRight { stop = endOfSpace(bytes, from: stop) }
            if done < start { parts.append(Part(range: done..<start, id: nil)) }
            parts.append(Part(range: start..<stop, id: match.id))
            done = stop
        }
        if done < bytes.count { parts.append(Part(range: done..<bytes.count, id: nil)) }
        return parts
    }

    private func touchesWord(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let properties = UnicodeTables.properties
        if range.lowerBound > 0 {
            let before = UTF8Bytes.scalar(in: bytes, before: range.lowerBound).value
            if properties[Int(before)].contains(.word) { return true }
        }
        guard range.upperBound < bytes.count else { return false }
        let after = UTF8Bytes.scalar(in: bytes, at: range.upperBound).value
        return properties[Int(after)].contains(.word)
    }

    private func startOfSpace(_ bytes: [UInt8], before end: Int) -> Int {
        var start = end
        while start > 0 {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, before: start)
            guard UnicodeTables.properties[Int(scalar)].contains(.whitespace) else { break }
            start -= length
        }
        return start
    }

    private func endOfSpace(_ bytes: [UInt8], from start: Int) -> Int {
        var end = start
        while end < bytes.count {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: end)
            guard UnicodeTables.properties[Int(scalar)].contains(.whitespace) else { break }
            end += length
        }
        return end
    }
}
