// The BPE model: a word begins as its scalars, and the pair whose merge was learnt first becomes one,
// again and again. Byte-level tokenizers (GPT-2, RoBERTa, Llama-3, Qwen) have words spelt in letters
// that stand for bytes; Llama-2 and its like fall back to byte tokens for what they don't know.
//
// Not done: dropout, prefixes and suffixes of pieces (CLIP); a file that asks for them is refused.

/// A BPE vocabulary, its merges and its rules.
struct BPE: Sendable {
    let vocabulary: Vocabulary
    private let merges: MergeTable
    private let unknownID: Int32?
    /// Unknown scalars in a row are one token.
    private let fusesUnknown: Bool
    /// The tokens `<0x00>` to `<0xFF>`, -1 where there is none; empty without fallback.
    private let byteIDs: [Int32]
    /// A word that is a token is that token, whatever the merges say.
    private let ignoresMerges: Bool
    /// The ids of the commoner scalars, -1 where there is none.
    private let idOfScalar: [Int32]
    private let workspaces = ModelWorkspaces()

    private static let directScalars: UInt32 = 0x3100

    /// The model of a file; `isByteLevel`: words come in the byte-level alphabet.
    init(_ field: JSONField, isByteLevel: Bool) throws(TokenizerError) {
        if let dropout = try field.optional("dropout"), !dropout.isZero {
            throw dropout.error(.unsupported, "is not supported: the tokens would be random")
        }
        try Self.refuseAffix(try field.optional("continuing_subword_prefix"))
        try Self.refuseAffix(try field.optional("end_of_word_suffix"))
        let vocabulary = try Vocabulary(try field.required("vocab"))
        self.vocabulary = vocabulary
        fusesUnknown = try field.optional("fuse_unk")?.boolean() ?? false
        ignoresMerges = try field.optional("ignore_merges")?.boolean() ?? false
        let fallsBack = try field.optional("byte_fallback")?.boolean() ?? false
        byteIDs = fallsBack ? vocabulary.byteTokenIDs : []
        idOfScalar = (0..<Self.directScalars).map { scalar in
            guard Unicode.Scalar(scalar) != nil else { return -1 }
            var bytes: [UInt8] = []
            UTF8Bytes.append(scalar, to: &bytes)
            return vocabulary.id(of: bytes) ?? -1
        }
        merges = try Self.merges(try field.required("merges"), vocabulary)
        // Where every letter is a token nothing is unknown.
        let isComplete =
            isByteLevel && ByteLevel.letters.allSatisfy { [idOfScalar] in idOfScalar[Int($0)] >= 0 }
        unknownID =
            isComplete
            ? nil : try Self.unknownID(try field.optional("unk_token"), vocabulary)
    }

    // MARK: Loading

    private static func refuseAffix(_ field: JSONField?) throws(TokenizerError) {
        guard let field, case let affix = try field.string(), !affix.isEmpty else { return }
        throw field.error(.unsupported, "'\(affix)' is not supported")
    }

