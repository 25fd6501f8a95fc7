// Texts as token ids, made when first asked for: a rank only ever tokenises what it computes on.

public import Models
public import Tokenizers

/// A list of texts and the tokens of those that were asked for.
public final class TokenizedTexts {
    private let texts: [String]
    private let tokenizer: Tokenizer
    private let maximumLength: Int
    private var tokens: [TokenSequence?]

    /// Texts to be cut to at most `maximumLength` tokens, special ones included.
    public init(_ texts: [String], tokenizer: Tokenizer, maximumLength: Int) {
        self.texts = texts
        self.tokenizer = tokenizer
        self.maximumLength = maximumLength
        tokens = Array(repeating: nil, count: texts.count)
    }

    /// The count of texts.
    public var count: Int { texts.count }

    /// The tokens of a text.
    public subscript(index: Int) -> TokenSequence {
        if let known = tokens[index] { return known }
        let made = TokenSequence(
            ids: tokenizer.encodeIDs(texts[index], maximumLength: maximumLength))
        tokens[index] = made
        return made
    }
}
