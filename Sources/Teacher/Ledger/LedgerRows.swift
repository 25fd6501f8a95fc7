// Entries to rows. Statements are prepared once a connection.

import Corpus
import GRDB

enum LedgerRows {
    static func insert(_ entry: LedgerEntry, into database: Database) throws {
        let answer = entry.answer
        let choices = answer.choiceProbabilities.map {
            "[\($0.map(JSONText.number).joined(separator: ","))]"
        }
        try database.cachedStatement(
            sql: """
                INSERT INTO labels (key, record_id, teacher, request_sha, label_probabilities,
                    choice_probabilities, text, confidence_method, finish_reason, prompt_tokens,
                    completion_tokens, price_micro, latency_us, created_at, label)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.key.description, answer.id, entry.teacher, entry.requestDigest,
            answer.labelProbabilities.map(JSONText.object), choices, answer.text,
            answer.confidenceMethod, answer.finishReason, answer.usage?.promptTokens,
            answer.usage?.completionTokens, entry.priceMicro, entry.latencyMicroseconds,
            entry.createdAtMicroseconds, answer.label,
        ])
    }

    static func insert(_ entry: ResponseEntry, into database: Database) throws {
        let response = entry.response
        try database.cachedStatement(
            sql: """
                INSERT INTO responses (key, record_id, teacher, server, finish_reason,
                    prompt_tokens, completion_tokens, charged_tokens, price_micro, latency_us,
                    created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            entry.key.description, entry.recordID, entry.teacher, response.server,
            response.finishReason, response.usage?.promptTokens,
            response.usage?.completionTokens, entry.chargedTokens, entry.priceMicro,
            response.latencyMicroseconds, entry.createdAtMicroseconds,
        ])
        try database.cachedStatement(sql: "INSERT INTO bodies (number, body) VALUES (?, ?)")
            .execute(arguments: [
                database.lastInsertedRowID, String(decoding: response.body, as: UTF8.self),
            ])
    }

    static func insert(_ entry: FailureEntry, into database: Database) throws {
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

    static func insert(_ entry: LossEntry, into database: Database) throws {
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
}