    private static func unknownID(
        _ field: JSONField?, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> Int32? {
        guard let field else { return nil }
        let token = try field.string()
        guard let id = vocabulary.id(of: Array(token.utf8)) else {
            throw field.error(.inconsistent, "'\(token)' is not in the vocabulary")
        }
        return id
    }

    /// The array `merges`: pairs, or strings of two pieces with a space between.
    private static func merges(
        _ field: JSONField, _ vocabulary: Vocabulary
    ) throws(TokenizerError) -> MergeTable {
        guard field.kind == .array else { throw field.error(.malformed, "must be an array") }
        let document = field.document
        let end = Int(document.nodes[field.index].next)
        var (element, count) = (field.index + 1, 0)
        while element < end {
            count += 1
            element = Int(document.nodes[element].next)
        }
        var table = MergeTable(capacity: count)
        var rank: UInt32 = 0
        element = field.index + 1
        var piece: [UInt8] = []
        while element < end {
            piece.removeAll(keepingCapacity: true)
            guard let middle = appendPair(document, element, to: &piece) else {
                throw field.error(.malformed, "has no pair of pieces at [\(rank)]")
            }
            func id(_ range: Range<Int>) throws(TokenizerError) -> Int32 {
                if let id = vocabulary.id(piece, range) { return id }
                let name = String(decoding: piece[range], as: UTF8.self)
                throw field.error(
                    .inconsistent, "needs '\(name)' at [\(rank)], which is not in the vocabulary")
            }
            let left = try id(0..<middle)
            let right = try id(middle..<piece.count)
            table.insert(left, right, rank: rank, id: try id(0..<piece.count))
            rank += 1
            element = Int(document.nodes[element].next)
        }
        return table
    }

    /// Appends both pieces of a merge; returns where the second begins, nil where it is no merge.
    private static func appendPair(
        _ document: JSONDocument, _ element: Int, to piece: inout [UInt8]
    ) -> Int? {
        if document.nodes[element].kind == .array {
            guard document.nodes[element].next == element + 3, document.isString(element + 1),
                document.isString(element + 2)
            else { return nil }
            document.appendString(element + 1, to: &piece)
            let middle = piece.count
            document.appendString(element + 2, to: &piece)
            return middle
        }
        guard document.isString(element) else { return nil }
        document.appendString(element, to: &piece)
        guard let space = piece.firstIndex(of: 0x20), piece.lastIndex(of: 0x20) == space else {
            return nil
        }
        piece.remove(at: space)
        return space
    }

    // MARK: Tokens

    /// Calls `body` with tokens that have room for this model's work.
    func withWorkspace(_ tokens: inout TokenSequence, _ body: (inout TokenSequence) -> Void) {
        workspaces.with(&tokens, body)
    }

    /// Appends the tokens of one word, a range of `text`.
    func tokenize(_ text: NormalizedText, _ word: Range<Int>, into tokens: inout TokenSequence) {
        let bytes = text.bytes
        let isCached = word.count <= WordCache.longestWord
        let mayBeToken = ignoresMerges && word.count <= vocabulary.longestToken
        var hash: UInt64 = 0
        if isCached || mayBeToken {
            hash = ByteStringTable.emptyHash
            for position in word { hash = ByteStringTable.extended(hash, by: bytes[position]) }
        }
        if mayBeToken, let id = vocabulary.id(bytes, word, hash: hash) {
            tokens.append(id, text, word)
            return
        }
        if isCached, tokens.appendKnown(text, word, hash: hash) { return }
        tokens.workspace.work.removeAll()
        appendSymbols(bytes, word, to: &tokens.workspace.work)
        tokens.workspace.work.merge(by: merges)
        var start = word.lowerBound
        for index in 0..<tokens.workspace.work.count {
            let end = start + Int(tokens.workspace.work.lengths[index])
            tokens.append(tokens.workspace.work.ids[index], text, start..<end)
            start = end
        }
        if isCached, !word.isEmpty {
            tokens.workspace.cache.insert(
                word, bytes, hash: hash, ids: tokens.workspace.work.ids,
                lengths: tokens.workspace.work.lengths)
        }
    }

    /// Appends the symbols that a word begins as.
    private func appendSymbols(
        _ bytes: [UInt8], _ word: Range<Int>, to work: inout MergeWork
    ) {
        // The unknown token waits for more of its kind, as in the reference, even behind byte tokens.
        var unknownLength: Int?
        var position = word.lowerBound
        while position < word.upperBound {
            let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: position)
            let range = position..<position + length
            position += length
            let id =
                scalar < Self.directScalars
                ? idOfScalar[Int(scalar)] : vocabulary.id(bytes, range) ?? -1
            if id >= 0 {
                if let unknownLength, let unknownID {
                    work.append(unknownID, length: unknownLength)
                }
                unknownLength = nil
                work.append(id, length: length)
            } else if !byteIDs.isEmpty, range.allSatisfy({ byteIDs[Int(bytes[$0])] >= 0 }) {
                for index in range { work.append(byteIDs[Int(bytes[index])], length: 1) }
            } else if let unknownID {
                if let waiting = unknownLength, !fusesUnknown {
                    work.append(unknownID, length: waiting)
                    unknownLength = length
                } else {
                    unknownLength = (unknownLength ?? 0) + length
                }
            }
        }
        if let unknownLength, let unknownID { work.append(unknownID, length: unknownLength) }
    }
}
