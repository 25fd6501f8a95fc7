// Entries to rows. Statements are prepared once a connection.

import Corpus
import GRDB

/// Inserts rows within one transaction.
struct LedgerRows {
    private let database: Database
    private var labels: LedgerStatement
    private var responses: LedgerStatement
    private var bodies: LedgerStatement
    private var digits: [UInt8] = []

    init(_ database: Database) throws {
        self.database = database
        labels = try LedgerStatement(
            """
            INSERT INTO labels (key, record_id, teacher, request_sha, label_probabilities,
                choice_probabilities, text, confidence_method, finish_reason, prompt_tokens,
                completion_tokens, price_micro, latency_us, created_at, label)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, on: database)
        responses = try LedgerStatement(
            """
            INSERT INTO responses (key, record_id, teacher, server, finish_reason,
                prompt_tokens, completion_tokens, charged_tokens, price_micro, latency_us,
                created_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, on: database)
        bodies = try LedgerStatement(
            "INSERT INTO bodies (number, body) VALUES (?, ?)", on: database)
    }

    mutating func insert(_ entry: LedgerEntry) throws {
        let answer = entry.answer
        labels.bind(ascii: hexadecimal(entry.key))
        labels.bind(answer.id)
        labels.bind(entry.teacher)
        labels.bind(entry.requestDigest)
        labels.bind(answer.labelProbabilities.map(JSONText.object))
        labels.bind(
            answer.choiceProbabilities.map {
                "[\($0.map(JSONText.number).joined(separator: ","))]"
            })
        labels.bind(answer.text)
        labels.bind(answer.confidenceMethod)
        labels.bind(answer.finishReason)
        labels.bind(answer.usage.map { Int64($0.promptTokens) })
        labels.bind(answer.usage.map { Int64($0.completionTokens) })
        labels.bind(entry.priceMicro)
        labels.bind(entry.latencyMicroseconds)
        labels.bind(entry.createdAtMicroseconds)
        labels.bind(answer.label)
        try labels.run()
    }

    mutating func insert(_ entry: ResponseEntry) throws {
        let response = entry.response
        responses.bind(ascii: hexadecimal(entry.key))
        responses.bind(entry.recordID)
        responses.bind(entry.teacher)
        responses.bind(response.server)
        responses.bind(response.finishReason)
        responses.bind(response.usage.map { Int64($0.promptTokens) })
        responses.bind(response.usage.map { Int64($0.completionTokens) })
        responses.bind(entry.chargedTokens)
        responses.bind(entry.priceMicro)
        responses.bind(response.latencyMicroseconds)
        responses.bind(entry.createdAtMicroseconds)
        try responses.run()
        bodies.bind(database.lastInsertedRowID)
        // What isn't UTF-8 is mended here: SQLite takes anything, and its readers don't.
        bodies.bind(String(decoding: response.body, as: UTF8.self))
        try bodies.run()
    }

    func insert(_ entry: FailureEntry) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO failures (key, record_id, teacher, kind, reason, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.key.description, entry.recordID, entry.teacher, entry.failure.kind.rawValue,
            entry.failure.reason, entry.createdAtMicroseconds,
        ])
    }

    func insert(_ entry: LossEntry) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO losses (key, teacher, charged_tokens, price_micro, reason, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.attempt.key.description, entry.teacher, entry.attempt.reservedTokens,
            entry.attempt.reservedMicro, entry.reason, entry.createdAtMicroseconds,
        ])
    }

    private mutating func hexadecimal(_ key: LabelKey) -> [UInt8] {
        digits.removeAll(keepingCapacity: true)
        key.appendHexadecimal(to: &digits)
        return digits
    }
}
