// The tokens of a model and their ids, both ways.

/// A model's vocabulary.
struct Vocabulary: Sendable {
    private var table: ByteStringTable
    /// The entry of each id where ids are dense, -1 in gaps.
    private var entryOfID: [Int32] = []
    /// The entry of each id where they are sparse.
    private var sparseEntryOfID: [Int32: Int32] = [:]
    private(set) var largestID: Int32 = -1

    /// How many ids stand for a token that has a later one.
    private var repeatedCount = 0

    /// The number of ids.
    var count: Int { table.count + repeatedCount }
    var longestToken: Int { table.longestKey }

    /// The object `vocab` of a model: a token's text to its id.
    init(_ field: JSONField) throws(TokenizerError) {
        guard field.kind == .object else { throw field.error(.malformed, "must be an object") }
        let document = field.document
        table = ByteStringTable(capacity: document.bytes.count / 16)
        var token: [UInt8] = []
        try document.forEachMember(of: field.index) { key, value throws(TokenizerError) in
            token.removeAll(keepingCapacity: true)
            document.appendString(key, to: &token)
            guard let id = document.integer(value), 0...Int(Int32.max) ~= id else {
                let name = String(decoding: token, as: UTF8.self)
                throw field.error(.malformed, "gives '\(name)' no integer from 0 to 2147483647")
            }
            table.insert(token, Int32(id))
        }
        try indexIDs { field.error(.inconsistent, $0) }
    }

    /// Tokens by line, as in `vocab.txt`; of a token that comes twice the last line counts.
    init(lines: [[UInt8]], file: String) throws(TokenizerError) {
        table = ByteStringTable(capacity: lines.count)
        for (id, line) in lines.enumerated() { table.insert(line, Int32(id)) }
        try indexIDs { TokenizerError(.inconsistent, "\(file): the vocabulary \($0)") }
    }

    /// Pieces in the order of their ids; of a piece that comes twice the last id counts, while all
    /// its ids stand for it.
    init(pieces: [[UInt8]]) {
        table = ByteStringTable(capacity: pieces.count)
        entryOfID.reserveCapacity(pieces.count)
        for (id, piece) in pieces.enumerated() {
            entryOfID.append(Int32(table.insert(piece, Int32(id))))
        }
        largestID = Int32(pieces.count) - 1
        repeatedCount = pieces.count - table.count
    }

    private mutating func indexIDs(
        _ error: (String) -> TokenizerError
    ) throws(TokenizerError) {
        for entry in 0..<table.count { largestID = max(largestID, table.value(at: entry)) }
        let isDense = Int(largestID) < 4 * table.count + 1024
        if isDense { entryOfID = [Int32](repeating: -1, count: Int(largestID) + 1) }
        for entry in 0..<table.count {
            let id = table.value(at: entry)
            if let other = self.entry(of: id) {
                let names = [other, entry].map {
                    "'\(String(decoding: table.key(at: $0), as: UTF8.self))'"
                }
                throw error("gives id \(id) to both \(names[0]) and \(names[1])")
            }
            if isDense {
                entryOfID[Int(id)] = Int32(entry)
            } else {
                sparseEntryOfID[id] = Int32(entry)
            }
        }
    }

    private func entry(of id: Int32) -> Int? {
        if entryOfID.isEmpty { return sparseEntryOfID[id].map(Int.init) }
        guard id >= 0, Int(id) < entryOfID.count, entryOfID[Int(id)] >= 0 else { return nil }
        return Int(entryOfID[Int(id)])
    }

    /// The id of a token.
    func id(of token: [UInt8]) -> Int32? { table.value(token) }

    /// The id of the token that is a range of `bytes`.
    func id(_ bytes: [UInt8], _ range: Range<Int>) -> Int32? { table.value(bytes, range) }

    /// The id of the token that is a range of `bytes` with this hash.
    @inline(__always)
    func id(_ bytes: [UInt8], _ range: Range<Int>, hash: UInt64) -> Int32? {
        table.value(bytes, range, hash: hash)
    }

    /// The bytes of the token with an id.
    func token(of id: Int32) -> ArraySlice<UInt8>? { entry(of: id).map { table.key(at: $0) } }

    /// The ids of the tokens `<0x00>` to `<0xFF>`, -1 where there is none.
    var byteTokenIDs: [Int32] {
        let digits = Array("0123456789ABCDEF".utf8)
        return (0...255).map { byte in
            let name = [digits[byte >> 4], digits[byte & 15], UInt8(ascii: ">")]
            return id(of: Array("<0x".utf8) + name) ?? -1
        }
    }

    /// The tokens that begin with `prefix`, without it.
    func continuations(of prefix: [UInt8]) -> ByteStringTable {
        var result = ByteStringTable(capacity: table.count / 4)
        for entry in 0..<table.count {
            let token = table.key(at: entry)
            if token.starts(with: prefix) {
                result.insert(Array(token.dropFirst(prefix.count)), table.value(at: entry))
            }
        }
        return result
    }
}
