// The limits of a whole job, as counters that all ranks share. What is spent is what is reserved or was
// charged: a reservation is added before anything is sent and taken back if it doesn't fit, so the sum of
// what was let out can't pass a cap at any moment, in whatever order the ranks come.
//
// The decisions are in AdmissionClerk; this file lays out the counters and says what fits.

public import Collectives

/// Budget and rate of a job; every rank holds the same ones.
public final class JobLimits: Sendable {
    /// The counters, in their order; those of the second part are raised, never added to.
    enum Slot: Int, CaseIterable {
        /// Reserved or charged.
        case micro, tokens, requests
        /// Attempts whose reservation is still open.
        case unsettled
        case inFlight
        /// Microseconds of work let out, by requests and by tokens.
        case requestWork, tokenWork
        /// For the panel.
        case sent, resent, answered, failed, throttled, tokensIn, tokensOut, chargedMicro
        /// Raised.
        case requestOrigin, tokenOrigin, pausedUntil, windowCut
    }

    let budget: TeacherBudget
    let rate: TeacherRate
    let requestPace: Pace?
    let tokenPace: Pace?
    let window: InFlightWindow
    let rank: Int
    private let counters: SharedCounters

    /// Limits for all ranks of a communicator; a collective, with the same values everywhere.
    ///
    /// - Parameter spent: what earlier runs of the job have spent, all ranks together.
    ///
    /// Throws `.configuration` where a number can't be, and the failure of another rank.
    public init(
        on communicator: Communicator, budget: TeacherBudget, rate: TeacherRate,
        spent: TeacherSpending = TeacherSpending()
    ) throws {
        for (name, cap) in [
            ("budget.usd", budget.micro), ("budget.tokens", budget.tokens),
            ("budget.requests", budget.requests),
        ] {
            guard let cap, cap < 0 || cap > .max / 4 else { continue }
            throw TeacherError(.configuration, "\(name) is \(cap): give 0 or more")
        }
        for (name, limit) in [
            ("rate.requests_per_minute", rate.requestsPerMinute),
            ("rate.tokens_per_minute", rate.tokensPerMinute),
        ] {
            guard let limit, !(1...1_000_000_000_000).contains(limit) else { continue }
            throw TeacherError(.configuration, "\(name) is \(limit): give 1 or more")
        }
        guard (1...InFlightWindow.largest).contains(rate.maxInFlight) else {
            throw TeacherError(
                .configuration,
                "rate.max_in_flight is \(rate.maxInFlight): give 1 to \(InFlightWindow.largest)")
        }
        self.budget = budget
        self.rate = rate
        requestPace = rate.requestsPerMinute.map { Pace(perMinute: $0) }
        tokenPace = rate.tokensPerMinute.map { Pace(perMinute: $0) }
        window = InFlightWindow(maximum: rate.maxInFlight)
        rank = communicator.rank
        var start = Change()
        start[.micro] = spent.micro
        start[.tokens] = spent.tokens
        start[.requests] = spent.requests
        start[.chargedMicro] = spent.micro
        counters = try communicator.counters(
            named: "teacher limits", startingAt: start.values)
    }

    /// Adds to all counters; what they held before.
    func add(_ change: Change) throws -> Change {
        Change(values: try counters.fetchAdd(change.values))
    }

    /// Raises counters; what they held before.
    func raise(_ raised: [(Slot, Int64)]) throws -> Change {
        var values = [Int64](repeating: .min, count: Slot.allCases.count)
        for (slot, value) in raised { values[slot.rawValue] = value }
        return Change(values: try counters.fetchMaximum(values))
    }

    /// Numbers for all counters: what they hold, or what is added to them.
    struct Change: Sendable, Hashable {
        var values: [Int64]

        init(values: [Int64] = [Int64](repeating: 0, count: Slot.allCases.count)) {
            self.values = values
        }

        subscript(slot: Slot) -> Int64 {
            get { values[slot.rawValue] }
            set { values[slot.rawValue] = newValue }
        }

        mutating func add(_ other: Change) {
            for index in values.indices { values[index] &+= other.values[index] }
        }

        /// The reservation of an attempt comes to it, or leaves it.
        mutating func reserve(_ attempt: Attempt, times sign: Int64 = 1) {
            self[.micro] += sign * attempt.reservedMicro
            self[.tokens] += sign * attempt.reservedTokens
            self[.requests] += sign
            self[.unsettled] += sign
            self[.inFlight] += sign
        }

        var isNothing: Bool { values.allSatisfy { $0 == 0 } }
    }

    /// Whether the caps leave room for an attempt on top of what is `held`.
    func hasBudget(for attempt: Attempt, held: Change) -> Bool {
        (budget.micro.map { attempt.reservedMicro <= $0 - held[.micro] } ?? true)
            && (budget.tokens.map { attempt.reservedTokens <= $0 - held[.tokens] } ?? true)
            && (budget.requests.map { 1 <= $0 - held[.requests] } ?? true)
    }

    /// Whether the window leaves room for one more.
    func hasWindow(held: Change, now: Int64) -> Bool {
        held[.inFlight] < Int64(window.size(cut: held[.windowCut], now: now))
    }
}
