// Labelling over all ranks: in rounds. In the first, ranks take leases of the pool, each as fast as its
// servers answer, so that a slow rank takes fewer and the tail is everybody's. A record that a rank
// couldn't get answered is given back, and the next round is over what was given back: a rank with a
// dead server sits it out, the others take its records over. A round that labels nothing is the end.

public import Collectives
import Corpus
import Foundation

/// What a job ended with, over all ranks.
public struct LabellingSummary: Sendable, Equatable {
    /// Rows of the pool; at an early end, the ones that this rank has seen.
    public var rows = 0
    /// Rows that needed no asking.
    public var cached = 0
    /// Outcomes of this call.
    public var counts = LabellingCounts()
    /// Rounds that were needed.
    public var rounds = 0
    /// Whether the cap ended it.
    public var isOverBudget = false
    /// Whether a signal ended it.
    public var wasStopped = false

    /// A summary of nothing.
    public init() {}
}

/// Labels a pool over all ranks with a teacher on servers.
public struct LabellingJob {
    /// Opens the pool anew, at its first row.
    public let open: () throws -> RecordSequence
    /// The keys that have a label, or a failure that is to stay.
    public let known: KeySet
    /// Records that a rank takes at a time.
    public let leaseSize: Int
    /// The ranks.
    public let communicator: Communicator
    /// Whether this rank was asked to stop.
    public let isStopRequested: () -> Bool
    /// Called on each rank about twice a second with its counts so far.
    public let observe: (LabellingSummary) throws -> Void

    /// A job of its parts.
    public init(
        open: @escaping () throws -> RecordSequence, known: KeySet, leaseSize: Int,
        communicator: Communicator, isStopRequested: @escaping () -> Bool,
        observe: @escaping (LabellingSummary) throws -> Void
    ) {
        self.open = open
        self.known = known
        self.leaseSize = leaseSize
        self.communicator = communicator
        self.isStopRequested = isStopRequested
        self.observe = observe
    }

    /// Labels until nothing is left, the cap is reached, somebody asks to stop, or no server answers.
    ///
    /// - Parameter makeLabeller: Makes a round's labeller, which knows the answers of all earlier ones.
    public func run<Labeller: RowLabeller>(
        _ makeLabeller: () throws -> Labeller
    ) throws -> LabellingSummary {
        var summary = LabellingSummary()
        var rows: [Int]?
        // A rank whose servers were gone leaves the other rounds to the others.
        var sitsOut = false
        while true {
            let labeller = try makeLabeller()
            // All ranks read the ledgers before any of them writes.
            try communicator.barrier()
            let round = try self.round(
                labeller, rows: rows, sitsOut: sitsOut, summary: &summary)
            sitsOut = sitsOut || round.unreachable != nil
            try labeller.store.flush()
            let labelled = try total(round.counts.labelled + round.counts.failed)
            let returned = try gather(round.returned)
            let deferred = try gather(round.deferred)
            let alone = try total(sitsOut ? 1 : 0)
            // Nobody has a server, or those who have get nowhere: that is the servers' doing.
            let isStuck =
                alone == communicator.size
                || (labelled == 0 && alone == 0 && summary.rounds > 0)
            summary.rounds += 1
            summary.isOverBudget = try any(round.isOverBudget)
            summary.wasStopped = try any(round.wasStopped)
            rows = (returned + deferred).sorted()
            guard rows?.isEmpty == false, !summary.isOverBudget, !summary.wasStopped else { break }
            guard !isStuck || returned.isEmpty else {
                throw TeacherError(
                    .unreachable,
                    "the teacher doesn't answer: \(round.trouble); what was answered is kept, the "
                        + "same command goes on")
            }
        }
        summary.counts.labelled = Int(try total(summary.counts.labelled))
        summary.counts.failed = Int(try total(summary.counts.failed))
        summary.counts.returned = Int(try total(summary.counts.returned))
        return summary
    }

    // MARK: - A round

    private struct Round {
        var counts = LabellingCounts()
        var returned: [Int] = []
        var deferred: [Int] = []
        var isOverBudget = false
        var wasStopped = false
        var unreachable: String?
        var lastTrouble: String?

        var trouble: String { unreachable ?? lastTrouble ?? "every rank gave up" }
    }

