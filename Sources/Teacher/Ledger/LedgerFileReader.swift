// One ledger file to entries, without ever changing what it holds. A rank killed in mid-commit
// leaves a journal that must be played back before its file can be read: SQLite does that itself
// where it may write; where it may not (a read-only folder), a copy is recovered instead.

import Corpus
import Foundation
import GRDB

enum LedgerFileReader {
    static func entries(path: String, teacher: String?) throws(TeacherError) -> [LedgerEntry] {
        var entries: [LedgerEntry] = []
        try reading(path) { database in
            // A killed writer may have made the file and no table in it.
            guard try RankFiles.version(of: database) > 0 else { return }
            try LedgerSchema.check(database, path: path)
            entries = try rows(of: database, name: path, teacher: teacher)
        }
        return entries
    }

    /// Lets `body` read a file of this program's version or an older one.
    static func reading(
        _ path: String, _ body: (Database) throws -> Void
    ) throws(TeacherError) {
        do {
            return try read(path, name: path, readonly: true, body)
        } catch let error as DatabaseError where needsRecovery(error) {
            do {
                return try recover(path, body)
            } catch {
                throw LedgerTrouble.named(error, path: path, writing: false)
            }
        } catch {
            throw LedgerTrouble.named(error, path: path, writing: false)
        }
    }

    /// A journal waits to be played back, which a reading connection may not do.
    private static func needsRecovery(_ error: DatabaseError) -> Bool {
        error.resultCode == .SQLITE_READONLY || error.resultCode == .SQLITE_CANTOPEN
    }

    private static func recover(_ path: String, _ body: (Database) throws -> Void) throws {
        do {
            return try read(path, name: path, readonly: false, body)
        } catch let error as DatabaseError where needsRecovery(error) {
            let files = FileManager.default
            let folder = files.temporaryDirectory
                .appendingPathComponent("retort-ledger-\(UUID().uuidString)").path
            try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? files.removeItem(atPath: folder) }
            let copy = "\(folder)/ledger.sqlite"
            for ending in ["", "-journal"] where files.fileExists(atPath: path + ending) {
                try files.copyItem(atPath: path + ending, toPath: copy + ending)
                // The original may be read-only, and a copy keeps that.
                try files.setAttributes([.posixPermissions: 0o600], ofItemAtPath: copy + ending)
            }
            return try read(copy, name: path, readonly: false, body)
        }
    }

    private static func read(
        _ path: String, name: String, readonly: Bool, _ body: (Database) throws -> Void
    ) throws {
        var configuration = Configuration()
        configuration.readonly = readonly
        // A writer holds its lock for the moments of a commit.
        configuration.busyMode = .timeout(60)
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        try queue.read { database in
            try RankFiles.labels.refuseNewer(try RankFiles.version(of: database), path: name)
            try body(database)
        }
    }

    private static func rows(
        of database: Database, name: String, teacher: String?
    ) throws -> [LedgerEntry] {
        // The first version has no such column.
        let label = try RankFiles.version(of: database) > 1 ? "label" : "NULL"
        let cursor = try Row.fetchCursor(
            database,
            sql: """
                SELECT key, record_id, teacher, request_sha, label_probabilities,
                    choice_probabilities, text, confidence_method, finish_reason, prompt_tokens,
                    completion_tokens, price_micro, latency_us, created_at, \(label)
                FROM labels WHERE ?1 IS NULL OR teacher = ?1 ORDER BY number
                """, arguments: [teacher])
        var entries: [LedgerEntry] = []
        while let row = try cursor.next() {
            entries.append(try entry(row, name: name))
        }
        return entries
    }

    private static func entry(_ row: Row, name: String) throws -> LedgerEntry {
        func damaged(_ what: String) -> TeacherError {
            LedgerTrouble.damaged(name, "row \(row[0] as String? ?? "?"): \(what)")
        }
        guard let key = (row[0] as String?).flatMap(LabelKey.init(hexadecimal:)) else {
            throw damaged("its key isn't a SHA-256")
        }
        guard let id = row[1] as String?, let teacher = row[2] as String?,
            let digest = row[3] as String?
        else { throw damaged("it lacks record_id, teacher or request_sha") }
        var answer = LabelRecord(
            id: id, label: row[14], text: row[6], confidenceMethod: row[7], finishReason: row[8])
        do throws(CorpusError) {
            answer.labelProbabilities = try (row[4] as String?).map(JSONText.numbers(inObject:))
            answer.choiceProbabilities = try (row[5] as String?).map(JSONText.numbers(inArray:))
        } catch {
            throw damaged(error.message)
        }
        if let prompt = row[9] as Int?, let completion = row[10] as Int? {
            answer.usage = LabelRecord.Usage(promptTokens: prompt, completionTokens: completion)
        }
        return LedgerEntry(
            key: key, teacher: teacher, requestDigest: digest, answer: answer,
            priceMicro: row[11] as Int64? ?? 0, latencyMicroseconds: row[12],
            createdAtMicroseconds: row[13] as Int64? ?? 0)
    }
}
