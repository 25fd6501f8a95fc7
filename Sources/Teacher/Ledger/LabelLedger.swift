// Where paid answers rest: one SQLite file a rank, written by that rank alone and committed before
// an answer is used. No write-ahead log: it needs shared memory, which network file systems lack.
// The rollback journal is cut to nothing at each commit (TRUNCATE) and, with `synchronous=FULL`, that
// cut is synced too; DELETE would leave the folder's entry to a later moment, and a power cut could
// then undo a commit. Reading is in `LedgerContents`.

import Corpus
import Foundation
import GRDB

/// A rank's own label ledger.
public final class LabelLedger: Sendable {
    /// The file.
    public let path: String
    private let queue: DatabaseQueue
    private let lock: LedgerLock

    /// Opens, or makes, the file of a rank in a folder, which is made too.
    public init(folder: String, rank: Int) throws(TeacherError) {
        path = Self.path(folder: folder, rank: rank)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw TeacherError(
                .ledgerUnwritable,
                "\(folder): cannot make the folder: \(plainWords(of: error))")
        }
        lock = try LedgerLock(path: String(path.dropLast(".sqlite".count)) + ".lock")
        do {
            queue = try DatabaseQueue(path: path, configuration: Self.configuration())
            try LedgerSchema.migrate(queue, path: path)
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: true)
        }
    }

    /// Writes entries in one transaction: when this returns, all of them are durable; when it
    /// throws, none is there.
    ///
    /// Rows are only appended. If a request is there already, readers keep the earlier answer.
    public func commit(_ entries: [LedgerEntry]) throws(TeacherError) {
        try commit(LedgerBatch(labels: entries))
    }

    /// Writes rows of all kinds in one transaction.
    func commit(_ batch: LedgerBatch) throws(TeacherError) {
        guard !batch.isEmpty || batch.journalGeneration != nil else { return }
        do {
            try queue.write { database in
                var rows = try LedgerRows(database)
                for entry in batch.labels { try rows.insert(entry) }
                for entry in batch.responses { try rows.insert(entry) }
                for entry in batch.failures { try rows.insert(entry) }
                for entry in batch.losses { try rows.insert(entry) }
                if let generation = batch.journalGeneration {
                    try database.execute(
                        sql: "UPDATE journal SET generation = ?", arguments: [generation])
                }
            }
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: true)
        }
    }

    /// Lets others write: whoever still holds this ledger must not.
    func close() {
        lock.release()
    }

    /// The last journal file whose content is in the tables.
    func journalGeneration() throws(TeacherError) -> Int64 {
        do {
            return try queue.read {
                try Int64.fetchOne($0, sql: "SELECT generation FROM journal") ?? 0
            }
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: false)
        }
    }

    /// The file of a rank.
    public static func path(folder: String, rank: Int) -> String {
        precondition(rank >= 0, "rank \(rank)")
        let digits = String(rank)
        return "\(folder)/rank-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
            + ".sqlite"
    }

    /// The ledgers of a folder, in the order of their names; a folder that isn't there has none.
    static func paths(in folder: String) throws(TeacherError) -> [String] {
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder)
                .filter { $0.hasPrefix("rank-") && $0.hasSuffix(".sqlite") }
                .sorted(by: JSONText.precedes)
                .map { "\(folder)/\($0)" }
        } catch {
            throw TeacherError(
                .ledgerUnreadable,
                "\(folder): cannot read the folder: \(plainWords(of: error))")
        }
    }

    /// The rank that writes a ledger; nil for a name that no rank has.
    static func rank(of path: String) -> Int? {
        let name = (path as NSString).lastPathComponent
        return Int(name.dropFirst("rank-".count).dropLast(".sqlite".count))
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        // A reader holds its lock for moments; a whole minute means a stuck one.
        configuration.busyMode = .timeout(60)
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA journal_mode = TRUNCATE")
            try database.execute(sql: "PRAGMA synchronous = FULL")
        }
        return configuration
    }
}
