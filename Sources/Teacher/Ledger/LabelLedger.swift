// Where paid answers rest: one SQLite file a rank, written by that rank alone and committed before
// an answer is used. How a file is opened is in `RankFiles`, reading in `LedgerContents`.

import Corpus
import Foundation
import GRDB

/// A rank's own label ledger.
public final class LabelLedger: Sendable {
    /// The file.
    public var path: String { file.path }
    private let file: RankFiles.Opened

    /// Opens, or makes, the file of a rank in a folder, which is made too.
    public init(folder: String, rank: Int) throws(TeacherError) {
        file = try RankFiles.labels.open(
            folder: folder, rank: rank, check: { try LedgerSchema.check($0, path: $1) })
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
            try file.queue.write { database in
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
        file.lock.release()
    }

    /// The last journal file whose content is in the tables.
    func journalGeneration() throws(TeacherError) -> Int64 {
        do {
            return try file.queue.read {
                try Int64.fetchOne($0, sql: "SELECT generation FROM journal") ?? 0
            }
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: false)
        }
    }

    /// The file of a rank.
    public static func path(folder: String, rank: Int) -> String {
        RankFiles.labels.path(folder: folder, rank: rank)
    }
}

extension RankFiles {
    /// The ledgers of a folder.
    static let labels = RankFiles(stem: "rank", steps: LedgerSchema.steps)
}
