// Work handed to the communication thread, and the handle by which its giver waits for it.

/// An operation that runs while its caller computes.
///
/// Buffers given to it belong to it until `wait()` has returned or thrown. Every pending operation
/// must be waited for.
public final class PendingOperation: @unchecked Sendable {
    enum Outcome {
        case open
        case done
        case failed(any Error)
    }

    let name: String
    private let work: () throws -> Void
    private let thread: CommunicationThread?
    private var outcome = Outcome.open

    init(name: String, thread: CommunicationThread, work: @escaping () throws -> Void) {
        self.name = name
        self.thread = thread
        self.work = work
    }

    /// An operation that needed no other rank and is done already.
    init(finished name: String, _ result: Result<Void, any Error>) {
        self.name = name
        thread = nil
        work = {}
        switch result {
        case .success: outcome = .done
        case .failure(let error): outcome = .failed(error)
        }
    }

    /// Waits for the end of the operation; throws what it threw.
    public func wait() throws {
        if let thread {
            try thread.wait(for: self)
        } else if case .failed(let error) = outcome {
            throw error
        }
    }

    /// Whether `wait()` would return at once.
    public var isFinished: Bool {
        guard let thread else { return true }
        return thread.isFinished(self)
    }

    // The rest is called by the communication thread; the outcome is guarded by its monitor.

    func run() -> Outcome {
        do {
            try work()
            return .done
        } catch {
            return .failed(error)
        }
    }

    func set(_ outcome: Outcome) {
        self.outcome = outcome
    }

    /// The error if it failed, nil if it is done; not asked before it is over.
    var result: Result<Void, any Error>? {
        switch outcome {
        case .open: nil
        case .done: .success(())
        case .failed(let error): .failure(error)
        }
    }
}
