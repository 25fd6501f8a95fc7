// What is done after each sending of a request: a state machine without input or output, so that every
// path of it is a line in a table of tests. Back-off is exponential with full jitter (Brooker, Exponential
// backoff and jitter, 2015).

import Corpus

/// Where a request is on its way through failures.
struct RetryState {
    /// What came of a sending.
    enum Event: Equatable {
        /// A whole answer.
        case whole
        /// A status that isn't 200, with the seconds that the server asks for.
        case status(Int, hint: Double?)
        /// The server says that the account has no money left.
        case quotaUsedUp
        /// No connection: nothing was sent.
        case notConnected
        /// The connection broke after something was sent.
        case broken
        /// No whole answer within the time.
        case timedOut
        /// 200, and a body that is no answer.
        case incomplete
        /// 200, and something that isn't JSON at all: a page of a proxy or a gateway, not the teacher.
        case foreign
        /// The answer is longer than answers may be.
        case tooLong
    }

    /// What became of the attempt's reservation.
    enum Fate: Equatable {
        /// It cost nothing.
        case released
        /// It may have cost all of it.
        case lost
    }

    /// What comes next.
    enum Action: Equatable {
        /// The answer is good.
        case accept
        /// Send it again after some seconds.
        case resend(after: Double, Fate)
        /// Send it to another server, now.
        case failOver(Fate)
        /// Wait for a server that can be reached, then send it.
        case waitForServer
        /// This request is refused for good.
        case refuse(Fate)
        /// Every request would end like this one.
        case failJob
        /// Enough was tried.
        case giveUp(Fate)
    }

    /// Times that a request is sent again after what isn't JSON at all.
    static let mostForeign = 3
    static let baseSeconds = 0.5
    static let longestSeconds = 30.0

    let maxRetries: Int
    private let random: CounterRandom
    private var drawn: UInt64 = 0
    /// Sendings that came to nothing and count.
    private(set) var failures = 0
    private var foreigners = 0

    /// A request that was not sent yet; `random` gives the jitter.
    init(maxRetries: Int, random: CounterRandom) {
        self.maxRetries = maxRetries
        self.random = random
    }

    /// Takes in what came of a sending.
    ///
    /// - Parameter hasOther: whether another server could take the request now.
    mutating func handle(_ event: Event, hasOther: Bool) -> Action {
        switch event {
        case .whole: .accept
        case .quotaUsedUp: .failJob
        case .notConnected: hasOther ? .failOver(.released) : .waitForServer
        case .broken, .timedOut, .incomplete: again(.lost, hint: nil, hasOther: hasOther)
        case .foreign: foreign(hasOther: hasOther)
        case .tooLong: .refuse(.lost)
        case .status(let status, let hint):
            switch status {
            case 408, 409, 425, 429, 500...599:
                again(.released, hint: hint, hasOther: hasOther)
            // A key, a balance, a path or a model's name that is wrong for all; an address that
            // sends elsewhere.
            case 300...399, 401, 402, 403, 404, 405, 407: .failJob
            case 400...499: .refuse(.released)
            default: again(.lost, hint: hint, hasOther: hasOther)
            }
        }
    }

    /// No model has worked for such an answer, and it mostly stays as it is.
    private mutating func foreign(hasOther: Bool) -> Action {
        foreigners += 1
        guard foreigners <= Self.mostForeign else { return .giveUp(.released) }
        return again(.released, hint: nil, hasOther: hasOther)
    }

    private mutating func again(_ fate: Fate, hint: Double?, hasOther: Bool) -> Action {
        failures += 1
        if failures > maxRetries { return .giveUp(fate) }
        if hasOther { return .failOver(fate) }
        if let hint, hint > 0 {
            // What everybody is told to wait, and then not all at once.
            return .resend(after: hint + uniform() * min(0.1 + hint * 0.1, 2), fate)
        }
        let exponent = Double(min(failures - 1, 30))
        let bound = min(Self.longestSeconds, Self.baseSeconds * exp2(exponent))
        return .resend(after: uniform() * bound, fate)
    }

    private func exp2(_ exponent: Double) -> Double {
        Double(sign: .plus, exponent: Int(exponent), significand: 1)
    }

    /// A number from 0 up to 1.
    private mutating func uniform() -> Double {
        defer { drawn += 1 }
        return Double(random[drawn] >> 11) * 0x1p-53
    }
}
