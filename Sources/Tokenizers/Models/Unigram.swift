// The Unigram model (Kudo 2018, arXiv 1804.10959): every piece has a score, the logarithm of how
// probable it is, and a word is cut into the pieces whose scores have the largest sum.
//
// The best path is found by Viterbi's walk over byte positions. A scalar that no piece covers is
// unknown, at a score below all others; unknown scalars in a row are one token, or the tokens of
// their bytes. As in the reference, sums are of doubles from the left, and of equal ones the first
// found stays.

/// A Unigram vocabulary and its rules.
struct Unigram: Sendable {
    let vocabulary: Vocabulary
    private let unknownID: Int32
    /// The score of each id.
    private let scores: [Double]
    private let unknownScore: Double
    private let trie: PieceTrie
    /// The tokens `<0x00>` to `<0xFF>`, -1 where there is none; empty without fallback.
    private let byteIDs: [Int32]
    private let workspaces = ModelWorkspaces()

    /// How far below the least probable piece an unknown scalar is.
    private static let unknownPenalty = 10.0

    /// The model that a file describes.
    init(_ field: JSONField) throws(TokenizerError) {
        let (pieces, scores) = try Self.pieces(try field.required("vocab"))
        guard let unknown = try field.optional("unk_id") else {
            throw field.error(
                .unsupported, "has no unk_id, so what it doesn't know can't be tokenized")
        }
        unknownID = try unknown.id()
        guard Int(unknownID) < pieces.count else {
            throw unknown.error(
                .inconsistent, "is \(unknownID), but there are \(pieces.count) pieces")
        }
        vocabulary = Vocabulary(pieces: pieces)
        self.scores = scores
        unknownScore = scores.reduce(.infinity) { min($0, $1) } - Self.unknownPenalty
        let fallsBack = try field.optional("byte_fallback")?.boolean() ?? false
        byteIDs = fallsBack ? vocabulary.byteTokenIDs : []
        var trie = PieceTrie(byteCount: pieces.reduce(0) { $0 + $1.count })
        for (id, piece) in pieces.enumerated() {
            guard trie.insert(piece, Int32(id)) else {
                throw field.error(
                    .unsupported, "has pieces with more than \(PieceTrie.nodeLimit) beginnings")
            }
        }
        self.trie = trie
    }

    /// The array `vocab`: a piece and its score each.
    private static func pieces(
        _ field: JSONField
    ) throws(TokenizerError) -> (pieces: [[UInt8]], scores: [Double]) {
        guard field.kind == .array else { throw field.error(.malformed, "must be an array") }
        let document = field.document
        let end = Int(document.nodes[field.index].next)
        var (pieces, scores): ([[UInt8]], [Double]) = ([], [])
        var element = field.index + 1
        while element < end {
            let node = document.nodes[element]
            guard node.kind == .array, node.next == element + 3, document.isString(element + 1),
                let score = document.double(element + 2), score.isFinite
            else {
                throw field.error(.malformed, "has no piece with a score at [\(pieces.count)]")
            }
            pieces.append(document.string(element + 1))
            scores.append(score)
            element = Int(node.next)
        }
        return (pieces, scores)
    }

    // MARK: Tokens

    /// Calls `body` with tokens that have room for this model's work.
    func withWorkspace(_ tokens: inout TokenSequence, _ body: (inout TokenSequence) -> Void) {
        workspaces.with(&tokens, body)
    }

    /// Appends the tokens of one word, a range of `text`.
    func tokenize(_ text: NormalizedText, _ word: Range<Int>, into tokens: inout TokenSequence) {
        if word.isEmpty { return }
        let isCached = word.count <= WordCache.longestWord
        var hash: UInt64 = 0
        if isCached {
            hash = ByteStringTable.emptyHash
            for position in word {
                hash = ByteStringTable.extended(hash, by: text.bytes[position])
            }
            if tokens.appendKnown(text, word, hash: hash) { return }
        }
        findPaths(text.bytes, word, &tokens.workspace.paths)
        let isKnown = trace(word.count, &tokens.workspace.paths)
        var start = word.lowerBound
        for index in 0..<tokens.workspace.paths.tokens.count {
            let end = start + Int(tokens.workspace.paths.lengths[index])
            let id = tokens.workspace.paths.tokens[index]
            if id == unknownID {
                appendUnknown(text, start..<end, to: &tokens)
            } else {
                tokens.append(id, text, start..<end)
            }
            start = end
        }
        if isCached, isKnown {
            tokens.workspace.cache.insert(
                word, text.bytes, hash: hash, ids: tokens.workspace.paths.tokens,
                lengths: tokens.workspace.paths.lengths)
        }
    }

    /// Viterbi's walk: offers every piece of a word to the position where it ends.
    private func findPaths(_ bytes: [UInt8], _ word: Range<Int>, _ paths: inout BestPaths) {
        paths.begin(word.count)
        var start = word.lowerBound
        while start < word.upperBound {
            let scalarEnd = start + UTF8Bytes.length(first: bytes[start])
            var coversScalar = false
            var node = PieceTrie.root
            var position = start
            while position < word.upperBound, let next = trie.next(node, bytes[position]) {
                node = next
                position += 1
                let id = trie.value(at: node)
                guard id >= 0 else { continue }
                paths.offer(
                    id, start - word.lowerBound, position - word.lowerBound,
                    score: scores[Int(id)])
                if position == scalarEnd { coversScalar = true }
            }
            if !coversScalar {
                paths.offer(
                    unknownID, start - word.lowerBound, scalarEnd - word.lowerBound,
                    score: unknownScore)
            }
            start = scalarEnd
        }
    }

    /// Follows the best path back from the end; unknown pieces in a row become one.
    ///
    /// Returns whether there is none of these.
    private func trace(_ count: Int, _ paths: inout BestPaths) -> Bool {
        var isKnown = true
        var end = count
        while end > 0 {
            let start = Int(paths.starts[end])
            let id = paths.ids[end]
            if id == unknownID {
                isKnown = false
                if paths.tokens.last == unknownID {
                    paths.lengths[paths.lengths.count - 1] += Int32(end - start)
                    end = start
                    continue
                }
            }
            paths.tokens.append(id)
            paths.lengths.append(Int32(end - start))
            end = start
        }
        paths.tokens.reverse()
        paths.lengths.reverse()
        return isKnown
    }

    /// Appends unknown scalars in a row: a piece that is just these, their bytes, or one token.
    private func appendUnknown(
        _ text: NormalizedText, _ range: Range<Int>, to tokens: inout TokenSequence
    ) {
        let bytes = text.bytes
        if let id = vocabulary.id(bytes, range) {
            tokens.append(id, text, range)
        } else if !byteIDs.isEmpty, range.allSatisfy({ byteIDs[Int(bytes[$0])] >= 0 }) {
            for position in range { tokens.append(byteIDs[Int(bytes[position])], text, range) }
        } else {
            // The reference gives the text itself for the token, not the name of the unknown one.
            tokens.append(
                unknownID, offset: text.originalRange(range),
                surface: String(decoding: bytes[range], as: UTF8.self))
        }
    }
}
