// Ledgers of the first version: read as they are, brought to this version by their writer.

import Corpus
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Teacher

@Suite struct LedgerMigrationTests {
    /// A file as the first version wrote it, with one row.
    private func makeFirstVersion(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            try database.execute(sql: LedgerSchema.steps[0])
            try database.execute(sql: "PRAGMA user_version = 1")
            let key = LabelKey(teacher: "old", request: Array("text".utf8))
            try database.execute(
                sql: """
                    INSERT INTO labels (key, record_id, teacher, request_sha, label_probabilities,
                        confidence_method, price_micro, created_at)
                    VALUES (?, 'r1', 'old', 'sha', '{"a":0.25,"b":0.75}', 'vote_share', 3, 7)
                    """, arguments: [key.description])
        }
        try queue.close()
    }

    private func check(_ folder: String) throws {
        let contents = try LedgerContents(folder: folder)
        let entry = try #require(contents.entries.first)
        #expect(contents.entries.count == 1)
        #expect(entry.answer.labelProbabilities == ["a": 0.25, "b": 0.75])
        #expect(entry.answer.label == nil)
        #expect(entry.priceMicro == 3)
    }

    @Test func theFirstVersionIsReadAsItIs() throws {
        let folder = try TemporaryFolder()
        try makeFirstVersion(folder.file("rank-00000.sqlite"))
        try check(folder.path)
        #expect(try LedgerTotals(folder: folder.path) == LedgerTotals())
        #expect(try ResponseIndex(folder: folder.path, teacher: "old").count == 0)
        let known = try KeySet(
            labelsIn: folder.path, teacher: "old", countingFailures: true)
        #expect(known.count == 1)
    }

    @Test func aWriterBringsItToThisVersion() throws {
        let folder = try TemporaryFolder()
        try makeFirstVersion(folder.file("rank-00000.sqlite"))
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        try check(folder.path)
        try ledger.commit([
            LedgerEntry(
                teacher: "new", request: [1],
                answer: LabelRecord(id: "r2", label: "b", confidenceMethod: "label_logprob"))
        ])
        let added = try LedgerContents(folder: folder.path, teacher: "new").entries
        #expect(added.map(\.answer.label) == ["b"])
    }

    /// The shell's view of the answers.
    @Test func answersAreReadableWithoutUs() throws {
        let folder = try TemporaryFolder()
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        let body = #"{"choices":[{"message":{"content":"it's a cat"}}],"usage":{}}"#
        try ledger.commit(
            LedgerBatch(responses: [
                ResponseEntry(
                    key: LabelKey(teacher: "t", request: [1]), recordID: "r1", teacher: "t",
                    response: TeacherResponse(
                        body: Array(body.utf8), usage: nil, finishReason: "stop",
                        server: "http://one/v1", latencyMicroseconds: 5),
                    chargedTokens: 40, priceMicro: 9)
            ]))
        let queue = try DatabaseQueue(path: ledger.path)
        let row = try #require(
            try queue.read {
                try Row.fetchOne($0, sql: "SELECT record_id, content, body FROM answers")
            })
        #expect(row[0] == "r1")
        #expect(row[1] == "it's a cat")
        #expect(row[2] == body)
    }
}
