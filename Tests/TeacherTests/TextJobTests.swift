// Texts over several ranks: of servers by real connections, and of a decoder in this process.

import Collectives
import Corpus
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Teacher

@Suite struct TextJobTests {
    private static func requests(_ count: Int) -> [TextRequest] {
        (0..<count).map {
            TextRequest(
                id: "q\($0)", messages: [.init(.system, "Be kind."), .init(.user, "say \($0)")],
                sampling: .init(temperature: 0.7, seed: 3), maximumTokens: 12)
        }
    }

    /// Says the question back; `say 3` is cut, `say 5` refused, `say 7` filtered.
    private static func answer(_ question: ServiceTestServer.Question) -> ServiceTestServer.Reply {
        let words = String(decoding: question.body, as: UTF8.self)
        let said = words.firstMatch(of: /say (\d+)/)?.1 ?? ""
        guard said != "5" else { return .status(400, body: "too long") }
        let finish = said == "3" ? "length" : said == "7" ? "content_filter" : "stop"
        var reply = ServiceTestServer.Reply()
        reply.body = """
            {"choices":[{"message":{"content":"said \(said)"},"finish_reason":"\(finish)"}],\
            "usage":{"prompt_tokens":20,"completion_tokens":2}}
            """
        return reply
    }

    private struct Asked: Sendable {
        let summary: LabellingSummary
        let answers: [TextAnswer?]
    }

    private func ask(
        _ requests: [TextRequest], _ world: LocalWorld, url: String, ranks: Int,
        budget: TeacherBudget = TeacherBudget()
    ) async throws -> Asked {
        try await world.run(ranks: ranks) { communicator in
            var options = ServiceOptions(baseURLs: [url])
            options.giveUpSeconds = 0.3
            let job = TextJob(
                writer: TextRequestWriter(teacher: "t", model: "m"), options: options,
                budget: budget, rate: TeacherRate(maxInFlight: 8), folder: world.labels, seed: 1,
                leaseSize: 4, communicator: communicator, isStopRequested: { false })
            let known = try TextLedger(folder: world.labels, teacher: "t")
            let missing = try requests.filter {
                try known.answer(to: job.writer.request($0).key, failures: .lasting) == nil
            }
            try communicator.barrier()
            let summary = try job.ask(missing) { _ in { _ in } }
            let after = try TextLedger(folder: world.labels, teacher: "t")
            let answers = try requests.map {
                try after.answer(to: job.writer.request($0).key, failures: .all)
            }
            return Asked(summary: summary, answers: answers)
        }[0]
    }

    @Test(arguments: [1, 3]) func serversGiveTexts(ranks: Int) async throws {
        let world = try LocalWorld()
        let server = try ServiceTestServer { Self.answer($0) }
        defer { server.close() }
        let requests = Self.requests(30)
        let asked = try await ask(requests, world, url: server.url, ranks: ranks)
        #expect(asked.summary.counts.labelled == 29)
        for (index, answer) in asked.answers.enumerated() {
            switch index {
            case 3: #expect(answer == .cut("said 3"))
            case 5, 7: #expect(answer?.words == nil)
            default: #expect(answer == .text("said \(index)", finishReason: "stop"))
            }
        }
        let arrivals = server.seen.arrivals.count
        let again = try await ask(requests, world, url: server.url, ranks: 2)
        #expect(again.answers == asked.answers)
        #expect(server.seen.arrivals.count == arrivals)
        // Another attempt at the same words is another request.
        let other = try await ask([requests[0].repeated(2)[1]], world, url: server.url, ranks: 1)
        #expect(other.answers == [.text("said 0", finishReason: "stop")])
        #expect(server.seen.arrivals.count == arrivals + 1)
        // The ledgers serve another run, whatever model and server it has.
        let recorded = try RecordedTexts(path: world.labels)
        #expect(try recorded.answer(to: requests[4]) == .text("said 4", finishReason: "stop"))
        #expect(throws: TeacherError.self) { try recorded.answer(to: requests[0].repeated(3)[2]) }
    }

    @Test func theCapEndsItAndAHigherOneGoesOn() async throws {
        let world = try LocalWorld()
        let server = try ServiceTestServer { Self.answer($0) }
        defer { server.close() }
        let requests = Self.requests(20).filter { $0.id != "q5" }
        let some = try await ask(
            requests, world, url: server.url, ranks: 2, budget: TeacherBudget(requests: 6))
        #expect(some.summary.isOverBudget)
        #expect(some.answers.count { $0 != nil } == 6)
        let all = try await ask(requests, world, url: server.url, ranks: 3)
        #expect(all.answers.allSatisfy { $0 != nil })
        #expect(server.seen.arrivals.count == 19)
    }

    @Test func aFileOfTextsIsARecordedTeacher() throws {
        let folder = try TestSupport.TemporaryFolder()
        try folder.write(
            "answers.jsonl",
            """
            {"id":"q0","text":"first","finish_reason":"stop"}
            {"id":"q0#1","text":"second","finish_reason":"length"}
            {"id":"other","label":"cat"}

            """)
        let texts = try RecordedTexts(path: folder.file("answers.jsonl"))
        let request = Self.requests(1)[0]
        #expect(try texts.answer(to: request) == .text("first", finishReason: "stop"))
        #expect(try texts.answer(to: request.repeated(2)[1]) == .cut("second"))
        #expect(throws: TeacherError.self) { try texts.answer(to: Self.requests(2)[1]) }
    }

    /// The same texts at any rank count, and every text once.
    @Test(arguments: [false, true]) func aLocalModelGivesTheSameTexts(isChat: Bool) async throws {
        var found: [[TextAnswer?]] = []
        let requests =
            Self.requests(21)
            + [
                TextRequest(
                    id: "long", messages: [.init(.user, String(repeating: "x", count: 400))])
            ]
        for ranks in [1, 2, 3] {
            let world = try LocalWorld(isChat: isChat)
            let answers = try await world.run(ranks: ranks) { communicator in
                let job = LocalTextJob(
                    try world.model(), folder: world.labels, communicator: communicator,
                    isStopRequested: { false })
                #expect(try job.ask(requests) { _ in })
                let ledger = try TextLedger(folder: world.labels, teacher: job.model.identity)
                return try requests.map {
                    try ledger.answer(to: job.key(of: $0), failures: .all)
                }
            }
            #expect(answers.allSatisfy { $0 == answers[0] })
            found.append(answers[0])
            #expect(try LedgerTotals(folder: world.labels).responses == 21)
        }
        #expect(found[0] == found[1] && found[1] == found[2])
        #expect(Set(found[0]).count > 15)
        #expect(found[0][21]?.words == nil)
    }
}
