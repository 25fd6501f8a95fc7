// Requests against a server that fails in every way: what is sent again, what isn't, and what is noted.

import Corpus
import NIOHTTP1
import Testing

@testable import Teacher

@Suite(.timeLimit(.minutes(3))) struct ServiceExchangeTests {
    typealias World = ServiceTestWorld
    typealias Reply = ServiceTestServer.Reply

    /// One request against a script; the outcome, the journal, and what the server saw.
    private func outcome(
        options change: (inout ServiceOptions) -> Void = { _ in },
        _ script: @escaping @Sendable (ServiceTestServer.Question) -> Reply
    ) async throws -> (RequestOutcome, MemoryJournal.Entries, ServiceTestServer.Log) {
        let server = try ServiceTestServer(script)
        defer { server.close() }
        var options = ServiceOptions(baseURLs: [server.url + "/"])
        options.timeout = 20
        change(&options)
        let journal = MemoryJournal()
        let outcome = try await World.withService(options, journal: journal) {
            await World.ask($0, 1)
        }
        return (outcome, journal.entries, server.seen)
    }

    @Test func aWholeAnswer() async throws {
        let key = try APIKey("secret-key-1234")
        let (outcome, journal, seen) = try await outcome(options: { $0.apiKey = key }) { _ in
            Reply()
        }
        guard case .answered(let response, let attempt) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(response.body == Array(ServiceTestServer.goodBody().utf8))
        #expect(response.usage?.promptTokens == 3 && response.finishReason == "stop")
        #expect(response.server.hasSuffix("/v1") && response.latencyMicroseconds > 0)
        #expect(attempt.reservedTokens == 20)
        #expect(journal.sent == [attempt] && journal.lost.isEmpty && journal.released == 0)
        #expect(seen.uris == ["/v1/chat/completions"])
        #expect(seen.headers[0].first(name: "authorization") == "Bearer secret-key-1234")
        #expect(seen.headers[0].first(name: "user-agent") == "retort")
        #expect(seen.headers[0].first(name: "content-type") == "application/json")
    }

    @Test func tooManyRequestsThenAnAnswer() async throws {
        let (outcome, journal, seen) = try await outcome { question in
            question.number == 0 ? .status(429, [("Retry-After", "1")]) : Reply()
        }
        #expect(outcome.isAnswered)
        #expect(seen.arrivals.count == 2)
        // The pause that the server asked for was kept.
        #expect(seen.arrivals[1] - seen.arrivals[0] >= .seconds(1))
        #expect(journal.sent.count == 2 && journal.released == 1 && journal.lost.isEmpty)
    }

    @Test func serverErrorsAreTriedAgainAndCostNothing() async throws {
        let (outcome, journal, seen) = try await outcome { question in
            question.number < 2 ? .status(500 + 3 * question.number) : Reply()
        }
        #expect(outcome.isAnswered && seen.arrivals.count == 3)
        #expect(journal.released == 2 && journal.lost.isEmpty)
    }

    @Test(arguments: [
        Reply(cutAfter: 10), Reply(hangsUp: true), Reply(body: "{\"choices\":[{\"mess"),
        Reply(body: "[1,2]"), Reply(body: "{\"choices\":[]}"), Reply(body: ""),
    ])
    func brokenAnswersAreLostAndTriedAgain(_ broken: Reply) async throws {
        let (outcome, journal, seen) = try await outcome { question in
            question.number == 0 ? broken : Reply()
        }
        #expect(outcome.isAnswered && seen.arrivals.count == 2)
        #expect(journal.sent.count == 2 && journal.lost.count == 1 && journal.released == 0)
    }

    @Test func aSlowAnswerTimesOutAndIsLost() async throws {
        let (outcome, journal, seen) = try await outcome(options: { $0.timeout = 0.5 }) {
            question in
            Reply(delayMilliseconds: question.number == 0 ? 5000 : 0)
        }
        #expect(outcome.isAnswered && seen.arrivals.count == 2)
        #expect(journal.lost.count == 1 && journal.lost[0].contains("0.5 s"))
    }

    @Test func enoughIsEnough() async throws {
        let (outcome, journal, seen) = try await outcome(options: { $0.maxRetries = 1 }) { _ in
            .status(500, body: #"{"error":{"message":"out of memory"}}"#)
        }
        #expect(outcome.words.contains("given up after 2 sendings"))
        #expect(outcome.words.contains("HTTP 500: out of memory"))
        #expect(seen.arrivals.count == 2 && journal.released == 2)
    }

    @Test func aBadRequestIsRefusedWithoutTheKey() async throws {
        let key = try APIKey("secret-key-1234")
        let long = String(repeating: "x", count: 1000)
        let (outcome, journal, seen) = try await outcome(options: { $0.apiKey = key }) { _ in
            .status(
                400, body: #"{"error":{"message":"bad secret-key-1234 and secret-k*** \#(long)"}}"#)
        }
        guard case .refused(let status, let reason) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(status == 400 && reason.contains("bad *** and ***"))
        #expect(!reason.contains("secret") && reason.count < 400)
        #expect(seen.arrivals.count == 1 && journal.released == 1)
    }

    @Test(arguments: [401, 402, 403, 404, 302])
    func whatEveryRequestWouldMeetEndsTheJob(_ status: Int) async throws {
        let key = try APIKey("secret-key-1234")
        let server = try ServiceTestServer { _ in
            .status(status, [("Location", "http://127.0.0.1:1/")], body: "no secret-key-1234")
        }
        defer { server.close() }
        let options = ServiceOptions(baseURLs: [server.url], apiKey: key)
        let outcomes = try await World.withService(options) { service in
            [await World.ask(service, 1), await World.ask(service, 2)]
        }
        for outcome in outcomes {
            guard case .failed(let error) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(error.code == .configuration && error.message.contains("HTTP \(status)"))
            #expect(!error.message.contains("secret-key"))
        }
        // The second one was not even sent.
        #expect(server.seen.arrivals.count == 1)
    }

    @Test func anAnswerWithoutBoundIsCutOff() async throws {
        let (outcome, journal, _) = try await outcome(options: { $0.maximumAnswerBytes = 1000 }) {
            _ in Reply(body: ServiceTestServer.goodBody(padding: 2000))
        }
        #expect(outcome.words.contains("longer than 1000 bytes") && journal.lost.count == 1)
    }

    @Test func aDeadPortIsUnreachableAndCostsNothing() async throws {
        let server = try ServiceTestServer { _ in Reply() }
        let url = server.url
        server.close()
        var options = ServiceOptions(baseURLs: [url])
        options.giveUpSeconds = 1.5
        let journal = MemoryJournal()
        let outcomes = try await World.withService(options, journal: journal) { service in
            await withTaskGroup { group in
                for number in 0..<20 { group.addTask { await World.ask(service, number) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(outcomes.count == 20 && outcomes.allSatisfy { $0.words.contains("unreachable") })
        #expect(journal.entries.lost.isEmpty)
        #expect(journal.entries.sent.count == journal.entries.released)
    }

    @Test func aDyingServerIsLeftForAnother() async throws {
        let dying = try ServiceTestServer { question in
            question.number < 5 ? Reply() : Reply(hangsUp: true)
        }
        let living = try ServiceTestServer { _ in Reply() }
        defer {
            dying.close()
            living.close()
        }
        let options = ServiceOptions(baseURLs: [dying.url, living.url])
        let outcomes = try await World.withService(options) { service in
            await withTaskGroup { group in
                for number in 0..<100 { group.addTask { await World.ask(service, number) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(outcomes.allSatisfy { $0.isAnswered })
        #expect(dying.seen.answeredWell + living.seen.answeredWell == 100)
        #expect(living.seen.answeredWell >= 50)
    }

    @Test func aJournalThatCannotWriteEndsTheJobBeforeAnythingIsSent() async throws {
        let server = try ServiceTestServer { _ in Reply() }
        defer { server.close() }
        let journal = MemoryJournal(failing: TeacherError(.ledgerUnwritable, "the disk is full"))
        let outcome = try await World.withService(
            ServiceOptions(baseURLs: [server.url]), journal: journal
        ) { await World.ask($0, 1) }
        #expect(outcome.words.contains("the disk is full"))
        #expect(server.seen.arrivals.isEmpty)
    }

    @Test func stoppingCancelsThoseWhoWaitAndLetsTheOthersEnd() async throws {
        let server = try ServiceTestServer { _ in Reply(delayMilliseconds: 600) }
        defer { server.close() }
        let rate = TeacherRate(maxInFlight: 4)
        let outcomes = try await World.withService(
            ServiceOptions(baseURLs: [server.url]), rate: rate
        ) { service in
            async let all = withTaskGroup { group in
                for number in 0..<40 { group.addTask { await World.ask(service, number) } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            while service.figures.rank.inFlight < 4 { await Task.yield() }
            service.stop(reason: "a signal")
            #expect(await service.drain(within: 60))
            #expect(service.stoppedBecause == "a signal")
            return await all
        }
        let answered = outcomes.count { $0.isAnswered }
        #expect(answered == server.seen.answeredWell && answered >= 4 && answered < 40)
        #expect(outcomes.count { $0.words.contains("cancelled") } == 40 - answered)
    }

    @Test func aCancelledTaskEndsItsRequest() async throws {
        let server = try ServiceTestServer { _ in Reply(delayMilliseconds: 100_000) }
        defer { server.close() }
        let journal = MemoryJournal()
        let outcome = try await World.withService(
            ServiceOptions(baseURLs: [server.url]), journal: journal
        ) { service in
            let task = Task { await World.ask(service, 1) }
            while server.seen.arrivals.isEmpty { await Task.yield() }
            task.cancel()
            return await task.value
        }
        #expect(outcome.words.contains("cancelled"))
        #expect(journal.entries.lost.count == 1)
    }
}
