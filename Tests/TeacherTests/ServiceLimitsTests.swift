// The limits of the job, as the server sees them: caps that are never passed, rates, the window.

import Collectives
import Corpus
import NIOHTTP1
import Synchronization
import Testing

@testable import Teacher

@Suite(.serialized, .timeLimit(.minutes(5))) struct ServiceLimitsTests {
    typealias World = ServiceTestWorld
    typealias Reply = ServiceTestServer.Reply

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
    }

    /// What a job of several ranks came to.
    private struct Job: Sendable {
        var answered = 0
        var overBudget = 0
        var others: [String] = []
        var figures: ServiceFigures?
    }

    /// Asks `requests` of every rank, `tasks` at a time, until they are through.
    private func job(
        ranks: Int, tasks: Int, requests: Int, options: ServiceOptions, budget: TeacherBudget,
        rate: TeacherRate = TeacherRate(maxInFlight: 1000),
        completion: @escaping @Sendable (Int) -> Int = { _ in 10 }
    ) async throws -> [Job] {
        try await World.run(ranks: ranks, budget: budget, rate: rate) { limits in
            let service = try TeacherService(
                options: options, limits: limits, journal: MemoryJournal(), seed: 3,
                inspect: World.inspection)
            let next = Counter()
            return try await World.using(service) { service in
                var job = await withTaskGroup(of: Job.self) { group in
                    for _ in 0..<tasks {
                        group.addTask {
                            var job = Job()
                            while true {
                                let number = next.next()
                                guard number < requests else { return job }
                                let outcome = await World.ask(
                                    service, limits.rank * requests + number,
                                    completion: completion(number))
                                if outcome.isAnswered {
                                    job.answered += 1
                                } else if outcome.isOverBudget {
                                    job.overBudget += 1
                                } else {
                                    job.others.append("\(outcome)")
                                }
                            }
                        }
                    }
                    return await group.reduce(into: Job()) { sum, job in
                        sum.answered += job.answered
                        sum.overBudget += job.overBudget
                        sum.others += job.others
                    }
                }
                job.figures = service.figures
                return job
            }
        }
    }

    /// Charges what it answers: 10 tokens sent and what the request's last digit says of those back.
    private func chargingServer(
        _ charged: ChargeLog, failures: Bool = false
    ) throws -> ServiceTestServer {
        try ServiceTestServer { question in
            let random = CounterRandom(seed: 11, UInt64(question.number))
            if failures, random[1] % 10 == 0 { return .status(500) }
            let completion = Int(random[2] % 11)
            // The worst of what is in flight counts from the moment of its arrival.
            charged.add(tokens: 10 + completion)
            return Reply(
                body: ServiceTestServer.goodBody(
                    usage: #"{"prompt_tokens":10,"completion_tokens":\#(completion)}"#),
                delayMilliseconds: Int64(random[3] % 40))
        }
    }

    private final class ChargeLog: Sendable {
        private let sums = Mutex((tokens: 0, requests: 0))
        func add(tokens: Int) {
            sums.withLock {
                $0.tokens += tokens
                $0.requests += 1
            }
        }
        var now: (tokens: Int, requests: Int) { sums.withLock { $0 } }
    }

    @Test(arguments: [1, 4]) func noCapOfTokensIsPassed(ranks: Int) async throws {
        let charged = ChargeLog()
        let server = try chargingServer(charged)
        defer { server.close() }
        let cap: Int64 = 10_000
        let jobs = try await job(
            ranks: ranks, tasks: 64, requests: 2000 / ranks,
            options: ServiceOptions(baseURLs: [server.url]),
            budget: TeacherBudget(tokens: cap))
        #expect(charged.now.tokens <= cap)
        // A request reserves 20 tokens: no room for one is left.
        #expect(charged.now.tokens > cap - 20)
        #expect(jobs.flatMap(\.others).isEmpty)
        #expect(jobs.reduce(0) { $0 + $1.answered } == charged.now.requests)
        #expect(jobs.reduce(0) { $0 + $1.answered + $1.overBudget } == 2000 / ranks * ranks)
    }

    @Test func aCapOfMoneyHoldsWhileServersFail() async throws {
        let charged = ChargeLog()
        let server = try chargingServer(charged, failures: true)
        defer { server.close() }
        var options = ServiceOptions(baseURLs: [server.url])
        options.prices = TokenPrices(
            inputMicroPerMillion: 2_000_000, outputMicroPerMillion: 2_000_000)
        let cap: Int64 = 8000
        let jobs = try await job(
            ranks: 4, tasks: 16, requests: 250, options: options,
            budget: TeacherBudget(micro: cap))
        #expect(charged.now.tokens * 2 <= cap)
        #expect(charged.now.tokens * 2 > cap - 40)
        #expect(jobs.flatMap(\.others).isEmpty)
    }

    @Test func aCapOfRequestsIsReachedExactly() async throws {
        let charged = ChargeLog()
        let server = try chargingServer(charged, failures: true)
        defer { server.close() }
        let jobs = try await job(
            ranks: 4, tasks: 64, requests: 200, options: ServiceOptions(baseURLs: [server.url]),
            budget: TeacherBudget(requests: 333))
        #expect(server.seen.answeredWell == 333)
        #expect(jobs.reduce(0) { $0 + $1.answered } == 333)
    }

    @Test(arguments: [
        #"{"prompt_tokens":-5,"completion_tokens":2}"#,
        #"{"prompt_tokens":9000000000000000000,"completion_tokens":9000000000000000000}"#,
        #"{"prompt_tokens":"3","completion_tokens":"2"}"#, "null", "{}",
    ])
    func aServerThatLiesCannotPassTheCap(usage: String) async throws {
        let server = try ServiceTestServer { _ in
            Reply(body: ServiceTestServer.goodBody(usage: usage))
        }
        defer { server.close() }
        let jobs = try await job(
            ranks: 2, tasks: 8, requests: 100, options: ServiceOptions(baseURLs: [server.url]),
            budget: TeacherBudget(tokens: 1000))
        // Each is charged its whole reservation, so the cap is what was reserved, exactly.
        #expect(server.seen.answeredWell == 50)
        #expect(jobs.reduce(0) { $0 + $1.overBudget } == 150)
    }

    @Test func whatEarlierRunsSpentCounts() async throws {
        let server = try ServiceTestServer { _ in Reply() }
        defer { server.close() }
        let outcomes = try await World.run(
            ranks: 1, budget: TeacherBudget(requests: 10), spent: TeacherSpending(requests: 9)
        ) { limits in
            let service = try TeacherService(
                options: ServiceOptions(baseURLs: [server.url]), limits: limits,
                journal: MemoryJournal(), seed: 1, inspect: World.inspection)
            return try await World.using(service) {
                [await World.ask($0, 1), await World.ask($0, 2)]
            }
        }[0]
        #expect(outcomes[0].isAnswered && outcomes[1].isOverBudget)
    }

    @Test func aServerWithoutRoomIsLeftAloneAndFiguresAddUp() async throws {
        let server = try ServiceTestServer { question in
            Reply(
                headers: question.number > 0
                    ? []
                    : [
                        ("x-ratelimit-remaining-requests", "0"),
                        ("x-ratelimit-reset-requests", "1s200ms"),
                    ])
        }
        defer { server.close() }
        var options = ServiceOptions(baseURLs: [server.url])
        options.prices = TokenPrices(inputMicroPerMillion: 1_000_000, outputMicroPerMillion: 0)
        let figures = try await World.withService(options) { service in
            for number in 0..<2 { #expect(await World.ask(service, number).isAnswered) }
            while service.figures.job.spentMicro < 6 { await Task.yield() }
            return service.figures
        }
        let seen = server.seen.arrivals
        #expect(seen[1] - seen[0] >= .seconds(1.2))
        #expect(figures.job == figures.rank && figures.job.sent == 2)
        #expect(figures.job.answered == 2 && figures.job.failed == 0 && figures.job.inFlight == 0)
        #expect(figures.job.tokensIn == 6 && figures.job.tokensOut == 4)
        #expect(figures.committedMicro == 6 && figures.serversOut == 0)
    }

    @Test func aRateIsKeptByAllRanksTogether() async throws {
        let server = try ServiceTestServer { _ in Reply(delayMilliseconds: 5) }
        defer { server.close() }
        let perMinute: Int64 = 3000
        let jobs = try await job(
            ranks: 3, tasks: 8, requests: 60, options: ServiceOptions(baseURLs: [server.url]),
            budget: TeacherBudget(), rate: TeacherRate(requestsPerMinute: perMinute))
        #expect(jobs.reduce(0) { $0 + $1.answered } == 180)
        let seen = server.seen.arrivals
        // In any window: the rate, the burst (half a second's worth), and as much for what is late.
        for first in seen.indices {
            for last in first..<seen.count {
                let seconds = (seen[last] - seen[first]) / .seconds(1)
                #expect(
                    Double(last - first + 1) <= seconds * Double(perMinute) / 60 + 51,
                    "\(last - first + 1) in \(seconds) s")
            }
        }
        // 180 at 49 a second, 25 of them at once: it took three seconds, whatever the machine does.
        #expect(seen[179] - seen[0] >= .seconds(2.5))
    }

    @Test func aRefusalHalvesTheWindowOfAllRanks() async throws {
        let refusals = Counter()
        let server = try ServiceTestServer { question in
            if question.number == 300, refusals.next() == 0 {
                return .status(429, [("Retry-After", "1")])
            }
            return Reply(delayMilliseconds: 50)
        }
        defer { server.close() }
        let jobs = try await job(
            ranks: 2, tasks: 32, requests: 500, options: ServiceOptions(baseURLs: [server.url]),
            budget: TeacherBudget(), rate: TeacherRate(maxInFlight: 64))
        #expect(jobs.reduce(0) { $0 + $1.answered } == 1000)
        let seen = server.seen
        #expect(seen.mostInFlight <= 64)
        #expect(seen.inFlightAtArrival[200..<300].max() ?? 0 > 40)
        // Nothing new for a second, then half as many, growing by two a second.
        let gaps = zip(seen.arrivals, seen.arrivals.dropFirst()).map { $1 - $0 }
        let longest = gaps.indices.max { gaps[$0] < gaps[$1] } ?? 0
        #expect(gaps[longest] > .milliseconds(700))
        #expect(seen.inFlightAtArrival[(longest + 1)...].prefix(100).max() ?? 0 <= 40)
        #expect(jobs.compactMap(\.figures).allSatisfy { $0.window < 64 && $0.job.throttled == 1 })
    }
}
