// Texts that arrive together go through the model together: one thread takes what waits, up to a count
// of tokens, and runs one pass. While it computes, the next batch gathers by itself, so nothing waits
// for company that may not come.

import Foundation
import Models

/// The texts that wait for a classifier.
final class BatchQueue: Sendable {
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
    private let queue: RequestQueue<Entry>

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
        queue = RequestQueue(limit: limits.waitingTexts)
    }

    /// How many texts wait.
    var waitingCount: Int { queue.waitingCount }

    /// Whether it takes no more texts.
    var isStopping: Bool { queue.isStopping }

    /// Starts the computing thread.
    func start() {
        queue.start(name: "retort-serve") { [self] in work() }
    }

    /// Computes what waits, refuses what comes, and returns when the thread has ended.
    ///
    /// A queue that was never started refuses what waits too.
    func stop() async {
        await queue.stop { deliver(.failure(ServeError.stopping), to: $0) }
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
            let request = Pending(continuation, count: texts.count)
            let entries = texts.enumerated().map { index, tokens in
                Entry(tokens: tokens, request: request, index: index)
            }
            if let refusal = queue.put(entries) { continuation.resume(throwing: refusal) }
        }
    }

    private func work() {
        let forward = makeForward()
        while let batch = queue.take(waits: true, count) {
            metrics.noteBatch(
                texts: batch.count, tokens: batch.reduce(0) { $0 + $1.tokens.ids.count })
            let results = Result { try forward(batch.map(\.tokens)) }
            for (position, entry) in batch.enumerated() {
                deliver(results.map { $0[position] }, to: entry)
            }
        }
    }

    /// How many of those that wait go through the model together.
    private func count(_ waiting: [Entry]) -> Int {
        var (count, tokens) = (0, 0)
        while count < waiting.count {
            tokens += waiting[count].tokens.ids.count
            if count > 0, tokens > limits.batchTokens { break }
            count += 1
        }
        return count
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
