// Text in which some parts may not hold special tokens: what a user wrote, inside what a program did.

/// A part of a text that is encoded as a whole.
public struct TextPiece: Sendable, Equatable {
    /// The text.
    public var text: String
    /// Whether what looks like a special token in it is plain text.
    public var isGuarded: Bool

    /// A part of a text.
    public init(_ text: String, isGuarded: Bool) {
        self.text = text
        self.isGuarded = isGuarded
    }
}

extension Tokenizer {
    /// The ids of a text given in pieces, without the template's special tokens or any limit.
    ///
    /// Tokens may span pieces, as they would in the whole text. A special token is found only where
    /// it lies outside the guarded pieces; added tokens that aren't special are found everywhere.
    public func encodeIDs(_ pieces: [TextPiece]) -> [Int32] {
        tokenize(pieces, tracksOffsets: false).ids
    }

    /// The tokens of a text given in pieces; offsets are scalars of the whole text.
    func tokenize(_ pieces: [TextPiece], tracksOffsets: Bool) -> TokenSequence {
        var bytes: [UInt8] = []
        var guarded = GuardedRanges()
        for piece in pieces {
            let start = bytes.count
            bytes.append(contentsOf: Array(piece.text.utf8))
            if piece.isGuarded, start < bytes.count {
                guarded.append(start..<bytes.count, of: bytes)
            }
        }
        return tokenize(bytes, guarding: guarded, tracksOffsets: tracksOffsets)
    }

    /// Whether a token is one that is found in the text before the model sees it.
    func isAdded(_ token: String) -> Bool {
        id(of: token).map(addedVocabulary.has) ?? false
    }
}

/// The ranges of a text that special tokens may not touch, in its bytes and in its scalars.
struct GuardedRanges {
    private(set) var bytes: [Range<Int>] = []
    private(set) var scalars: [Range<Int>] = []
    private var (doneBytes, doneScalars) = (0, 0)

    var isEmpty: Bool { bytes.isEmpty }

    /// Adds a range behind all others.
    mutating func append(_ range: Range<Int>, of text: [UInt8]) {
        let start = doneScalars + UTF8Bytes.scalarCount(in: text, doneBytes..<range.lowerBound)
        let end = start + UTF8Bytes.scalarCount(in: text, range)
        bytes.append(range)
        scalars.append(start..<end)
        (doneBytes, doneScalars) = (range.upperBound, end)
    }

    /// Whether one of some ranges, which are in order, overlaps `range`.
    static func touch(_ ranges: [Range<Int>], _ range: Range<Int>) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound <= range.lowerBound {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low < ranges.count && ranges[low].lowerBound < range.upperBound
    }
}
