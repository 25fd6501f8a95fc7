// A world whose ranks are threads of this process: for tests, for machines without MPI, and to look
// at distributed code in one debugger. It runs the same collectives as MPI, with the same bits.

import Synchronization

/// Runs code on several ranks in this process.
public enum ThreadWorld {
    /// Runs `body` once a rank, each on a thread of its own, and returns the results in rank order.
    ///
    /// An error that leaves the body of one rank makes the others fail with `RankFailure`; the
    /// original error is thrown, that of the lowest rank if several failed by themselves.
    public static func run<Value>(
        ranks: Int, watchdog: WatchdogOptions = WatchdogOptions(),
        _ body: @escaping @Sendable (Communicator) throws -> Value
    ) throws -> [Value] {
        precondition(ranks > 0, "a world of \(ranks) ranks")
        let communicators = try makeCommunicators(ranks: ranks, watchdog: watchdog)
        let results = ResultBoard<Value>(count: ranks)
        var threads: [SystemThread] = []
        var startError: (any Error)?
        for communicator in communicators {
            do {
                threads.append(
                    try SystemThread(name: "rank \(communicator.rank)") {
                        results.set(communicator.rank, attempt(body, communicator))
                    })
            } catch {
                _ = communicator.fail(exitCode: RankFailure.defaultExitCode, message: "\(error)")
                startError = error
                break
            }
        }
        for thread in threads { thread.join() }
        for communicator in communicators { communicator.stop() }
        if let startError { throw startError }
        return try results.values()
    }

    private static func attempt<Value>(
        _ body: (Communicator) throws -> Value, _ communicator: Communicator
    ) -> Result<Value, any Error> {
        do {
            let value = try body(communicator)
            try communicator.checkFailure()
            return .success(value)
        } catch {
            if !communicator.hasFailure {
                _ = communicator.fail(
                    exitCode: RankFailure.defaultExitCode, message: String(describing: error))
            }
            return .failure(error)
        }
    }

    private static func makeCommunicators(
        ranks: Int, watchdog: WatchdogOptions
    ) throws -> [Communicator] {
        guard ranks > 1 else { return [Communicator(endpoint: SoloEndpoint(), thread: nil)] }
        let hall = SharedHall(size: ranks)
        return try (0..<ranks).map { rank in
            let endpoint = ThreadEndpoint(rank: rank, hall: hall, watchdog: watchdog)
            let thread = try CommunicationThread(name: "talk \(rank)") { _ in endpoint }
            return Communicator(endpoint: endpoint, thread: thread)
        }
    }
}

/// Where the ranks leave their results.
private final class ResultBoard<Value>: @unchecked Sendable {
    private let monitor = Monitor()
    private var results: [Result<Value, any Error>?]

    init(count: Int) {
        results = Array(repeating: nil, count: count)
    }

    func set(_ rank: Int, _ result: Result<Value, any Error>) {
        monitor.withLock { results[rank] = result }
    }

    /// All values; or the first error that a rank had by itself, or else the first one.
    func values() throws -> [Value] {
        let results = monitor.withLock { self.results.compactMap { $0 } }
        let errors = results.compactMap { result -> (any Error)? in
            if case .failure(let error) = result { error } else { nil }
        }
        if let error = errors.first(where: { !($0 is RankFailure) }) ?? errors.first { throw error }
        return try results.map { try $0.get() }
    }
}
