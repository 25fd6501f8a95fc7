// The parts of the client that decide without sending: back-off, hints, servers, rates, prices, keys.

import Corpus
import NIOHTTP1
import Testing

@testable import Teacher

@Suite struct ServicePartsTests {
    private func retries(_ maximum: Int = 8) -> RetryState {
        RetryState(maxRetries: maximum, random: CounterRandom(seed: 1, 2))
    }

    @Test(arguments: [
        (RetryState.Event.whole, RetryState.Action.accept), (.quotaUsedUp, .failJob),
        (.notConnected, .waitForServer), (.tooLong, .refuse(.lost)),
        (.status(400, hint: nil), .refuse(.released)), (.status(401, hint: nil), .failJob),
        (.status(404, hint: 5), .failJob), (.status(307, hint: nil), .failJob),
        (.status(413, hint: nil), .refuse(.released)),
        (.status(422, hint: nil), .refuse(.released)),
    ])
    func whatIsNotTriedAgain(event: RetryState.Event, action: RetryState.Action) {
        var state = retries()
        #expect(state.handle(event, hasOther: false) == action)
        #expect(state.failures == 0)
    }

    @Test(arguments: [
        (RetryState.Event.broken, RetryState.Fate.lost), (.timedOut, .lost), (.incomplete, .lost),
        (.status(429, hint: nil), .released), (.status(500, hint: nil), .released),
        (.status(408, hint: nil), .released), (.status(409, hint: nil), .released),
        (.status(425, hint: nil), .released), (.status(599, hint: nil), .released),
        (.status(204, hint: nil), .lost),
    ])
    func whatIsTriedAgain(event: RetryState.Event, fate: RetryState.Fate) {
        var state = retries(6)
        #expect(state.handle(event, hasOther: true) == .failOver(fate))
        var bounds = [1.0, 2, 4, 8, 16].makeIterator()
        while let bound = bounds.next() {
            guard case .resend(let after, fate) = state.handle(event, hasOther: false) else {
                Issue.record("not sent again")
                return
            }
            #expect(after >= 0 && after < bound)
        }
        #expect(state.handle(event, hasOther: true) == .giveUp(fate))
    }

    @Test func backOffIsTheSameEveryTimeAndHintsAreKept() {
        var first = retries()
        var second = retries()
        for _ in 0..<8 {
            let action = first.handle(.timedOut, hasOther: false)
            #expect(action == second.handle(.timedOut, hasOther: false))
        }
        var hinted = retries()
        guard case .resend(let after, _) = hinted.handle(.status(429, hint: 20), hasOther: false)
        else {
            Issue.record("not sent again")
            return
        }
        #expect(after >= 20 && after <= 22)
        #expect(retries().failures == 0)
        var unconnected = retries(0)
        #expect(unconnected.handle(.notConnected, hasOther: true) == .failOver(.released))
    }

    @Test func hintsOfServers() {
        for (text, seconds) in [
            ("1s", 1.0), ("6m0s", 360), ("120ms", 0.12), ("1h2m3.5s", 3723.5), ("12", 12),
            ("0.5", 0.5),
        ] { #expect(ServerHints.duration(text) == seconds) }
        for text in ["", "soon", "5x", "s", "1s2"] { #expect(ServerHints.duration(text) == nil) }
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] { #expect(ServerHints.httpDate(text) == 784_111_777) }
        #expect(ServerHints.httpDate("Thu, 29 Feb 2024 00:00:00 GMT") == 1_709_164_800)
        #expect(ServerHints.httpDate("tomorrow") == nil)
        func wait(_ headers: [(String, String)]) -> Double? {
            ServerHints(HTTPHeaders(headers), now: 784_111_770).wait
        }
        #expect(wait([("Retry-After", "3")]) == 3)
        #expect(wait([("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")]) == 7)
        #expect(wait([("Retry-After", "99999999")]) == 3600)
        #expect(wait([("Retry-After", "nan")]) == nil)
        #expect(
            wait([
                ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "1m1s"),
                ("x-ratelimit-remaining-requests", "5"), ("x-ratelimit-reset-requests", "2h"),
            ]) == 61)
    }

