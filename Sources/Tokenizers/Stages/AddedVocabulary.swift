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
    /// Of two tokens with one id the later counts, of one token given twice the later flags.
    private var tokenOfID: [Int32: AddedToken] = [:]
    /// The ids in the order of the file.
    private var ids: [Int32] = []
    private var newTokenCount = 0
    private var specialContents: Set<[UInt8]> = []

    /// What the token with an id is called: its content, normalised where it is looked for so.
    private var nameOfID: [Int32: [UInt8]] = [:]
    private var specialIDs: Set<Int32> = []
    private var rawMatcher = TokenMatcher()
    private var normalizedMatcher = TokenMatcher()

    /// A part of a text: an added token, or what stands between two.
    struct Part {
        let range: Range<Int>
        let id: Int32?
    }

    /// Adds a token and returns its id.
    ///
    /// The id is the model's where that knows the token; tokens that are new are numbered on from
    /// the *number* of the model's tokens, as the reference does it.
    mutating func add(_ token: AddedToken, to vocabulary: Vocabulary) -> Int32? {
        guard !token.content.isEmpty else { return nil }
        if token.isSpecial { specialContents.insert(token.content) }
        let known = id(of: token.content, in: vocabulary)
        let id = known ?? Int32(vocabulary.count + newTokenCount)
        if known == nil { newTokenCount += 1 }
        idOfContent[token.content] = id
        if tokenOfID.updateValue(token, forKey: id) == nil { ids.append(id) }
        return id
    }

    /// Makes the tokens known to the search, after the last was added.
    ///
    /// Returns pairs of tokens that are the same in normalised text; the first is found there.
    mutating func prepare(
        _ normalizer: Normalizer?, error: (String) -> TokenizerError
    ) throws(TokenizerError) -> [(found: AddedToken, hidden: AddedToken)] {
        var clashes: [(found: AddedToken, hidden: AddedToken)] = []
        for id in ids {
            guard let token = tokenOfID[id] else { continue }
            var name = token.content
            if token.isNormalized, let normalizer {
                var text = NormalizedText(original: name[...], firstScalar: 0, tracksOrigins: false)
                normalizer.normalize(&text)
                name = text.bytes
            }
            nameOfID[id] = name
            if specialContents.contains(name) { specialIDs.insert(id) }
            if !token.isNormalized {
                rawMatcher.insert(name, id)
            } else if name.isEmpty {
                throw error("hold '\(token.text)', of which the normalizer leaves nothing")
            } else if let other = normalizedMatcher.insert(name, id), let found = tokenOfID[other] {
                clashes.append((found, token))
            }
        }
        return clashes
    }

    // MARK: Look-up

    /// The id of a token, the added ones first.
    func id(of content: [UInt8], in vocabulary: Vocabulary) -> Int32? {
        idOfContent[content] ?? vocabulary.id(of: content)
    }

    /// Whether a token with an id was added.
    func has(_ id: Int32) -> Bool { tokenOfID[id] != nil }

    /// What the added token with an id is called.
    func name(of id: Int32) -> [UInt8]? { nameOfID[id] }

    /// Whether decoding may leave out the token with an id.
    func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

    var largestID: Int32 { ids.max() ?? -1 }

    /// How many of the tokens the model doesn't know.
    var countBeyondModel: Int { newTokenCount }

    // MARK: Search

    /// The parts of a text as it was given; no special token touches what is guarded.
    func partsOfRawText(_ bytes: [UInt8], guarding guarded: GuardedRanges = .init()) -> [Part] {
        parts(of: bytes, rawMatcher) { GuardedRanges.touch(guarded.bytes, $0) }
    }

    /// The parts of normalised text, which tracks its origins if anything is guarded.
    func partsOfNormalizedText(
        _ text: NormalizedText, guarding guarded: GuardedRanges = .init()
    ) -> [Part] {
        parts(of: text.bytes, normalizedMatcher) {
            !guarded.isEmpty && GuardedRanges.touch(guarded.scalars, text.originalRange($0))
        }
    }

    private func parts(
        of bytes: [UInt8], _ matcher: TokenMatcher, isGuarded: (Range<Int>) -> Bool
    ) -> [Part] {
        guard !bytes.isEmpty else { return [] }
        var parts: [Part] = []
        var done = 0
        var position = 0
        while let match = matcher.firstMatch(in: bytes, from: position) {
            position = match.range.upperBound
            guard let token = tokenOfID[match.id] else { continue }
            if token.isSpecial, isGuarded(match.range) {
                position = match.range.lowerBound + 1
                continue
            }
            var (start, stop) = (match.range.lowerBound, match.range.upperBound)
            if token.isSingleWord, touchesWord(bytes, start..<stop) { continue }
            if token.stripsLeft { start = max(startOfSpace(bytes, before: start), done) }
            if token.stripsRight { stop = endOfSpace(bytes, from: stop) }
            if done < start { parts.append(Part(range: done..<start, id: nil)) }
            // White space that is a token itself may have been taken by the one before.
            if start < stop { parts.append(Part(range: start..<stop, id: match.id)) }
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
