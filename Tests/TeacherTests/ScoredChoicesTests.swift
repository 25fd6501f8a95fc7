// Scores of choices: read out of servers' answers, asked for over real connections, and of a decoder in this
// process.

import Collectives
import Corpus
import Foundation
import TestSupport
import Testing

@testable import Teacher

@Suite struct ScoredChoicesTests {
    private static func body(_ drawn: String, _ tops: [(String, Double)]) -> [UInt8] {
        let entries = tops.map { "{\"token\":\"\($0.0)\",\"logprob\":\(log($0.1))}" }
        let own = tops.first { $0.0 == drawn }?.1 ?? 0.01
        return Array(
            """
            {"choices":[{"message":{"content":"\(drawn)"},"finish_reason":"length","logprobs":\
            {"content":[{"token":"\(drawn)","logprob":\(log(own)),\
            "top_logprobs":[\(entries.joined(separator: ","))]}]}}]}
            """.utf8)
    }

    private func scores(_ body: [UInt8], _ count: Int = 3) -> [Double?]? {
        guard case .known(let scores) = ScoredChoices(body: body, .letters(count)) else {
            return nil
        }
        return scores
    }

    @Test func aLetterHasAllItsSpellings() throws {
        let found = try #require(
            scores(Self.body("B", [("B", 0.5), (" B", 0.1), ("b", 0.05), ("A", 0.2), ("E", 0.1)])))
        for (score, wanted) in zip(found, [0.2, 0.65, nil] as [Double?]) {
            #expect(abs((score.map { exp($0) } ?? -1) - (wanted ?? -1)) < 1e-12)
        }
    }

    /// What was drawn doesn't matter, only what could have been.
    @Test func wordsAreNoLetters() throws {
        let found = try #require(
            scores(Self.body("The", [("The", 0.6), ("A", 0.3), ("Bat", 0.05), ("C", 0.01)])))
        #expect(found[1] == nil && abs(exp(found[0] ?? 0) - 0.3) < 1e-12)
        #expect(abs(exp(found[2] ?? 0) - 0.01) < 1e-12)
    }

    @Test func whatCannotBeReadIsNamed() {
        #expect(scores(Self.body("The", [("The", 0.9), ("I", 0.05)])) == nil)
        #expect(scores(Array("{\"choices\":[{\"message\":{\"content\":\"A\"}}]}".utf8)) == nil)
        #expect(scores(Array("{".utf8)) == nil)
        // More than there is.
        #expect(scores(Self.body("A", [("A", 0.9), ("B", 0.9)])) == nil)
    }

    private static func requests(_ count: Int) -> [TextRequest] {
        (0..<count).map {
            TextRequest(
                id: "i\($0)", messages: [.init(.user, "Question \($0)? Answer:")],
                scoring: .letters(3))
        }
    }

    @Test func serversAreAskedForAlternatives() async throws {
        let world = try LocalWorld()
        let server = try ServiceTestServer { question in
            let words = String(decoding: question.body, as: UTF8.self)
            var reply = ServiceTestServer.Reply()
            let asks =
                words.contains("\"logprobs\":true,\"top_logprobs\":7")
                && words.contains("\"max_tokens\":1,")
            let share = Double(words.firstMatch(of: /Question (\d)/)?.1 ?? "") ?? 0
            reply.body = String(
                decoding: Self.body("A", [("A", asks ? 0.1 + share / 20 : 1), ("B", 0.3)]),
                as: UTF8.self)
            return reply
        }
        defer { server.close() }
        let requests = Self.requests(9)
        let url = server.url
        let found = try await world.run(ranks: 2) { communicator in
            let job = TextJob(
                writer: TextRequestWriter(teacher: "t", model: "m", topLogprobs: 7),
                options: ServiceOptions(baseURLs: [url]), budget: TeacherBudget(),
                rate: TeacherRate(maxInFlight: 4), folder: world.labels, seed: 1, leaseSize: 2,
                communicator: communicator, isStopRequested: { false })
            _ = try job.ask(requests) { _ in { _ in } }
            let ledger = try TextLedger(folder: world.labels, teacher: "t")
            return try requests.map {
                try ledger.scores(
                    to: job.writer.request($0).key, .letters(3), failures: .all)
            }
        }[0]
        for (index, scores) in found.enumerated() {
            guard case .known(let values)? = scores else {
                Issue.record("request \(index): \(String(describing: scores))")
                continue
            }
            #expect(abs(exp(values[0] ?? 0) - (0.1 + Double(index) / 20)) < 1e-12)
            #expect(values[2] == nil)
        }
        // Another run is served from the ledgers, by the same words.
        let recorded = try RecordedTexts(path: world.labels)
        #expect(try recorded.scores(to: requests[4]) == found[4])
        var other = requests[4]
        other.scored = .letters(4)
        #expect(throws: TeacherError.self) { try recorded.scores(to: other) }
        // What some requests have cost.
        let writer = TextRequestWriter(teacher: "t", model: "m", topLogprobs: 7)
        let keys = try requests[..<4].map { try writer.request($0).key }
        #expect(try LedgerTotals(folder: world.labels, of: Set(keys)).responses == 4)
    }

    /// A decoder's scores are the model's own, whatever else is scored beside them, on any ranks.
    @Test(arguments: [false, true]) func aLocalModelScores(isChat: Bool) async throws {
        let texts = ["cat", "the cat", "dog bird", "a"]
        let requests =
            Self.requests(5)
            + (0..<5).map {
                TextRequest(
                    id: "t\($0)", messages: [.init(.user, "word \($0) says")],
                    scoring: .texts(texts))
            }
        var all: [[ScoredChoices?]] = []
        for ranks in [1, 3] {
            let world = try LocalWorld(isChat: isChat)
            let found = try await world.run(ranks: ranks) { communicator in
                let job = LocalTextJob(
                    try world.model(), folder: world.labels, communicator: communicator,
                    isStopRequested: { false })
                #expect(try job.ask(requests) { _ in })
                let ledger = try TextLedger(folder: world.labels, teacher: job.model.identity)
                return try requests.map {
                    try ledger.scores(
                        to: job.key(of: $0), $0.scored ?? .letters(1), failures: .all)
                }
            }
            #expect(found.allSatisfy { $0 == found[0] })
            all.append(found[0])
            guard ranks == 1 else { continue }
            let model = try world.model()
            for (request, found) in zip(requests, found[0]) {
                guard case .known(let values)? = found else {
                    Issue.record("\(request.id): \(String(describing: found))")
                    continue
                }
                let answers = request.scored == .letters(3) ? ["A", "B", "C"] : texts
                let question = try model.question(
                    request.messages.map(Turn.init), labels: answers)
                let sums = try model.scores(of: [question])[0]
                for (index, sum) in sums.enumerated() {
                    let count = answers.count == 3 ? 1 : question.continuations[index].count
                    let wanted = sum / Double(count)
                    #expect(abs((values[index] ?? 9) - wanted) < 1e-9 * abs(wanted))
                }
            }
        }
        #expect(all[0] == all[1])
    }
}