    private func round(
        _ labeller: some RowLabeller, rows: [Int]?, sitsOut: Bool,
        summary: inout LabellingSummary
    ) throws -> Round {
        let leases = try communicator.counter(named: "label.leases")
        let finished = try communicator.counter(named: "label.finished")
        let stops = StopRequest(
            counter: try communicator.counter(named: "label.stops"), isRequested: isStopRequested)
        // How many rows a pool has is known at its end.
        var dealer = LeaseDealer(count: rows?.count ?? Int.max / 2, leaseSize: leaseSize) {
            try leases.fetchAdd($0)
        }
        var records = LeasedRecords(try open(), known: rows == nil ? known : KeySet()) {
            labeller.keys(of: $0)
        }
        let tally = LabellingTally()
        var round = Round()
        let before = summary
        var isDealing = !sitsOut
        var lastLook = ContinuousClock.now - .seconds(1)
        while true {
            let state = tally.state
            if ContinuousClock.now - lastLook > .milliseconds(500) {
                lastLook = .now
                try communicator.checkFailure()
                try labeller.store.check()
                summary.add(before, state.counts, rows == nil ? records : nil)
                try observe(summary)
                round.wasStopped = try stops.isKnown()
            }
            if let error = state.error { throw error }
            if round.wasStopped, labeller.service.stoppedBecause == nil {
                labeller.service.stop(reason: "the job was asked to stop")
            }
            // A rank without a server leaves the rest to the others.
            let wantsMore =
                isDealing && !round.wasStopped && !state.isOverBudget && state.unreachable == nil
            if wantsMore, labeller.hasRoom(active: state.active) {
                guard let lease = try dealer.next() else {
                    isDealing = false
                    continue
                }
                let taken =
                    if let rows {
                        try records.take(rows: rows[lease])
                    } else {
                        try records.take(lease)
                    }
                if rows == nil, records.isAtEnd { isDealing = false }
                // A lease of rows that all have labels is followed by a larger one.
                dealer.leaseSize =
                    taken.isEmpty ? min(dealer.leaseSize * 2, max(256, leaseSize)) : leaseSize
                for row in taken {
                    Self.start(row, labeller, tally, round: summary.rounds)
                }
                continue
            }
            if state.active == 0, !wantsMore { break }
            tally.wait(seconds: 0.05)
        }
        let state = tally.state
        round.counts = state.counts
        round.returned = tally.returned
        round.deferred = tally.deferred
        round.isOverBudget = state.isOverBudget
        round.unreachable = state.unreachable
        round.lastTrouble = state.lastTrouble
        // Rank 0 speaks for the whole pool; the others may have stopped short of its end.
        if rows == nil, !round.isOverBudget, !round.wasStopped { try records.finish() }
        summary.add(before, state.counts, rows == nil ? records : nil)
        try awaitOthers(finished, stops, &summary, tally)
        return round
    }

    private static func start(
        _ row: LeasedRecords.Row, _ labeller: some RowLabeller, _ tally: LabellingTally,
        round: Int
    ) {
        tally.began()
        Task.detached {
            tally.ended(row.number, await labeller.label(row, round: round))
        }
    }

    /// Waits in small steps: a barrier would report the ranks that still label as missing.
    private func awaitOthers(
        _ finished: SharedCounter, _ stops: StopRequest, _ summary: inout LabellingSummary,
        _ tally: LabellingTally
    ) throws {
        _ = try finished.fetchAdd(1)
        var steps = 0
        while try finished.load() < Int64(communicator.size) {
            try communicator.checkFailure()
            tally.wait(seconds: 0.05)
            steps += 1
            guard steps % 10 == 0 else { continue }
            try observe(summary)
            _ = try stops.isKnown()
        }
        try observe(summary)
    }

    // MARK: - Over all ranks

    private func total(_ count: Int) throws -> Int64 {
        try communicator.allReduce([Int64(count)], .sum)[0]
    }

    private func any(_ flag: Bool) throws -> Bool {
        try communicator.allReduce([Int64(flag ? 1 : 0)], .maximum)[0] > 0
    }

    /// The rows that any rank named.
    private func gather(_ rows: [Int]) throws -> [Int] {
        let text = rows.map(String.init).joined(separator: " ")
        return try communicator.allGather(Array(text.utf8)).flatMap { bytes in
            String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
        }
    }
}

/// A signal that came to any rank, told to all.
private final class StopRequest {
    private let counter: SharedCounter
    private let isRequested: () -> Bool
    private var isTold = false

    init(counter: SharedCounter, isRequested: @escaping () -> Bool) {
        self.counter = counter
        self.isRequested = isRequested
    }

    /// Whether some rank was asked to stop.
    func isKnown() throws -> Bool {
        if !isTold, isRequested() {
            isTold = true
            try _ = counter.fetchAdd(1)
        }
        return try counter.load() > 0
    }
}

extension LabellingSummary {
    fileprivate mutating func add(
        _ before: LabellingSummary, _ counts: LabellingCounts, _ records: LeasedRecords?
    ) {
        self.counts.labelled = before.counts.labelled + counts.labelled
        self.counts.failed = before.counts.failed + counts.failed
        self.counts.returned = before.counts.returned + counts.returned
        if let records {
            rows = records.rows
            cached = records.cached
        }
    }
}
