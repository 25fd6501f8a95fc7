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
                "\(folder): cannot make the folder: \(error.localizedDescription)")
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
        guard !entries.isEmpty else { return }
        do {
            try queue.write { database in
                let statement = try database.cachedStatement(
                    sql: """
                        INSERT INTO labels (key, record_id, teacher, request_sha,
                            label_probabilities, choice_probabilities, text, confidence_method,
                            finish_reason, prompt_tokens, completion_tokens, price_micro,
                            latency_us, created_at)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """)
                for entry in entries {
                    try statement.execute(arguments: Self.arguments(entry))
                }
            }
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: true)
        }
    }

    /// The file of a rank.
    public static func path(folder: String, rank: Int) -> String {
        precondition(rank >= 0, "rank \(rank)")
        let digits = String(rank)
        return "\(folder)/rank-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
            + ".sqlite"
    }

    private static func arguments(_ entry: LedgerEntry) -> StatementArguments {
        let answer = entry.answer
        let choices = answer.choiceProbabilities.map {
            "[\($0.map(JSONText.number).joined(separator: ","))]"
        }
        return [
            entry.key.description, answer.id, entry.teacher, entry.requestDigest,
            answer.labelProbabilities.map(JSONText.object), choices, answer.text,
            answer.confidenceMethod, answer.finishReason, answer.usage?.promptTokens,
            answer.usage?.completionTokens, entry.priceMicro, entry.latencyMicroseconds,
            entry.createdAtMicroseconds,
        ]
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
