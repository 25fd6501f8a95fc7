// A pool as labelling meets it: rows in the order of the files, read once, forwards, never held. Every
// rank goes through all of them and takes those of its own leases; so each knows, without a word to the
// others, which rows are answered already and which repeat an earlier row, and nobody needs an index of
// the files. Reading costs a microsecond or two a row, asking a thousand times that.

public import Corpus

/// Where records come from, one after the other; nil after the last.
public typealias RecordSequence = () throws -> Record?

/// The names of a record, by which it is known again.
public struct RecordKeys: Sendable {
    /// A hash of all of it that reaches the teacher: records that share it share their answers.
    public let content: UInt64
    private let name: Name

    private enum Name {
        case parts(identity: String, bytes: [UInt8])
        case whole(LabelKey)
    }

    /// The name of its label.
    ///
    /// Computed when it is asked for: of most rows a rank needs the content's hash alone.
    public var label: LabelKey {
        switch name {
        case .parts(let identity, let bytes): LabelKey(teacher: identity, request: bytes)
        case .whole(let key): key
        }
    }

    /// The names of a request that its own key names.
    init(key: LabelKey) {
        name = .whole(key)
        content = key.fingerprint
    }

    /// Names of a record.
    ///
    /// - Parameters:
    ///   - identity: The identity under which its label is written.
    ///   - id: The record's id.
    ///   - digest: SHA-256 of all of it that reaches the teacher, but for the id.
    ///   - showsID: Whether the teacher sees the id too: then no two records ask the same.
    public init(identity: String, id: String, digest: [UInt8], showsID: Bool) {
        let named = Array("\(id)\0".utf8) + digest
        name = .parts(identity: identity, bytes: named)
        content =
            showsID
            ? LabelKey(teacher: "", request: named).fingerprint
            : digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

/// A rank's way through a pool, lease by lease.
public struct LeasedRecords {
    /// A record with its place in the pool.
    public struct Row: Sendable {
        /// Counted from 0 over all files.
        public let number: Int
        /// The record.
        public let record: Record
        /// The name that its label will have.
        public let key: LabelKey
        /// Whether an earlier row asks the teacher the same.
        public let isRepeat: Bool
    }

    /// Rows gone through.
    public private(set) var rows = 0
    /// Of these, the ones that have a label already.
    public private(set) var cached = 0
    /// Whether the last row has been gone through.
    public private(set) var isAtEnd = false
    private let sequence: RecordSequence
    private let keys: (Record) -> RecordKeys
    private let known: KeySet
    private var contents = KeySet()

    /// A way through `sequence`; `known` holds the keys that have a label.
    public init(
        _ sequence: @escaping RecordSequence, known: KeySet,
        keys: @escaping (Record) -> RecordKeys
    ) {
        self.sequence = sequence
        self.known = known
        self.keys = keys
    }

    /// The rows of a lease that have no label; leases come in ascending order.
    ///
    /// Fewer, or none, where rows have one or the pool ends.
    public mutating func take(_ lease: Range<Int>) throws -> [Row] {
        precondition(lease.lowerBound >= rows, "lease \(lease) lies before row \(rows)")
        var taken: [Row] = []
        while rows < lease.upperBound, let row = try next(isWanted: { lease.contains($0) }) {
            if let row = row.value { taken.append(row) }
        }
        return taken
    }

    /// The rows of some numbers, in ascending order: what was given back.
    public mutating func take(rows numbers: some Collection<Int>) throws -> [Row] {
        var taken: [Row] = []
        for number in numbers {
            precondition(number >= rows, "row \(number) lies before row \(rows)")
            while rows <= number, let row = try next(isWanted: { $0 == number }) {
                if let row = row.value { taken.append(row) }
            }
        }
        return taken
    }

    /// Goes through all that is left, so that the counts are those of the whole pool.
    public mutating func finish() throws {
        while try next(isWanted: { _ in false }) != nil {}
    }

    /// The next row, with a value if it is wanted and has no label; nil behind the last.
    private mutating func next(isWanted: (Int) -> Bool) throws -> (value: Row?, Void)? {
        guard !isAtEnd, let record = try sequence() else {
            isAtEnd = true
            return nil
        }
        let number = rows
        rows += 1
        let keys = keys(record)
        let isRepeat = !contents.insert(keys.content)
        // Where nothing is known, the names of rows that others take are never made.
        if known.count > 0, known.contains(keys.label) {
            cached += 1
            return (nil, ())
        }
        guard isWanted(number) else { return (nil, ()) }
        return (
            Row(number: number, record: record, key: keys.label, isRepeat: isRepeat), ()
        )
    }
}
