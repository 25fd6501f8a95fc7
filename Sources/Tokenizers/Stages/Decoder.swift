// From tokens back to text: the `decoder` of a `tokenizer.json`.

/// The way in which tokens become a text again.
enum Decoder: Sendable {
    /// Pieces that begin with the prefix are joined to the one before, all others by a space.
    case wordPiece(prefix: String, cleansUp: Bool)

    /// The decoder that a file describes.
    init(_ field: JSONField) throws(TokenizerError) {
        switch try field.type() {
        case "WordPiece":
            self = .wordPiece(
                prefix: try field.required("prefix").string(),
                cleansUp: try field.required("cleanup").boolean())
        case let other: throw field.unsupported(other)
        }
    }

    /// The text of tokens.
    func decode(_ tokens: [String]) -> String {
        switch self {
        case .wordPiece(let prefix, let cleansUp):
            let prefix = Array(prefix.utf8)
            var text: [UInt8] = []
            for (index, token) in tokens.enumerated() {
                var piece = Array(token.utf8)
                if index > 0 {
                    if piece.starts(with: prefix) {
                        piece.removeFirst(prefix.count)
                    } else {
                        piece.insert(0x20, at: 0)
                    }
                }
                text.append(contentsOf: cleansUp ? Self.cleanedUp(piece) : piece)
            }
            return String(decoding: text, as: UTF8.self)
        }
    }

    /// What English loses when its words and signs are parted by spaces; applied in this order.
    private static let repairs: [(found: [UInt8], replacement: [UInt8])] = [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
        (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

    /// One token with its spaces repaired; a repair never spans two tokens.
    private static func cleanedUp(_ token: [UInt8]) -> [UInt8] {
        guard token.contains(0x20) else { return token }
        return repairs.reduce(token) { token, repair in
            token.replacing(repair.found, with: repair.replacement)
        }
    }
}
