// Labelling over several ranks and real connections: each record once, nothing asked twice.

import Corpus
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Teacher

@Suite struct LabellingJobTests {
    private static func texts(_ count: Int) -> [String] {
        (0..<count).map { "text \($0) of \($0 % 3 == 0 ? "a dog" : "a cat")" }
    }

    @Test(arguments: [1, 3]) func everyRecordGetsItsLabel(ranks: Int) async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { LabellingWorld.answer($0) }
        defer { server.close() }
        let world = LabellingWorld(
            Self.texts(120), urls: Array(repeating: server.url, count: ranks), folder: folder.path)
        let summary = try await world.label()
        #expect(summary.counts.labelled == 120)
        #expect((summary.rows, summary.cached, summary.rounds) == (120, 0, 1))
        let labels = try world.labels()
        #expect(labels.count == 120)
        for record in world.records {
            let isDog = record.text.contains("a dog")
            let answer = try #require(labels[record.id])
            let dog = try #require(answer.labelProbabilities?["dog"])
            #expect(abs(dog - (isDog ? 0.8 : 0.2)) < 1e-6)
            #expect(answer.confidenceMethod == "label_logprob")
        }
        let totals = try LedgerTotals(folder: folder.path)
        #expect(totals.responses == 120)
        #expect((totals.promptTokens, totals.completionTokens) == (2400, 120))
        #expect(server.seen.answeredWell == 120)
        // Again, on another number of ranks: nothing is asked.
        var again = world
        again.urls = [server.url, server.url]
        #expect(try await again.label().cached == 120)
        #expect(server.seen.arrivals.count == 120)
    }

    @Test func rowsThatAskTheSameAreAskedOnce() async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { LabellingWorld.answer($0) }
        defer { server.close() }
        var texts = Self.texts(30)
        for index in stride(from: 0, to: 30, by: 2) { texts[index] = "always a dog" }
        let world = LabellingWorld(
            texts, urls: [server.url, server.url], folder: folder.path)
        let summary = try await world.label()
        #expect(summary.counts.labelled == 30)
        #expect(summary.rounds == 2)
        #expect(try world.labels().count == 30)
        #expect(server.seen.arrivals.count == 16)
    }

    @Test func rowsThatShowTheirIDsAreAskedAtOnce() async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { LabellingWorld.answer($0) }
        defer { server.close() }
        var world = LabellingWorld(
            Array(repeating: "a dog", count: 20), urls: [server.url, server.url],
            folder: folder.path)
        world.options.prompts = [.init(user: "{{id}}: {{text}}")]
        let summary = try await world.label()
        #expect((summary.counts.labelled, summary.rounds) == (20, 1))
        #expect(server.seen.arrivals.count == 20)
    }

    @Test func anotherParserReadsTheSameAnswersAgain() async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { LabellingWorld.answer($0) }
        defer { server.close() }
        var world = LabellingWorld(Self.texts(20), urls: [server.url], folder: folder.path)
        try await world.label()
        world.options.minimumLabelMass = 0.9
        let summary = try await world.label()
        #expect((summary.cached, summary.counts.labelled) == (0, 20))
        #expect(server.seen.arrivals.count == 20)
        #expect(try world.labels().count == 20)
    }

    @Test func aRankWithoutAServerLeavesItsRecordsToTheOthers() async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { LabellingWorld.answer($0) }
        defer { server.close() }
        let world = LabellingWorld(
            Self.texts(60), urls: ["http://127.0.0.1:1/v1", server.url], folder: folder.path)
        let summary = try await world.label()
        #expect(summary.counts.labelled == 60)
        #expect(try world.labels().count == 60)
        #expect(server.seen.arrivals.count == 60)
    }

    @Test func withoutAnyServerTheJobEndsAndKeepsEverything() async throws {
        let folder = try TemporaryFolder()
        let world = LabellingWorld(
            Self.texts(8), urls: ["http://127.0.0.1:1/v1"], folder: folder.path)
        await #expect {
            try await world.label()
        } throws: { error in
            "\(error)".contains("the same command goes on")
        }
        let server = try ServiceTestServer { LabellingWorld.answer($0) }
        defer { server.close() }
        var alive = world
        alive.urls = [server.url]
        #expect(try await alive.label().counts.labelled == 8)
    }

    @Test func theCapEndsTheJobAndAHigherOneGoesOn() async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { question in
            var reply = LabellingWorld.answer(question)
            reply.delayMilliseconds = Int64(question.number * 7 % 20)
            return reply
        }
        defer { server.close() }
        var world = LabellingWorld(
            Self.texts(50), urls: [server.url, server.url], folder: folder.path)
        world.budget.requests = 23
        let summary = try await world.label()
        #expect(summary.isOverBudget)
        #expect(summary.counts.labelled == 23)
        #expect(server.seen.arrivals.count == 23)
        world.budget.requests = 50
        world.urls = [server.url]
        let rest = try await world.label()
        #expect((rest.isOverBudget, rest.counts.labelled, rest.cached) == (false, 27, 23))
        #expect(server.seen.arrivals.count == 50)
    }

    @Test func refusedRecordsAreQuarantined() async throws {
        let folder = try TemporaryFolder()
        let isMended = Mutex(false)
        let server = try ServiceTestServer { question in
            let isLong = String(decoding: question.body, as: UTF8.self).contains("text 7 ")
            guard isLong, !isMended.withLock({ $0 }) else { return LabellingWorld.answer(question) }
            return .status(400, body: #"{"error":{"message":"context too long"}}"#)
        }
        defer { server.close() }
        var world = LabellingWorld(Self.texts(12), urls: [server.url], folder: folder.path)
        let summary = try await world.label()
        #expect((summary.counts.labelled, summary.counts.failed) == (11, 1))
        let totals = try LedgerTotals(folder: folder.path)
        #expect(totals.failures.map(\.kind) == ["refused"])
        #expect(totals.failures[0].example.contains("context too long"))
        #expect(try await world.label().cached == 12)
        isMended.withLock { $0 = true }
        world.countsFailures = false
        #expect(try await world.label().counts.labelled == 1)
        #expect(try world.labels().count == 12)
    }

    @Test func aRequestToStopEndsTheJobBetweenRecords() async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { question in
            var reply = LabellingWorld.answer(question)
            reply.delayMilliseconds = 100
            return reply
        }
        defer { server.close() }
        var world = LabellingWorld(Self.texts(400), urls: [server.url], folder: folder.path)
        world.stopsAt = 1
        let summary = try await world.label()
        #expect(summary.wasStopped)
        #expect(summary.counts.labelled < 400)
        // What was in flight was waited for: nothing is asked twice.
        world.stopsAt = nil
        try await world.label()
        #expect(server.seen.arrivals.count == 400)
        #expect(try world.labels().count == 400)
    }

    /// One record on which the server always fails doesn't hold the others up, and isn't asked for ever.
    @Test func aRecordOnWhichServersFailIsQuarantined() async throws {
        let folder = try TemporaryFolder()
        let server = try ServiceTestServer { question in
            let isPoison = String(decoding: question.body, as: UTF8.self).contains("text 3 ")
            return isPoison ? .status(500, body: "out of memory") : LabellingWorld.answer(question)
        }
        defer { server.close() }
        var world = LabellingWorld(Self.texts(9), urls: [server.url], folder: folder.path)
        world.maxRetries = 1
        let summary = try await world.label()
        #expect((summary.counts.labelled, summary.counts.failed) == (8, 1))
        #expect(try LedgerTotals(folder: folder.path).failures.map(\.kind) == ["unanswered"])
        // Another call tries it again: another day may be better.
        let again = try await world.label()
        #expect((again.cached, again.counts.failed) == (8, 1))
    }
}
