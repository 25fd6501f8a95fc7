// The way of a request through failures to its answer: a server is chosen, the job's limits are asked, the
// attempt is noted, sent, and its fate noted. One service a rank; any number of tasks ask it at once.

import Collectives
public import Corpus
import Foundation
import NIOHTTP1
import Synchronization

/// Tells a whole answer from another body: usage and finish reason where they are given, and whether the
/// body is whole JSON with choices.
public typealias ResponseInspection =
    @Sendable (_ body: [UInt8]) -> (LabelRecord.Usage?, String?, isWhole: Bool)

/// A rank's access to the teacher's servers, within the limits of the whole job.
///
/// While requests are under way the shared counters are used: no rank may sit in a collective then. Call
/// `shutdown` at the end.
public final class TeacherService: Sendable {
    let options: ServiceOptions
    let servers: [BaseURL]
    let limits: JobLimits
    let transport: HTTPTransport
    let clerk: AdmissionClerk
    let inspect: ResponseInspection
    let board: Mutex<EndpointBoard>
    private let seed: UInt64
    private let numbers = Atomic<UInt64>(0)
    private let underWay = Atomic<Int>(0)
    private let stopReason = Mutex<String?>(nil)

    /// Opens no connection yet.
    ///
    /// - Parameters:
    ///   - journal: notes attempts; called by one thread of the service.
    ///   - seed: of the jitter in waiting times.
    ///
    /// Throws `.configuration` for a URL, file or number that can't be.
    public init(
        options: ServiceOptions, limits: JobLimits, journal: any AttemptJournal, seed: UInt64,
        inspect: @escaping ResponseInspection
    ) throws {
        try options.check()
        if limits.budget.micro != nil, options.prices == nil {
            throw TeacherError(
                .configuration,
                "budget.usd is given without prices: give price.input_per_million and"
                    + " price.output_per_million (0 for a server that costs nothing)")
        }
        servers = try options.addresses()
        self.options = options
        self.limits = limits
        self.inspect = inspect
        self.seed = seed
        transport = try HTTPTransport(
            options: options, servers: servers, connections: limits.rate.maxInFlight)
        board = Mutex(EndpointBoard(count: servers.count, rank: limits.rank))
        clerk = try AdmissionClerk(
            limits: limits, journal: journal,
            random: CounterRandom(seed: seed, UInt64(limits.rank), 0x636C_6572),
            staleSeconds: 2 * options.timeout + 60)
    }

    /// Asks a request until it is answered, or can't be.
    ///
    /// An answer's reservation is held until `settle`.
    public func answer(_ request: TeacherRequest, key: LabelKey) async -> RequestOutcome {
        underWay.add(1, ordering: .relaxed)
        defer { underWay.subtract(1, ordering: .relaxed) }
        let number = numbers.wrappingAdd(1, ordering: .relaxed).oldValue
        var way = Way(
            request: request,
            attempt: Attempt(
                key: key,
                reservedTokens: Int64(request.promptTokenBound)
                    + Int64(request.completionTokenBound),
                reservedMicro: options.prices?.worstCase(request) ?? 0),
            retry: RetryState(
                maxRetries: options.maxRetries,
                random: CounterRandom(seed: seed, UInt64(limits.rank), number, 0x7265_7472)))
        while true {
            let probe: Int?
            switch await passGate() {
            case .passed(let index): probe = index
            case .ended(.unreachable) where way.lastStatus >= 500:
                // Servers failed on this very request: it may be what brought them down.
                return .exhausted(
                    reason: "given up after \(way.sendings) sendings; the last: "
                        + way.lastTrouble, isThrottled: false)
            case .ended(let outcome): return outcome
            }
            switch await clerk.admit(
                way.attempt, estimate: way.estimate, isResend: way.sendings > 0,
                notBefore: way.notBefore)
            {
            case .go: break
            case let other:
                if let probe { board.withLock { $0.giveProbeBack(probe) } }
                return outcome(of: other)
            }
            guard let server = take(probe, avoiding: way.tried) else {
                release(way.attempt, isFailure: false)
                continue
            }
            way.sendings += 1
            if let outcome = await exchange(&way, server) { return outcome }
        }
    }

