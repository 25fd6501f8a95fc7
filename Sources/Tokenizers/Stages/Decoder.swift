// From tokens back to text: the `decoder` of a `tokenizer.json`, a chain of steps.
//
// A step takes tokens and gives tokens; `Fuse` and `ByteLevel` make one token of all. The work itself
// is in DecodingChain, which takes tokens one at a time.

/// The way in which tokens become a text again.
struct Decoder: Sendable {
    enum Step: Sendable {
        /// Letters of the byte-level alphabet become bytes, all tokens one text.
        case byteLevel
        /// `<0xE4>` becomes a byte; a row of bytes that isn't UTF-8 becomes U+FFFD for each.
        case byteFallback
        /// All tokens become one.
        case fuse
        /// The sign becomes a space, in the first token nothing unless it `keepsFirst`.
        case metaspace(sign: [UInt8], keepsFirst: Bool)
        case replace(Replacement)
        /// Takes up to so many of a scalar off the ends of each token.
        case strip(content: [UInt8], start: Int, stop: Int)
        /// Pieces that begin with the prefix are joined to the one before, others by a space.
        case wordPiece(prefix: [UInt8], cleansUp: Bool)
    }

    let steps: [Step]

    /// The decoder of BERT.
    static let bert = Decoder(steps: [.wordPiece(prefix: Array("##".utf8), cleansUp: true)])

    init(steps: [Step]) {
        self.steps = steps
    }

    /// The decoder that a file describes.
    init(_ field: JSONField) throws(TokenizerError) {
        switch try field.type() {
        case "ByteFallback": steps = [.byteFallback]
        case "ByteLevel": steps = [.byteLevel]
        case "Fuse": steps = [.fuse]
        case "Metaspace":
            let metaspace = try Metaspace(field)
            steps = [.metaspace(sign: metaspace.sign, keepsFirst: metaspace.scheme == .never)]
        case "Replace": steps = [.replace(try Replacement(field))]
        case "Strip":
            let content = try field.required("content")
            let text = try content.string()
            guard text.unicodeScalars.count == 1 else {
                throw content.error(.malformed, "must be one character")
            }
            steps = [
                .strip(
                    content: Array(text.utf8), start: try field.required("start").count(),
                    stop: try field.required("stop").count())
            ]
        case "Sequence":
            var steps: [Step] = []
            for part in try field.required("decoders").elements() {
                steps += try Decoder(part).steps
            }
            self.steps = steps
        case "WordPiece":
            steps = [
                .wordPiece(
                    prefix: Array(try field.required("prefix").string().utf8),
                    cleansUp: try field.required("cleanup").boolean())
            ]
        case let other: throw field.unsupported(other)
        }
    }

    // MARK: WordPiece

    /// What English loses when its words and signs are parted by spaces; applied in this order.
    private static let repairs = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { Replacement(found: Array($0.0.utf8), content: Array($0.1.utf8)) }

    /// A token as WordPiece's decoder writes it.
    static func wordPiece(
        _ token: [UInt8], isFirst: Bool, prefix: [UInt8], cleansUp: Bool
    ) -> [UInt8] {
        var piece = token
        if !isFirst {
            if piece.starts(with: prefix) {
                piece.removeFirst(prefix.count)
            } else {
                piece.insert(0x20, at: 0)
            }
        }
        return cleansUp ? cleanedUp(piece) : piece
    }

    /// One token with its spaces repaired; a repair never spans two tokens.
    private static func cleanedUp(_ token: [UInt8]) -> [UInt8] {
        guard token.contains(0x20) else { return token }
        return repairs.reduce(token) { $1.replaced($0) }
    }
}
