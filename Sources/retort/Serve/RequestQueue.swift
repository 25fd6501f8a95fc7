// What waits for a model, and the one thread that works it off: what batches of a classifier and texts of a
// decoder have in common.
//
// The thread is one of the operating system's: computation must not sit in Swift's cooperative pool.

import Foundation

/// A bounded queue with its working thread.
final class RequestQueue<Entry>: @unchecked Sendable {
    /// How many entries may wait.
    let limit: Int
    /// Guards everything below.
    private let condition = NSCondition()
    private var waiting: [Entry] = []
    private var state = State.idle
    private var onEnd: [CheckedContinuation<Void, Never>] = []

    private enum State {
        case idle, running, stopping, ended
    }

    /// An empty queue; nothing works it off until it is started.
    init(limit: Int) {
        self.limit = limit
    }

    /// How many entries wait.
    var waitingCount: Int { condition.withLock { waiting.count } }

    /// Whether it takes nothing any more.
    var isStopping: Bool { condition.withLock { state == .stopping || state == .ended } }

    /// Starts the thread, once; `work` takes entries until there are none, and returns.
    func start(name: String, _ work: @escaping @Sendable () -> Void) {
        let starts = condition.withLock {
            defer { if state == .idle { state = .running } }
            return state == .idle
        }
        guard starts else { return }
        let thread = Thread { [self] in
            work()
            let ended = condition.withLock {
                state = .ended
                return onEnd
            }
            for continuation in ended { continuation.resume() }
        }
        thread.name = name
        // The model's code expects the stack of a main thread.
        thread.stackSize = 16 << 20
        thread.start()
    }

    /// Works off what waits, takes nothing more, and returns when the thread has ended.
    ///
    /// - Parameter refuse: Told of what waits in a queue that was never started.
    func stop(refuse: (Entry) -> Void) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let refused: [Entry]? = condition.withLock {
                switch state {
                case .ended: return []
                case .idle:
                    state = .ended
                    defer { waiting = [] }
                    return waiting
                case .running, .stopping:
                    state = .stopping
                    onEnd.append(continuation)
                    condition.broadcast()
                    return nil
                }
            }
            guard let refused else { return }
            for entry in refused { refuse(entry) }
            continuation.resume()
        }
    }

    /// Adds entries; why not, if it doesn't.
    func put(_ entries: [Entry]) -> ServeError? {
        condition.withLock {
            guard state == .idle || state == .running else { return .stopping }
            guard waiting.count + entries.count <= limit else {
                return .queueFull(waiting: waiting.count)
            }
            waiting += entries
            condition.signal()
            return nil
        }
    }

    /// The first entries, as many as `count` says of those that wait.
    ///
    /// - Parameter waits: Whether to wait for entries where there are none.
    /// - Returns: Nil when none waits and none will come.
    func take(waits: Bool, _ count: ([Entry]) -> Int) -> [Entry]? {
        condition.withLock {
            while waits, waiting.isEmpty {
                if state == .stopping { return nil }
                condition.wait()
            }
            let taken = Array(waiting.prefix(count(waiting)))
            waiting.removeFirst(taken.count)
            return taken
        }
    }
}
