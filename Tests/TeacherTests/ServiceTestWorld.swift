// Services of one or several ranks in the test's process, and a journal that remembers.

import Collectives
import Corpus
import Foundation
import Synchronization

@testable import Teacher

/// Remembers attempts, and what became of them.
final class MemoryJournal: AttemptJournal {
    struct Entries: Sendable {
        var sent: [Attempt] = []
        var lost: [String] = []
        var released = 0
        var batches = 0
    }

    private let state = Mutex(Entries())
    private let failure: TeacherError?

    init(failing failure: TeacherError? = nil) {
        self.failure = failure
    }

    var entries: Entries { state.withLock { $0 } }

    func willSend(_ attempts: [Attempt]) throws {
        if let failure { throw failure }
        state.withLock {
            $0.sent += attempts
            $0.batches += 1
        }
    }

    func lost(_ attempt: Attempt, reason: String) throws {
        state.withLock { $0.lost.append(reason) }
    }

    func released(_ attempt: Attempt) throws {
        state.withLock { $0.released += 1 }
    }
}

enum ServiceTestWorld {
    /// Runs asynchronous code on every rank of a world of threads, with the limits of a job.
    ///
    /// The limits are made by the ranks' own threads: a collective would block the cooperative pool.
    static func run<Value: Sendable>(
        ranks: Int, budget: TeacherBudget = TeacherBudget(), rate: TeacherRate = TeacherRate(),
        spent: TeacherSpending = TeacherSpending(),
        _ body: @escaping @Sendable (JobLimits) async throws -> Value
    ) async throws -> [Value] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try ThreadWorld.run(ranks: ranks) { communicator in
                            let limits = try JobLimits(
                                on: communicator, budget: budget, rate: rate, spent: spent)
                            let done = DispatchSemaphore(value: 0)
                            let result = Mutex<Result<Value, any Error>>(
                                .failure(CancellationError()))
                            Task {
                                do {
                                    let value = try await body(limits)
                                    result.withLock { $0 = .success(value) }
                                } catch {
                                    result.withLock { $0 = .failure(error) }
                                }
                                done.signal()
                            }
                            done.wait()
                            return try result.withLock { $0 }.get()
                        }
                    })
            }
        }
    }

    /// Runs code with a service of one rank and shuts it down.
    static func withService<Value: Sendable>(
        _ options: ServiceOptions, budget: TeacherBudget = TeacherBudget(),
        rate: TeacherRate = TeacherRate(), journal: MemoryJournal = MemoryJournal(),
        _ body: @escaping @Sendable (TeacherService) async throws -> Value
    ) async throws -> Value {
        try await run(ranks: 1, budget: budget, rate: rate) { limits in
            try await using(
                TeacherService(
                    options: options, limits: limits, journal: journal, seed: 7,
                    inspect: inspection), body)
        }[0]
    }

    static func using<Value>(
        _ service: TeacherService, _ body: (TeacherService) async throws -> Value
    ) async throws -> Value {
        do {
            let value = try await body(service)
            await service.shutdown()
            return value
        } catch {
            await service.shutdown()
            throw error
        }
    }

    static func request(_ number: Int, prompt: Int = 10, completion: Int = 10) -> TeacherRequest {
        TeacherRequest(
            route: .chatCompletions, body: Array("{\"n\":\(number)}".utf8),
            promptTokenBound: prompt, completionTokenBound: completion)
    }

    /// Asks and settles at once, as if the answer had been committed.
    static func ask(
        _ service: TeacherService, _ number: Int, prompt: Int = 10, completion: Int = 10
    ) async -> RequestOutcome {
        let request = request(number, prompt: prompt, completion: completion)
        let outcome = await service.answer(request, key: request.key(teacher: "test"))
        if case .answered(let response, let attempt) = outcome {
            service.settle(attempt, usage: response.usage)
        }
        return outcome
    }

    static let inspection: ResponseInspection = { body in
        guard
            let whole = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            let choices = whole["choices"] as? [[String: Any]], let first = choices.first
        else { return (nil, nil, isWhole: false) }
        let counts = whole["usage"] as? [String: Any]
        let usage = (counts?["prompt_tokens"] as? Int).flatMap { prompt in
            (counts?["completion_tokens"] as? Int).map {
                LabelRecord.Usage(promptTokens: prompt, completionTokens: $0)
            }
        }
        return (usage, first["finish_reason"] as? String, isWhole: true)
    }
}

extension RequestOutcome {
    var isAnswered: Bool { if case .answered = self { true } else { false } }
    var isOverBudget: Bool { if case .overBudget = self { true } else { false } }
    /// All that it says in words.
    var words: String { "\(self)" }
}
