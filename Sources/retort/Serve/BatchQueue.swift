// Texts that arrive together go through the model together: one thread takes what waits, up to a count
// of tokens, and runs one pass. While it computes, the next batch gathers by itself, so nothing waits
// for company that may not come.
//
// The thread is one of the operating system's: computation must not sit in Swift's cooperative pool.

import Foundation
import Models

/// The texts that wait for the model.
final class BatchQueue: @unchecked Sendable {
    /// Runs texts through the model; used on one thread alone.
    typealias Forward = ([TokenSequence]) throws -> [[Double]]

    /// What bounds it.
    struct Limits: Sendable {
        /// Tokens of a pass; a longer text goes alone.
        var batchTokens = 4096
        /// Texts that may wait.
        var waitingTexts = 1024
    }

    private let limits: Limits
    private let metrics: ServeMetrics
    private let makeForward: @Sendable () -> Forward
    /// Guards everything below.
    private let condition = NSCondition()
    private var waiting: [Entry] = []
    private var state = State.idle
    private var onEnd: [CheckedContinuation<Void, Never>] = []

    private enum State {
        case idle, running, stopping, ended
    }

    /// A text, and the request that wants it.
    private struct Entry {
        let tokens: TokenSequence
        let request: Pending
        let index: Int
    }

    /// A request's results as they come; touched by one thread alone, the computing one.
    private final class Pending: @unchecked Sendable {
        let continuation: CheckedContinuation<[[Double]], any Error>
        var results: [[Double]]
        var missing: Int
        var hasFailed = false

        init(_ continuation: CheckedContinuation<[[Double]], any Error>, count: Int) {
            self.continuation = continuation
            results = Array(repeating: [], count: count)
            missing = count
        }
    }

    /// An empty queue; it computes once it is started.
    ///
    /// - Parameters:
    ///   - makeForward: Makes the pass on the thread that will run it.
    init(
        limits: Limits, metrics: ServeMetrics, makeForward: @escaping @Sendable () -> Forward
    ) {
        self.limits = limits
        self.metrics = metrics
        self.makeForward = makeForward
    }

    /// How many texts wait.
    var waitingCount: Int { condition.withLock { waiting.count } }

    /// Whether it takes no more texts.
    var isStopping: Bool { condition.withLock { state == .stopping || state == .ended } }

    /// Starts the computing thread.
    func start() {
        let starts = condition.withLock {
            defer { if state == .idle { state = .running } }
            return state == .idle
        }
        guard starts else { return }
        let thread = Thread { [self] in work() }
        thread.name = "retort-serve"
        // The model's code expects the stack of a main thread.
        thread.stackSize = 16 << 20
        thread.start()
    }

    /// Computes what waits, refuses what comes, and returns when the thread has ended.
    ///
    /// A queue that was never started refuses what waits too.
    func stop() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let (hasEnded, refused) = condition.withLock {
                switch state {
                case .ended: return (true, [Entry]())
                case .idle:
                    state = .ended
                    defer { waiting = [] }
                    return (true, waiting)
                case .running, .stopping:
                    state = .stopping
                    onEnd.append(continuation)
                    condition.broadcast()
                    return (false, [])
                }
            }
            for entry in refused { deliver(.failure(ServeError.stopping), to: entry) }
            if hasEnded { continuation.resume() }
        }
    }

    /// The probabilities of texts, in their order.
    ///
    /// - Throws: `ServeError` where too much waits or the server stops; what the pass throws.
    func probabilities(_ texts: [TokenSequence]) async throws -> [[Double]] {
        guard texts.count <= limits.waitingTexts else {
            throw ServeError.invalid(
                "\(texts.count) texts in a request; this server takes \(limits.waitingTexts)")
        }
        guard !texts.isEmpty else { return [] }
        return try await withCheckedThrowingContinuation { continuation in
            if let refusal = enqueue(texts, continuation) { continuation.resume(throwing: refusal) }
        }
    }

    private func enqueue(
        _ texts: [TokenSequence], _ continuation: CheckedContinuation<[[Double]], any Error>
    ) -> ServeError? {
        condition.withLock {
            guard state == .idle || state == .running else { return .stopping }
            guard waiting.count + texts.count <= limits.waitingTexts else {
                return .queueFull(waiting: waiting.count)
            }
            let request = Pending(continuation, count: texts.count)
            for (index, tokens) in texts.enumerated() {
                waiting.append(Entry(tokens: tokens, request: request, index: index))
            }
            condition.signal()
            return nil
        }
    }

    private func work() {
        let forward = makeForward()
        while let batch = next() {
            metrics.noteBatch(
                texts: batch.count, tokens: batch.reduce(0) { $0 + $1.tokens.ids.count })
            let results = Result { try forward(batch.map(\.tokens)) }
            for (position, entry) in batch.enumerated() {
                deliver(results.map { $0[position] }, to: entry)
            }
        }
        let ended = condition.withLock {
            state = .ended
            return onEnd
        }
        for continuation in ended { continuation.resume() }
    }

    /// The next batch, when there is one; nil when nothing will come.
    private func next() -> [Entry]? {
        condition.withLock {
            while waiting.isEmpty {
                if state == .stopping { return nil }
                condition.wait()
            }
            var (count, tokens) = (0, 0)
            while count < waiting.count {
                tokens += waiting[count].tokens.ids.count
                if count > 0, tokens > limits.batchTokens { break }
                count += 1
            }
            let batch = Array(waiting[..<count])
            waiting.removeFirst(count)
            return batch
        }
    }

    private func deliver(_ result: Result<[Double], any Error>, to entry: Entry) {
        let request = entry.request
        guard !request.hasFailed else { return }
        switch result {
        case .success(let probabilities):
            request.results[entry.index] = probabilities
            request.missing -= 1
            if request.missing == 0 { request.continuation.resume(returning: request.results) }
        case .failure(let error):
            request.hasFailed = true
            request.continuation.resume(throwing: error)
        }
    }
}
