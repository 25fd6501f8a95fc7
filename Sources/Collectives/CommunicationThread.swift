// The one thread of a rank that communicates. MPI is initialised FUNNELED: every MPI call is made
// here. Others hand operations over, in the order in which all ranks make them, and wait or compute.
//
// Rejected: MPI_THREAD_MULTIPLE, where any thread may call. Open MPI takes a lock in every call then,
// gives no progress to a rank that isn't inside MPI either way, and its one-sided component for
// networks without RDMA refuses to work.
//
// A rank often has one core for both threads. So the thread sleeps on a condition when there is
// nothing to do, wakes on its own only as often as `Endpoint.idle` asks, and while an operation is in
// flight that nobody waits for, it looks after it in pauses (`Patience`).

import Synchronization

/// A queue of operations and the thread that runs them.
final class CommunicationThread: @unchecked Sendable {
    private let monitor = Monitor()
    private var queue: [PendingOperation] = []
    private var isStopping = false
    private var thread: SystemThread?
    private let waiting = Atomic<Int>(0)
    private var secondsWaited = 0.0
    private var secondsCommunicating = 0.0
    private var operations = 0

    /// Starts the thread.
    ///
    /// `prepare` runs on it first and makes the endpoint; the initialiser waits for that and throws
    /// what it throws.
    init(name: String, prepare: @escaping (CommunicationThread) throws -> any Endpoint) throws {
        var prepared: Result<any Endpoint, any Error>?
        let box = UnsafeTransfer(prepare)
        let store = UnsafeTransfer { (result: Result<any Endpoint, any Error>) in
            prepared = result
        }
        thread = try SystemThread(name: name) { [unowned self] in
            let result = Result { try box.value(self) }
            self.monitor.withLock {
                store.value(result)
                self.monitor.wakeAll()
            }
            if case .success(let endpoint) = result { self.loop(endpoint) }
        }
        monitor.withLock {
            while prepared == nil { monitor.wait() }
        }
        if case .failure(let error) = prepared {
            thread?.join()
            throw error
        }
    }

    /// Whether some thread stands still until an operation is over.
    var hasWaitingCaller: Bool { waiting.load(ordering: .relaxed) > 0 }

    /// Hands an operation over and returns at once.
    func submit(_ name: String, _ work: @escaping () throws -> Void) -> PendingOperation {
        let operation = PendingOperation(name: name, thread: self, work: work)
        monitor.withLock {
            precondition(!isStopping, "\(name) after the end of the world")
            queue.append(operation)
            monitor.wakeAll()
        }
        return operation
    }

    /// Waits until an operation is over.
    func wait(for operation: PendingOperation) throws {
        let result = monitor.withLock { () -> Result<Void, any Error> in
            if let result = operation.result { return result }
            let start = monotonicSeconds()
            waiting.add(1, ordering: .relaxed)
            // The thread may be pausing for the sake of our core, which is now idle.
            monitor.wakeAll()
            var result = operation.result
            while result == nil {
                monitor.wait()
                result = operation.result
            }
            waiting.subtract(1, ordering: .relaxed)
            secondsWaited += monotonicSeconds() - start
            return result ?? .success(())
        }
        try result.get()
    }

    func isFinished(_ operation: PendingOperation) -> Bool {
        monitor.withLock { operation.result != nil }
    }

    /// Sleeps on the communication thread, inside an operation; a caller that begins to wait ends it.
    func pause(seconds: Double) {
        monitor.withLock { monitor.wait(seconds: seconds) }
    }

    /// Ends a pause.
    ///
    /// Any thread may call it.
    func wake() {
        monitor.withLock { monitor.wakeAll() }
    }

    /// The times of the account.
    var times: (waited: Double, communicating: Double, operations: Int) {
        monitor.withLock { (secondsWaited, secondsCommunicating, operations) }
    }

    /// Waits at most `seconds`; whether the operation is over.
    func wait(for operation: PendingOperation, within seconds: Double) -> Bool {
        let deadline = monotonicSeconds() + seconds
        return monitor.withLock {
            waiting.add(1, ordering: .relaxed)
            defer { waiting.subtract(1, ordering: .relaxed) }
            monitor.wakeAll()
            while operation.result == nil {
                let left = deadline - monotonicSeconds()
                guard left > 0 else { return false }
                monitor.wait(seconds: min(left, 3600))
            }
            return true
        }
    }

    /// Runs what is queued, then `last` on the thread, and joins it.
    ///
    /// If that takes longer than `seconds` the thread is left behind and nil returned.
    func stop(within seconds: Double, last: @escaping () -> Bool) -> Bool? {
        var isInOrder: Bool?
        let operation = submit("shut down") { isInOrder = last() }
        monitor.withLock { isStopping = true }
        guard wait(for: operation, within: seconds) else {
            thread?.letGo()
            return nil
        }
        thread?.join()
        return isInOrder
    }

    private func loop(_ endpoint: any Endpoint) {
        while let operation = next(endpoint) {
            let start = monotonicSeconds()
            let outcome = operation.run()
            let seconds = monotonicSeconds() - start
            monitor.withLock {
                secondsCommunicating += seconds
                operations += 1
                operation.set(outcome)
                monitor.wakeAll()
            }
        }
    }

    /// The next operation; nil when there will be none.
    ///
    /// Serves the endpoint while it waits.
    private func next(_ endpoint: any Endpoint) -> PendingOperation? {
        while true {
            let operation = monitor.withLock { queue.isEmpty ? nil : queue.removeFirst() }
            if let operation { return operation }
            if monitor.withLock({ isStopping }) { return nil }
            let pause = endpoint.idle()
            monitor.withLock {
                guard queue.isEmpty, !isStopping else { return }
                if let pause { monitor.wait(seconds: pause) } else { monitor.wait() }
            }
        }
    }
}

/// Carries a value to the communication thread where the compiler can't see that only one thread
/// uses it at a time.
struct UnsafeTransfer<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