    /// Closes an answer's reservation, after it is committed; what it was charged, as the ledger should
    /// have it.
    @discardableResult
    public func settle(_ attempt: Attempt, usage: LabelRecord.Usage?) -> Charge {
        let charge = attempt.charge(for: usage, prices: options.prices)
        var change = JobLimits.Change()
        change[.unsettled] = -1
        change[.micro] = charge.micro - attempt.reservedMicro
        change[.tokens] = charge.tokens - attempt.reservedTokens
        change[.chargedMicro] = charge.micro
        clerk.add(change)
        return charge
    }

    /// Lets nothing new out: requests that wait end as cancelled, those in flight go on.
    public func stop(reason: String) {
        stopReason.withLock { if $0 == nil { $0 = reason } }
        clerk.stop()
    }

    /// Why the service was stopped; nil if it wasn't.
    public var stoppedBecause: String? { stopReason.withLock { $0 } }

    /// Waits until no request is under way, at most so long; whether that came about.
    ///
    /// `stop` comes first, unless nobody asks any more.
    public func drain(within seconds: Double) async -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while underWay.load(ordering: .relaxed) > 0 {
            guard ContinuousClock.now < end else { return false }
            // A task that is cancelled waits all the same: what it waits for takes no longer.
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + 0.01) {
                    continuation.resume()
                }
            }
        }
        return true
    }

    /// Ends all that is under way, brings what is pending to counters and journal, and closes
    /// everything; nothing may be asked after.
    public func shutdown() async {
        stop(reason: "the service was shut down")
        await transport.shutDown()
        _ = await drain(within: 10)
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                self.clerk.finish()
                continuation.resume()
            }
        }
    }

    /// The figures now.
    public var figures: ServiceFigures {
        let (job, own) = clerk.figures
        let now = wallMicroseconds()
        return ServiceFigures(
            rank: .init(own), job: .init(job), committedMicro: job[.micro],
            window: limits.window.size(cut: job[.windowCut], now: now),
            pausedSeconds: max(Double(job[.pausedUntil] - now) / 1e6, 0),
            servers: servers.count, serversOut: board.withLock { $0.outCount })
    }

    // MARK: Choosing a server

    private enum Gate {
        case passed(probe: Int?)
        case ended(RequestOutcome)
    }

    /// Waits until some server is open.
    private func passGate() async -> Gate {
        while true {
            let now = Self.seconds()
            let (gate, trouble) = board.withLock { ($0.gate(now: now), $0.lastTrouble) }
            switch gate {
            case .open: return .passed(probe: nil)
            case .probe(let index): return .passed(probe: index)
            case .closed(let until, let since):
                if let since, now - since >= options.giveUpSeconds {
                    return .ended(
                        .unreachable(
                            reason: "no server for \(Int(now - since)) s; the last one:"
                                + " \(trouble)"))
                }
                let end = since.map { min(until, $0 + options.giveUpSeconds) } ?? until
                let wake = wallMicroseconds() + Int64(max(end - now, 0) * 1e6)
                switch await clerk.admit(nil, notBefore: wake) {
                case .go: break
                case let other: return .ended(outcome(of: other))
                }
            }
        }
    }

    private func take(_ probe: Int?, avoiding tried: Set<Int>) -> Int? {
        board.withLock { board in
            if let probe {
                board.takeProbe(probe)
                return probe
            }
            return board.take(now: Self.seconds(), avoiding: tried)
        }
    }

    // MARK: Ends

    func outcome(of admission: AdmissionClerk.Admission) -> RequestOutcome {
        switch admission {
        case .go, .cancelled: .cancelled
        case .overBudget: .overBudget
        case .failed(let error): .failed(error)
        }
    }

    /// Seconds of a clock that only goes on.
    static func seconds() -> Double { monotonicSeconds() }
}
