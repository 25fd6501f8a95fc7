// All ranks' files of a folder, read as one. Files are taken in the order of their names and rows in
// the order of their commits; of two answers to one request the first counts, so that any number of
// ranks sees the same.

public import Corpus

/// Everything that the ledgers of a folder hold.
public struct LedgerContents: Sendable {
    /// A file that was read.
    public struct File: Sendable, Hashable {
        /// Where it lies.
        public let path: String
        /// Its rows (of the wanted teacher).
        public let rows: Int
    }

    /// The entries, each request and record once.
    public private(set) var entries: [LedgerEntry] = []
    /// How often a request was asked again though it had an answer (two ranks at the same time, or
    /// a rank that could not see the other's file).
    public private(set) var duplicates = 0
    /// The files read, in their order.
    public private(set) var files: [File] = []
    /// The entry whose answer counts, by request.
    private var firsts: [LabelKey: Int] = [:]
    /// The records that share a request with others, which are few.
    private var shared: [LabelKey: Set<String>] = [:]

    /// Holds nothing.
    public init() {}

    /// Reads every `rank-*.sqlite` of a folder, of one teacher or of all; a folder that isn't there
    /// holds nothing.
    public init(folder: String, teacher: String? = nil) throws(TeacherError) {
        for path in try RankFiles.labels.paths(in: folder) {
            let rows = try LedgerFileReader.entries(path: path, teacher: teacher)
            for entry in rows { insert(entry) }
            files.append(File(path: path, rows: rows.count))
        }
    }

    /// The answer to a request, under the id of the record that was asked for first.
    public func answer(to key: LabelKey) -> LabelRecord? {
        firsts[key].map { entries[$0].answer }
    }

    /// Whether a request has been answered and noted for that very record.
    func holds(_ key: LabelKey, record id: String) -> Bool {
        guard let first = firsts[key] else { return false }
        return entries[first].answer.id == id || shared[key]?.contains(id) == true
    }

    /// Takes an entry in, behind all earlier ones.
    mutating func insert(_ entry: LedgerEntry) {
        guard let first = firsts[entry.key] else {
            firsts[entry.key] = entries.count
            return entries.append(entry)
        }
        if entry.wasAsked { duplicates += 1 }
        guard !holds(entry.key, record: entry.answer.id) else { return }
        shared[entry.key, default: []].insert(entry.answer.id)
        entries.append(entry.answered(as: entries[first].answer))
    }

    /// The identities of the teachers that answered, in the order of their bytes.
    public var teachers: [String] {
        Set(entries.map(\.teacher)).sorted(by: JSONText.precedes)
    }

    /// One answer a record, sorted by id.
    ///
    /// Of a record that was asked for with several requests (its text has changed) the newest answer
    /// counts. Answers of two teachers cannot be mixed: read the folder with one of them.
    public func answersByRecord() throws(TeacherError) -> [LabelRecord] {
        var newest: [String: Int] = [:]
        for (index, entry) in entries.enumerated() {
            guard let other = newest[entry.answer.id] else {
                newest[entry.answer.id] = index
                continue
            }
            guard entries[other].teacher == entry.teacher else {
                throw TeacherError(
                    .badAnswer,
                    "record '\(entry.answer.id)' has answers of two teachers, "
                        + "'\(entries[other].teacher)' and '\(entry.teacher)'; choose one of them")
            }
            if entry.createdAtMicroseconds >= entries[other].createdAtMicroseconds {
                newest[entry.answer.id] = index
            }
        }
        return newest.values.map { entries[$0].answer }
            .sorted { JSONText.precedes($0.id, $1.id) }
    }
}
