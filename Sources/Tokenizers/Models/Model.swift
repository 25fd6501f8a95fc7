// From words to tokens: the `model` of a `tokenizer.json`. One case a family of models.

/// The model of a tokenizer.
enum Model: Sendable {
    case wordPiece(WordPiece)

    /// The model that a file describes.
    init(_ field: JSONField) throws(TokenizerError) {
        guard let type = try field.optional("type") else {
            // Files of before the types were written: a WordPiece is known by its settings.
            guard try field.optional("max_input_chars_per_word") != nil,
                try field.optional("continuing_subword_prefix") != nil
            else { throw field.error(.unsupported, "has no type, and is no WordPiece") }
            self = .wordPiece(try WordPiece(field))
            return
        }
        switch try type.string() {
        case "WordPiece": self = .wordPiece(try WordPiece(field))
        case let other: throw field.unsupported(other)
        }
    }

    var vocabulary: Vocabulary {
        switch self {
        case .wordPiece(let model): model.vocabulary
        }
    }

    /// Appends the tokens of words, ranges of `text`, until there are `limit` of them or more.
    func tokenize(
        _ text: NormalizedText, _ words: [Range<Int>], limit: Int, into tokens: inout TokenSequence
    ) {
        switch self {
        case .wordPiece(let model):
            for word in words {
                if tokens.count >= limit { return }
                model.tokenize(text, word, into: &tokens)
            }
        }
    }
}
