// Texts that are generated for requests: one thread steps through all that run, a token each; a request
// joins between two steps as soon as there is room, and leaves when its text ends. Nobody waits for a
// batch to end.
//
// The thread is one of the operating system's: computation must not sit in Swift's cooperative pool.

import Foundation
import Models

/// The requests that a decoder works at.
final class GenerationQueue: @unchecked Sendable {
    /// What bounds it.
    struct Limits: Sendable {
        /// Texts that grow together.
        var runningTexts = 64
        /// Texts that may wait.
        var waitingTexts = 1024
    }

    private let limits: Limits
    private let metrics: ServeMetrics
    private let makeBatch: @Sendable () -> GenerationBatch
    /// Guards everything below.
    private let condition = NSCondition()
    private var waiting: [Entry] = []
    private var state = State.idle
    private var onEnd: [CheckedContinuation<Void, Never>] = []

    private enum State {
        case idle, running, stopping, ended
    }

    /// A text, and who wants it.
    private struct Entry {
        let request: GenerationRequest
        let answer: CheckedContinuation<Generation, any Error>
    }

    /// An empty queue; it computes once it is started.
    ///
    /// - Parameter makeBatch: Makes the batch on the thread that will step it.
    init(
        limits: Limits, metrics: ServeMetrics,
        makeBatch: @escaping @Sendable () -> GenerationBatch
    ) {
        self.limits = limits
        self.metrics = metrics
        self.makeBatch = makeBatch
    }

    /// How many texts wait.
    var waitingCount: Int { condition.withLock { waiting.count } }

    /// Starts the computing thread.
    func start() {
        let starts = condition.withLock {
            defer { if state == .idle { state = .running } }
            return state == .idle
        }
        guard starts else { return }
        let thread = Thread { [self] in work() }
        thread.name = "retort-generate"
        // The model's code expects the stack of a main thread.
        thread.stackSize = 16 << 20
        thread.start()
    }

    /// Finishes what runs and waits, refuses what comes, and returns when the thread has ended.
    func stop() async {
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
            for entry in refused { entry.answer.resume(throwing: ServeError.stopping) }
            continuation.resume()
        }
    }

    /// The text that a request comes to.
    ///
    /// - Throws: `ServeError` where too much waits or the server stops, `ModelError` for a request that
    ///   the model can't read.
    func generate(_ request: GenerationRequest) async throws -> Generation {
        try await withCheckedThrowingContinuation { continuation in
            let refusal: ServeError? = condition.withLock {
                guard state == .idle || state == .running else { return .stopping }
                guard waiting.count < limits.waitingTexts else {
                    return .queueFull(waiting: waiting.count)
                }
                waiting.append(Entry(request: request, answer: continuation))
                condition.signal()
                return nil
            }
            if let refusal { continuation.resume(throwing: refusal) }
        }
    }

    // MARK: - The thread

    private func work() {
        let batch = makeBatch()
        var running: [Int: Entry] = [:]
        while let joining = next(running.count) {
            for entry in joining { join(entry, batch, &running) }
            guard batch.count > 0 else { continue }
            metrics.noteBatch(texts: batch.count, tokens: batch.count)
            do throws(ModelError) {
                for event in try batch.step() {
                    guard let finished = event.finished else { continue }
                    running.removeValue(forKey: event.text)?.answer.resume(returning: finished)
                }
            } catch {
                // The model is broken for all of them.
                for (name, entry) in running {
                    batch.remove(name)
                    entry.answer.resume(throwing: error)
                }
                running = [:]
            }
        }
        let ended = condition.withLock {
            state = .ended
            return onEnd
        }
        for continuation in ended { continuation.resume() }
    }

    private func join(_ entry: Entry, _ batch: GenerationBatch, _ running: inout [Int: Entry]) {
        do throws(ModelError) {
            running[try batch.add(entry.request)] = entry
        } catch {
            entry.answer.resume(throwing: ServeError.invalid(error.message))
        }
    }

    /// What joins now; waits while nothing runs and nothing comes; nil when nothing will.
    private func next(_ running: Int) -> [Entry]? {
        condition.withLock {
            while waiting.isEmpty, running == 0 {
                if state == .stopping { return nil }
                condition.wait()
            }
            let count = min(waiting.count, max(0, limits.runningTexts - running))
            let joining = Array(waiting[..<count])
            waiting.removeFirst(count)
            return joining
        }
    }
}
