// A rank's access to the other ranks. This file holds what every operation goes through: handing work
// to the communication thread, failures, the account. The operations are in `Communicator+*.swift`.
//
// Collectives know no tensors: they move buffers.

/// One rank's end of a group of ranks: processes under MPI, or threads of one process.
///
/// Collectives are called by every rank in the same order. One thread of a rank makes the calls.
/// With one rank nothing is sent and no thread is needed.
///
/// Failures: when any rank fails (`fail`, or an error that leaves the body given to `MPIWorld.run` or
/// `ThreadWorld.run`), every other rank throws the same `RankFailure` from the call that it is in, or
/// makes next. After that all calls throw it.
public final class Communicator: @unchecked Sendable {
    /// This rank, from 0.
    public let rank: Int

    /// The number of ranks.
    public let size: Int

    let endpoint: any Endpoint
    private let thread: CommunicationThread?
    private let counterRegistry = CounterRegistry()

    /// Used by the communication thread alone.
    var staging = StagingMemory()

    private let traffic = TrafficCount()

    init(endpoint: any Endpoint, thread: CommunicationThread?) {
        rank = endpoint.rank
        size = endpoint.size
        self.endpoint = endpoint
        self.thread = thread
    }

    // MARK: Failures

    /// Tells all ranks that this one failed and returns the failure that all agree to report: this
    /// one, or that of a rank which failed at the same time.
    ///
    /// Returns also when other ranks do not answer, after some seconds. Call it once, from the place
    /// where errors of a rank end up; most programs leave it to `MPIWorld.run`.
    public func fail(exitCode: Int32, message: String) -> RankFailure {
        let own = RankFailure(rank: rank, exitCode: exitCode, message: message)
        endpoint.raise(own)
        do {
            try perform("agreement on a failure") { [endpoint] in try endpoint.throwFailure() }
        } catch let agreed as RankFailure {
            return agreed
        } catch {
            return own
        }
        return own
    }

    /// A fixed point: returns when every rank has come to it, throws on all if any has failed.
    ///
    /// A rank that has something to report gives its failure, and all throw it.
    public func agree(_ failure: RankFailure? = nil) throws {
        guard let failure else { return try barrier() }
        throw fail(exitCode: failure.exitCode, message: failure.message)
    }

    /// Whether some rank is known to have failed.
    ///
    /// Costs one load: loops that don't communicate ask it and call `checkFailure()`.
    public var hasFailure: Bool { endpoint.hasFailure }

    /// Throws the failure of another rank if one is known.
    public func checkFailure() throws {
        guard endpoint.hasFailure else { return }
        try perform("agreement on a failure") { [endpoint] in try endpoint.throwFailure() }
    }

    // MARK: The account

    /// What this rank has moved and waited since the start.
    public var trafficSoFar: Traffic {
        var account = traffic.snapshot
        if let times = thread?.times {
            account.secondsWaited = times.waited
            account.secondsCommunicating = times.communicating
            account.operations = times.operations
        }
        return account
    }

    // MARK: Running operations

    /// Runs `work` on the communication thread and waits for it.
    func perform(_ name: String, _ work: @escaping () throws -> Void) throws {
        guard let thread else { return try work() }
        try thread.wait(for: thread.submit(name, work))
    }

    /// Runs a collective on the communication thread and waits for it.
    func collective(_ name: String, _ work: @escaping () throws -> Void) throws {
        try startCollective(name, work).wait()
    }

    /// Queues a collective and returns.
    func startCollective(_ name: String, _ work: @escaping () throws -> Void) -> PendingOperation {
        let endpoint = endpoint
        let guarded = {
            try endpoint.throwFailure()
            endpoint.open(name)
            defer { endpoint.close() }
            do {
                try work()
            } catch let error as CollectiveError {
                // Nobody throws alone: the others wait in this collective.
                endpoint.raise(
                    RankFailure(
                        rank: endpoint.rank, exitCode: RankFailure.communicationExitCode,
                        message: error.message))
                try endpoint.throwFailure()
                throw error
            }
        }
        guard let thread else {
            return PendingOperation(finished: name, Result { try guarded() })
        }
        return thread.submit(name, guarded)
    }

    /// Starts messages and counts their bytes; on the communication thread.
    func start(_ messages: [Message]) throws -> any MessageBatch {
        traffic.count(messages)
        return try endpoint.start(messages)
    }

    /// Starts messages and waits for them; on the communication thread.
    func exchange(_ messages: [Message]) throws {
        try endpoint.finish(start(messages))
    }

    /// The peers of this rank, beginning with its right neighbour: so ranks don't all send to the
    /// same one at a time.
    var peers: [Int] { (1..<max(size, 1)).map { (rank + $0) % size } }

    /// Ends the communication thread of a world of threads; nothing may be called after.
    func stop() {
        _ = thread?.stop(within: .infinity) { [endpoint] in endpoint.shutDown() }
    }

    /// The counters that were made, by name.
    var counters: CounterRegistry { counterRegistry }
}
