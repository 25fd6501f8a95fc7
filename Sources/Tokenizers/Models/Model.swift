// From words to tokens: the `model` of a `tokenizer.json`. One case a family of models.

/// The model of a tokenizer.
enum Model: Sendable {
    case bpe(BPE)
    case unigram(Unigram)
    case wordPiece(WordPiece)

    /// The model that a file describes; `isByteLevel`: words come in the byte-level alphabet.
    init(_ field: JSONField, isByteLevel: Bool) throws(TokenizerError) {
        guard let type = try field.optional("type") else {
            // Files of before the types were written: models are known by their settings.
            if try field.optional("merges") != nil {
                self = .bpe(try BPE(field, isByteLevel: isByteLevel))
                return
            }
            if try field.optional("vocab")?.kind == .array {
                self = .unigram(try Unigram(field))
                return
            }
            guard try field.optional("max_input_chars_per_word") != nil,
                try field.optional("continuing_subword_prefix") != nil
            else {
                throw field.error(
                    .unsupported, "has no type, and is neither BPE, Unigram nor WordPiece")
            }
            self = .wordPiece(try WordPiece(field))
            return
        }
        switch try type.string() {
        case "BPE": self = .bpe(try BPE(field, isByteLevel: isByteLevel))
        case "Unigram": self = .unigram(try Unigram(field))
        case "WordPiece": self = .wordPiece(try WordPiece(field))
        case let other: throw field.unsupported(other)
        }
    }

    var vocabulary: Vocabulary {
        switch self {
        case .bpe(let model): model.vocabulary
        case .unigram(let model): model.vocabulary
        case .wordPiece(let model): model.vocabulary
        }
    }

    /// Calls `body` with tokens that have what this model needs for its work.
    func withWorkspace(_ tokens: inout TokenSequence, _ body: (inout TokenSequence) -> Void) {
        switch self {
        case .bpe(let model): model.withWorkspace(&tokens, body)
        case .unigram(let model): model.withWorkspace(&tokens, body)
        case .wordPiece: body(&tokens)
        }
    }

    /// Appends the tokens of words, ranges of `text`, until there are `limit` of them or more.
    func tokenize(
        _ text: NormalizedText, _ words: [Range<Int>], limit: Int, into tokens: inout TokenSequence
    ) {
        switch self {
        case .bpe(let model):
            for word in words {
                if tokens.count >= limit { return }
                model.tokenize(text, word, into: &tokens)
            }
        case .unigram(let model):
            for word in words {
                if tokens.count >= limit { return }
                model.tokenize(text, word, into: &tokens)
            }
        case .wordPiece(let model):
            for word in words {
                if tokens.count >= limit { return }
                model.tokenize(text, word, into: &tokens)
            }
        }
    }
}
