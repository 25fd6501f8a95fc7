// Texts that are generated for requests: one thread steps through all that run, a token each; a request
// joins between two steps as soon as there is room, and leaves when its text ends. Nobody waits for a
// batch to end.

import Foundation
import Models

/// The requests that a decoder works at.
final class GenerationQueue: Sendable {
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
    private let queue: RequestQueue<Entry>

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
        queue = RequestQueue(limit: limits.waitingTexts)
    }

    /// How many texts wait.
    var waitingCount: Int { queue.waitingCount }

    /// Starts the computing thread.
    func start() {
        queue.start(name: "retort-generate") { [self] in work() }
    }

    /// Finishes what runs and waits, refuses what comes, and returns when the thread has ended.
    func stop() async {
        await queue.stop { $0.answer.resume(throwing: ServeError.stopping) }
    }

    /// The text that a request comes to.
    ///
    /// - Throws: `ServeError` where too much waits, the server stops, or the model can't read it.
    func generate(_ request: GenerationRequest) async throws -> Generation {
        try await withCheckedThrowingContinuation { continuation in
            let refusal = queue.put([Entry(request: request, answer: continuation)])
            if let refusal { continuation.resume(throwing: refusal) }
        }
    }

    private func work() {
        let batch = makeBatch()
        var running: [Int: Entry] = [:]
        while true {
            let room = limits.runningTexts - running.count
            guard let joining = queue.take(waits: running.isEmpty, { min($0.count, room) }) else {
                return
            }
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
    }

    private func join(_ entry: Entry, _ batch: GenerationBatch, _ running: inout [Int: Entry]) {
        do throws(ModelError) {
            running[try batch.add(entry.request)] = entry
        } catch {
            entry.answer.resume(throwing: ServeError.invalid(error.message))
        }
    }
}
