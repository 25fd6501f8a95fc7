// Ids to text, one id at a time: what generation prints as it goes.

/// Decodes ids as they come.
///
/// The texts that come out, put together, are what `Tokenizer.decode` gives for all ids at once; no
/// Unicode scalar is ever cut in two. Bytes of an unfinished scalar wait for the next id, as do rows
/// of byte tokens (`<0xE4>`), of which the last may still make all of them invalid.
public struct StreamingDecoder {
    private let tokenizer: Tokenizer
    private let skipsSpecialTokens: Bool
    private var chain: DecodingChain

    /// A decoder for one text.
    ///
    /// - Parameters:
    ///   - tokenizer: the tokenizer of the ids.
    ///   - skipSpecialTokens: whether special tokens are left out of the text.
    public init(_ tokenizer: Tokenizer, skipSpecialTokens: Bool = true) {
        self.tokenizer = tokenizer
        skipsSpecialTokens = skipSpecialTokens
        chain = DecodingChain(tokenizer.decoder)
    }

    /// Takes the next id and returns the text that is certain by now, often empty.
    ///
    /// An id without a token is left out.
    public mutating func append(_ id: Int32) -> String {
        String(decoding: appendBytes(id), as: UTF8.self)
    }

    mutating func appendBytes(_ id: Int32) -> [UInt8] {
        if skipsSpecialTokens, tokenizer.addedVocabulary.isSpecial(id) { return [] }
        guard let token = tokenizer.tokenBytes(of: id) else { return [] }
        return chain.append(token)
    }

    /// Returns the text that still waited, what is unfinished in it as U+FFFD; nothing may follow.
    public mutating func finish() -> String {
        String(decoding: finishBytes(), as: UTF8.self)
    }

    mutating func finishBytes() -> [UInt8] { chain.finish() }
}
