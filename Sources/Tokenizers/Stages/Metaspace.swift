// SentencePiece's way with spaces: they become a visible sign, `▁`, and begin the word after them.

/// The pre-tokenizer and decoder `Metaspace`.
struct Metaspace: Sendable {
    enum Scheme: String, Sendable {
        /// Every part of a text that doesn't begin with the sign gets one.
        case always
        /// Only the part that the text begins with.
        case first
        case never
    }

    /// The sign, one scalar.
    let sign: [UInt8]
    let scheme: Scheme
    /// Whether each sign begins a word.
    let splits: Bool

    init(_ field: JSONField) throws(TokenizerError) {
        let replacement = try field.required("replacement")
        let text = try replacement.string()
        guard text.unicodeScalars.count == 1 else {
            throw replacement.error(.malformed, "must be one character")
        }
        sign = Array(text.utf8)
        var scheme = Scheme.always
        if let named = try field.optional("prepend_scheme") {
            let name = try named.string()
            guard let known = Scheme(rawValue: name) else {
                throw named.error(.unsupported, "'\(name)' is not supported")
            }
            scheme = known
        }
        if let adds = try field.optional("add_prefix_space"), try !adds.boolean(), scheme != .never
        {
            throw adds.error(
                .inconsistent, "is false, but the prepend_scheme is '\(scheme.rawValue)'")
        }
        self.scheme = scheme
        splits = try field.optional("split")?.boolean() ?? true
    }

    /// Replaces spaces, puts the sign before words, and cuts at the signs.
    func split(_ text: inout NormalizedText, _ words: inout [Range<Int>]) {
        let replacement = Replacement(found: [0x20], content: sign)
        var replaced = text.emptied()
        for index in words.indices {
            let word = words[index]
            let start = replaced.bytes.count
            if addsSign(before: word, in: text) {
                replaced.append(sign, origin: text.origin(at: word.lowerBound))
            }
            replaced.append(text, word, replacing: replacement)
            words[index] = start..<replaced.bytes.count
        }
        text = replaced
        guard splits else { return }
        var parts: [Range<Int>] = []
        for word in words {
            DelimiterBehavior.mergedWithNext.split(text.bytes, word, at: sign, into: &parts)
        }
        words = parts
    }

    private func addsSign(before word: Range<Int>, in text: NormalizedText) -> Bool {
        switch scheme {
        case .never: return false
        case .first: guard text.isBeginning(word.lowerBound) else { return false }
        case .always: break
        }
        guard let first = text.bytes[word].first else { return false }
        return first != 0x20 && !text.bytes[word].starts(with: sign)
    }
}

extension NormalizedText {
    /// Whether the byte at `index` comes from the first scalar of the whole text.
    ///
    /// Without origins, that is the first byte of the first part; a normaliser may have dropped the
    /// beginning, so whoever asks after one has to track.
    fileprivate func isBeginning(_ index: Int) -> Bool {
        tracksOrigins ? origins[index].start == 0 : index == 0 && beginning.start == 0
    }
}
