// A tokenizer: the stages of a `tokenizer.json` in their order, from text to ids and back.
//
//   text -> AddedVocabulary -> Normalizer -> AddedVocabulary -> PreTokenizer -> Model
//        -> Truncation -> PostProcessor -> Padding -> Encoding
//
// Equal to Hugging Face `tokenizers` on whatever loads; what isn't done is refused while loading.

/// Turns text into token ids, as a Hugging Face `tokenizer.json` says.
///
/// It never changes after loading and can be used from any number of threads.
public final class Tokenizer: Sendable {
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer?
    let model: Model
    let postProcessor: PostProcessor
    let decoder: Decoder?
    let addedVocabulary: AddedVocabulary
    let truncation: Truncation?
    let padding: Padding?

    /// Oddities of the file that don't keep it from being used, each in one line.
    public let notes: [String]
    /// The id that short texts are filled up with; nil where the file names none.
    public let padID: Int32?
    /// The number of tokens, added ones included.
    public let vocabularyCount: Int
    /// One more than the largest id: the rows that an embedding needs.
    public let idBound: Int

    /// A tokenizer from a `tokenizer.json`, or from a folder with one or with a `vocab.txt`.
    public convenience init(contentsOf path: String) throws(TokenizerError) {
        self.init(try TokenizerParts(contentsOf: path))
    }

    init(_ parts: TokenizerParts) {
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        model = parts.model
        postProcessor = parts.postProcessor ?? .plain
        decoder = parts.decoder
        addedVocabulary = parts.addedVocabulary
        truncation = parts.truncation
        padding = parts.padding
        notes = parts.notes
        let vocabulary = parts.model.vocabulary
        let usualPads = ["[PAD]", "<pad>"].map { Array($0.utf8) }
        let padTokens = (parts.padToken.map { [$0] } ?? []) + usualPads
        padID =
            parts.padding?.id
            ?? padTokens.compactMap { parts.addedVocabulary.id(of: $0, in: vocabulary) }.first
        vocabularyCount = vocabulary.count + parts.addedVocabulary.countBeyondModel
        idBound = Int(max(vocabulary.largestID, parts.addedVocabulary.largestID)) + 1
    }

    // MARK: Tokens and ids

    /// The token with an id; nil where there is none.
    public func token(of id: Int32) -> String? {
        tokenBytes(of: id).map { String(decoding: $0, as: UTF8.self) }
    }

    func tokenBytes(of id: Int32) -> ArraySlice<UInt8>? {
        addedVocabulary.name(of: id).map { $0[...] } ?? model.vocabulary.token(of: id)
    }

    /// What stands for an id in an encoding, unless its `surfaces` say otherwise: the model's token.
    ///
    /// An added token may have the id of one of the model's and another name (normalised, say).
    func encodedToken(_ id: Int32) -> ArraySlice<UInt8> {
        model.vocabulary.token(of: id) ?? addedVocabulary.name(of: id)?[...] ?? []
    }

    /// The id of a token, exactly as written; nil where there is none.
    public func id(of token: String) -> Int32? {
        addedVocabulary.id(of: Array(token.utf8), in: model.vocabulary)
    }

    /// The text of ids; ids without a token are left out.
    public func decode(_ ids: [Int32], skipSpecialTokens: Bool = true) -> String {
        var decoder = StreamingDecoder(self, skipSpecialTokens: skipSpecialTokens)
        var text: [UInt8] = []
        for id in ids { text.append(contentsOf: decoder.appendBytes(id)) }
        text.append(contentsOf: decoder.finishBytes())
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Text to tokens

    /// How many special tokens the template puts around one text or a pair.
    public func specialTokenCount(isPair: Bool) -> Int {
        postProcessor.specialCount(isPair: isPair)
    }

    /// The tokens of a text, before specials, truncation and padding; `limit` may end it early.
    func tokenize(_ text: String, limit: Int, tracksOffsets: Bool) -> TokenSequence {
        var tokens = TokenSequence(tracksOffsets: tracksOffsets)
        model.withWorkspace(&tokens) { tokens in
            tokenize(Array(text.utf8), limit: limit, guarding: GuardedRanges(), into: &tokens)
        }
        return tokens
    }

    /// The tokens of a text in parts of which no special token is found.
    func tokenize(
        _ bytes: [UInt8], guarding guarded: GuardedRanges, tracksOffsets: Bool
    ) -> TokenSequence {
        var tokens = TokenSequence(tracksOffsets: tracksOffsets)
        model.withWorkspace(&tokens) { tokens in
            tokenize(bytes, limit: .max, guarding: guarded, into: &tokens)
        }
        return tokens
    }

    private func tokenize(
        _ bytes: [UInt8], limit: Int, guarding guarded: GuardedRanges,
        into tokens: inout TokenSequence
    ) {
        let tracksOffsets = tokens.tracksOffsets || asksForBeginning || !guarded.isEmpty
        var (firstScalar, end) = (0, 0)
        for part in addedVocabulary.partsOfRawText(bytes, guarding: guarded) {
            if tokens.count >= limit { break }
            let start = part.range.lowerBound
            if tracksOffsets {
                // A part may begin within the white space that the one before it has taken.
                firstScalar +=
                    start < end
                    ? -UTF8Bytes.scalarCount(in: bytes, start..<end)
                    : UTF8Bytes.scalarCount(in: bytes, end..<start)
            }
            let scalars = tracksOffsets ? UTF8Bytes.scalarCount(in: bytes, part.range) : 0
            if let id = part.id {
                tokens.append(
                    id, offset: firstScalar..<firstScalar + scalars,
                    surface: surface(bytes[part.range], of: id))
            } else {
                let text = NormalizedText(
                    original: bytes[part.range], firstScalar: tracksOffsets ? firstScalar : start,
                    tracksOrigins: tracksOffsets)
                tokenize(text, limit: limit, guarding: guarded, into: &tokens)
            }
            firstScalar += scalars
            end = part.range.upperBound
        }
    }

    /// Whether origins matter to the tokens themselves: the pre-tokenizer asks whether a part is the
    /// beginning of the text, and something before it may have dropped that.
    private var asksForBeginning: Bool {
        guard let preTokenizer, preTokenizer.asksForBeginning else { return false }
        if case .sequence = preTokenizer { return true }
        return normalizer != nil
    }

    /// Appends the tokens of text that holds no unnormalised added token.
    private func tokenize(
        _ text: NormalizedText, limit: Int, guarding guarded: GuardedRanges,
        into tokens: inout TokenSequence
    ) {
        var text = text
        normalizer?.normalize(&text)
        var words: [Range<Int>] = []
        for part in addedVocabulary.partsOfNormalizedText(text, guarding: guarded) {
            if let id = part.id {
                tokens.append(
                    id, offset: text.originalRange(part.range),
                    surface: surface(text.bytes[part.range], of: id))
                continue
            }
            words.removeAll(keepingCapacity: true)
            if let preTokenizer, preTokenizer.altersText {
                var piece = text
                var words = [part.range]
                preTokenizer.split(&piece, &words)
                model.tokenize(piece, words, limit: limit, into: &tokens)
                continue
            }
            if let preTokenizer {
                preTokenizer.appendWords(of: text, part.range, to: &words)
            } else {
                words.append(part.range)
            }
            model.tokenize(text, words, limit: limit, into: &tokens)
        }
    }

    /// The text of an added token as it was found, where it isn't what else stands for its id.
    private func surface(_ bytes: ArraySlice<UInt8>, of id: Int32) -> String? {
        encodedToken(id) == bytes ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
