// What a folder of ledgers adds up to: the budget goes on from there, and reports say it.

import Corpus
import GRDB

/// Sums over all ranks' ledgers.
public struct LedgerTotals: Sendable, Equatable {
    /// Answers of servers.
    public var responses: Int64 = 0
    /// Attempts whose answer never arrived whole.
    public var losses: Int64 = 0
    /// Of these, the ones that were under way when a process was killed.
    public var killed: Int64 = 0
    /// Tokens sent, as the servers say.
    public var promptTokens: Int64 = 0
    /// Tokens that came back, as the servers say.
    public var completionTokens: Int64 = 0
    /// Tokens that count against the budget: usage where it is known, reservations where not.
    public var chargedTokens: Int64 = 0
    /// Time that the answers took, added up, in microseconds.
    public var latencyMicroseconds: Int64 = 0
    /// Money that counts against the budget, in millionths of the currency.
    public var priceMicro: Int64 = 0
    /// Records without a label, by kind of failure and teacher's identity, sorted.
    public var failures: [Failures] = []

    /// How many records failed in one way.
    public struct Failures: Sendable, Equatable {
        /// Who was to label them.
        public let teacher: String
        /// How it went wrong.
        public let kind: String
        /// How many.
        public let count: Int64
        /// The first one's reason.
        public let example: String
    }

    /// Requests that count against the budget.
    public var chargedRequests: Int64 { responses + losses }

    /// Sums of nothing.
    public init() {}

    /// Adds up every ledger of a folder; one that isn't there adds nothing.
    public init(folder: String) throws(TeacherError) {
        for path in try RankFiles.labels.paths(in: folder) {
            try LedgerFileReader.reading(path) { database in
                guard try RankFiles.version(of: database) > 1 else { return }
                try self.add(database)
            }
        }
        failures.sort { ($0.teacher, $0.kind) < ($1.teacher, $1.kind) }
    }

    /// Adds up what some requests have cost, and the attempts at them that were lost.
    public init(folder: String, of keys: Set<LabelKey>) throws(TeacherError) {
        for path in try RankFiles.labels.paths(in: folder) {
            try LedgerFileReader.reading(path) { database in
                guard try RankFiles.version(of: database) > 1 else { return }
                try self.add(database, of: keys)
            }
        }
    }

    private mutating func add(_ database: Database, of keys: Set<LabelKey>) throws {
        func isAsked(_ row: Row) -> Bool {
            (row[0] as String?).flatMap(LabelKey.init(hexadecimal:)).map(keys.contains) ?? false
        }
        let answers = try Row.fetchCursor(
            database,
            sql: """
                SELECT key, prompt_tokens, completion_tokens, charged_tokens, price_micro, latency_us
                FROM responses
                """)
        while let row = try answers.next() {
            guard isAsked(row) else { continue }
            responses += 1
            promptTokens += row[1] as Int64? ?? 0
            completionTokens += row[2] as Int64? ?? 0
            chargedTokens += row[3] as Int64? ?? 0
            priceMicro += row[4] as Int64? ?? 0
            latencyMicroseconds += row[5] as Int64? ?? 0
        }
        let lost = try Row.fetchCursor(
            database, sql: "SELECT key, charged_tokens, price_micro, reason FROM losses")
        while let row = try lost.next() {
            guard isAsked(row) else { continue }
            losses += 1
            chargedTokens += row[1] as Int64? ?? 0
            priceMicro += row[2] as Int64? ?? 0
            killed += row[3] as String? == LabelLedger.killedReason ? 1 : 0
        }
    }

    private mutating func add(_ database: Database) throws {
        if let row = try Row.fetchOne(
            database,
            sql: """
                SELECT count(*), sum(prompt_tokens), sum(completion_tokens), sum(charged_tokens),
                    sum(price_micro), sum(latency_us) FROM responses
                """)
        {
            responses += row[0] as Int64? ?? 0
            promptTokens += row[1] as Int64? ?? 0
            completionTokens += row[2] as Int64? ?? 0
            chargedTokens += row[3] as Int64? ?? 0
            priceMicro += row[4] as Int64? ?? 0
            latencyMicroseconds += row[5] as Int64? ?? 0
        }
        if let row = try Row.fetchOne(
            database,
            sql: """
                SELECT count(*), sum(charged_tokens), sum(price_micro), sum(reason = ?) FROM losses
                """, arguments: [LabelLedger.killedReason])
        {
            losses += row[0] as Int64? ?? 0
            chargedTokens += row[1] as Int64? ?? 0
            priceMicro += row[2] as Int64? ?? 0
            killed += row[3] as Int64? ?? 0
        }
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT teacher, kind, count(DISTINCT key), reason FROM failures
                WHERE key NOT IN (SELECT key FROM labels) GROUP BY teacher, kind
                """)
        for row in rows {
            add(
                Failures(
                    teacher: row[0] as String? ?? "", kind: row[1] as String? ?? "",
                    count: row[2] as Int64? ?? 0, example: row[3] as String? ?? ""))
        }
    }

    private mutating func add(_ more: Failures) {
        guard
            let index = failures.firstIndex(where: {
                $0.teacher == more.teacher && $0.kind == more.kind
            })
        else { return failures.append(more) }
        let known = failures[index]
        failures[index] = Failures(
            teacher: known.teacher, kind: known.kind, count: known.count + more.count,
            example: known.example)
    }
}