    @Test func theBoardEjectsProbesAndComesBack() {
        var board = EndpointBoard(count: 2, rank: 1)
        #expect(board.take(now: 0, avoiding: []) == 1)
        #expect(board.take(now: 0, avoiding: []) == 0)
        #expect(board.take(now: 0, avoiding: [0]) == 1)
        board.failed(1, isRefusal: true, trouble: "refused", now: 0)
        #expect(board.hasOther(than: [1], now: 0) && !board.hasOther(than: [0], now: 0))
        // With one out the other one takes all; its failures count one by one.
        for _ in 0..<2 { board.failed(0, isRefusal: false, trouble: "500", now: 0.1) }
        #expect(board.gate(now: 0.1) == .open)
        board.failed(0, isRefusal: false, trouble: "500", now: 0.2)
        #expect(board.take(now: 0.2, avoiding: []) == nil)
        #expect(board.gate(now: 0.2) == .closed(until: 1, outSince: 0.2))
        #expect(board.gate(now: 1) == .probe(1))
        #expect(board.gate(now: 1) == .closed(until: 1.1, outSince: 0.2))
        board.takeProbe(1)
        board.failed(1, isRefusal: true, trouble: "refused", now: 1)
        #expect(board.gate(now: 1.2) == .probe(0))
        board.takeProbe(0)
        board.succeeded(0)
        #expect(board.gate(now: 1.3) == .open && board.outCount == 1)
        board.pause(0, until: 9)
        // The one that was out twice is out for two seconds.
        #expect(board.gate(now: 2) == .closed(until: 3, outSince: nil))
    }

    @Test(arguments: [1, 2, 59, 60, 100, 3000, 100_000] as [Int64])
    func noMinuteHoldsMoreThanTheRate(perMinute: Int64) {
        let pace = Pace(perMinute: perMinute)
        var origin: Int64 = 0
        var work: Int64 = 0
        var sent: [Int64] = []
        let start: Int64 = 1_700_000_000_000_000
        // As fast as it lets through, after a long rest, for two minutes.
        while true {
            origin = pace.raisedOrigin(origin, work: work, now: start) ?? origin
            let slot = max(origin + work, start)
            guard slot < start + 120_000_000, sent.count < 300_000 else { break }
            sent.append(slot)
            work += pace.cost(1)
        }
        var first = 0
        var most = 0
        for last in sent.indices {
            while sent[last] - sent[first] >= 60_000_000 { first += 1 }
            most = max(most, last - first + 1)
        }
        #expect(most <= perMinute)
        #expect(Double(most) >= Double(perMinute) * 0.96 - 1)
    }

    @Test func theWindowHalvesOnceASecondAndGrows() throws {
        let window = InFlightWindow(maximum: 64)
        let now: Int64 = 1_700_000_000_000_000
        #expect(window.size(cut: 0, now: now) == 64)
        let cut = try #require(window.nextCut(after: 0, sentAt: now - 5000, now: now))
        #expect(window.size(cut: cut, now: now) == 32)
        #expect(window.nextCut(after: cut, sentAt: now, now: now + 900_000) == nil)
        // What was sent before the cut says nothing against the smaller window.
        #expect(window.nextCut(after: cut, sentAt: now - 5000, now: now + 2_000_000) == nil)
        #expect(window.size(cut: cut, now: now + 3_000_000) == 38)
        #expect(window.size(cut: cut, now: now + 60_000_000) == 64)
        let second = try #require(
            window.nextCut(after: cut, sentAt: now + 1_000_000, now: now + 1_000_000))
        #expect(second > cut && window.size(cut: second, now: now + 1_000_000) == 17)
        #expect(InFlightWindow(maximum: 1).size(cut: cut, now: now) == 1)
    }

    @Test func pricesRoundUpOnceAndNeverOverflow() throws {
        let prices = try TokenPrices(inputPerMillion: 0.15, outputPerMillion: 0.6)
        #expect(prices.inputMicroPerMillion == 150_000 && prices.outputMicroPerMillion == 600_000)
        #expect(prices.price(of: .init(promptTokens: 1, completionTokens: 0)) == 1)
        #expect(prices.price(of: .init(promptTokens: 20, completionTokens: 5)) == 6)
        #expect(prices.price(of: .init(promptTokens: 0, completionTokens: 0)) == 0)
        #expect(prices.price(of: .init(promptTokens: .max, completionTokens: .max)) > 0)
        let attempt = Attempt(
            key: LabelKey(teacher: "t", request: []), reservedTokens: 20, reservedMicro: 6)
        func charge(_ prompt: Int, _ completion: Int) -> Charge {
            attempt.charge(
                for: .init(promptTokens: prompt, completionTokens: completion), prices: prices)
        }
        #expect(charge(4, 4) == Charge(tokens: 8, micro: 3))
        #expect(charge(.max, .max) == Charge(tokens: 20, micro: 6))
        #expect(charge(-1, 4) == Charge(tokens: 20, micro: 6))
        #expect(attempt.charge(for: nil, prices: prices) == Charge(tokens: 20, micro: 6))
        #expect(throws: TeacherError.self) {
            try TokenPrices(inputPerMillion: -1, outputPerMillion: 0)
        }
    }
}
