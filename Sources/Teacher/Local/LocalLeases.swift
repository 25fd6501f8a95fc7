// Work of a model in this process, dealt out over the ranks: a rank takes the next lease when it is done
// with its last. What a lease gives is in a file before the next is taken, so that a signal or a kill
// loses one lease of each rank.

public import Collectives
import Corpus
import Foundation

/// Deals work out over ranks.
public struct LocalLeases {
    private let communicator: Communicator
    private let count: Int
    private let leaseSize: Int
    private let isStopRequested: () -> Bool

    /// Work to deal out.
    ///
    /// - Parameters:
    ///   - communicator: The ranks.
    ///   - count: Pieces of work; the same on all ranks.
    ///   - leaseSize: The most that a rank takes at a time.
    ///   - isStopRequested: Whether this rank was asked to stop; looked at between leases.
    public init(
        _ communicator: Communicator, count: Int, leaseSize: Int,
        isStopRequested: @escaping () -> Bool
    ) {
        self.communicator = communicator
        self.count = count
        // Each rank takes several, so that all end at about the same time.
        self.leaseSize = min(leaseSize, max(1, count / (4 * communicator.size)))
        self.isStopRequested = isStopRequested
    }

    /// Does the work; a collective.
    ///
    /// - Parameters:
    ///   - observe: Called with the pieces that all ranks have done so far.
    ///   - work: Does some pieces; what it gives rests somewhere when it returns.
    /// - Returns: False when a signal to any rank stopped it.
    public func run(
        observe: (Int) throws -> Void, _ work: (Range<Int>) throws -> Void
    ) throws -> Bool {
        let leases = try communicator.counter(named: "local.leases")
        let done = try communicator.counter(named: "local.done")
        let finished = try communicator.counter(named: "local.finished")
        let stops = try communicator.counter(named: "local.stops")
        var dealer = LeaseDealer(count: count, leaseSize: leaseSize) { try leases.fetchAdd($0) }
        while try !isStopping(stops), let lease = try dealer.next() {
            try communicator.checkFailure()
            try work(lease)
            try observe(Int(try done.fetchAdd(Int64(lease.count))) + lease.count)
        }
        // Small steps: a barrier would report the ranks that still work as missing.
        _ = try finished.fetchAdd(1)
        while try finished.load() < Int64(communicator.size) {
            try communicator.checkFailure()
            _ = try isStopping(stops)
            try observe(Int(try done.load()))
            Thread.sleep(forTimeInterval: 0.05)
        }
        try communicator.barrier()
        return try Int(done.load()) == count
    }

    private func isStopping(_ stops: SharedCounter) throws -> Bool {
        if isStopRequested() { _ = try stops.fetchAdd(1) }
        return try stops.load() > 0
    }
}
