// The keys of a folder of ledgers, without what they stand for: what has been done already.

import GRDB

extension KeySet {
    /// The keys of all labels of one teacher in a folder of ledgers.
    ///
    /// - Parameters:
    ///   - folder: The folder; one that isn't there holds nothing.
    ///   - teacher: The identity under which labels are written.
    ///   - failures: Whether records that failed by their own or the teacher's fault count as done too.
    public init(
        labelsIn folder: String, teacher: String, countingFailures failures: Bool
    ) throws(TeacherError) {
        self.init()
        for path in try RankFiles.labels.paths(in: folder) {
            try LedgerFileReader.reading(path) { database in
                let version = try RankFiles.version(of: database)
                guard version > 0 else { return }
                try LedgerSchema.check(database, path: path)
                try self.insertKeys(of: "labels", teacher, database, path)
                guard failures, version > 1 else { return }
                // Where servers failed, another day may be better.
                try self.insertKeys(
                    of: "failures", teacher, database, path, where: "kind <> 'unanswered'")
            }
        }
    }

    private mutating func insertKeys(
        of table: String, _ teacher: String, _ database: Database, _ path: String,
        where condition: String = "true"
    ) throws {
        let cursor = try String.fetchCursor(
            database, sql: "SELECT key FROM \(table) WHERE teacher = ? AND \(condition)",
            arguments: [teacher])
        while let text = try cursor.next() {
            guard let key = LabelKey(hexadecimal: text) else {
                throw LedgerTrouble.damaged(path, "a key of \(table) isn't a SHA-256")
            }
            insert(key)
        }
    }
}
