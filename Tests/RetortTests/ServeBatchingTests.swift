// Requests that come together go through the model together, and each gets its own answer.

import Foundation
import Hummingbird
import Models
import TestSupport
import Testing

@testable import retort

@Suite struct ServeBatchingTests {
    /// Waits until so many texts wait.
    static func waitFor(_ count: Int, in model: ServedEncoder) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while model.waitingCount < count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(model.waitingCount == count)
    }

    private func run(
        _ client: ServeClient, _ body: @Sendable (ServeClient) async throws -> Void
    ) async throws {
        try await body(client)
    }

    @Test func sixtyFourTogether() async throws {
        let texts = ServeCase.texts(64)
        let serve = try ServeCase()
        let expected = try serve.expected(texts)
        let model = serve.model
        try await run(serve.client) { client in
            let answers = try await withThrowingTaskGroup(
                of: (Int, String).self, returning: [String].self
            ) { group in
                for (index, text) in texts.enumerated() {
                    group.addTask {
                        let answer = try await client.ask(
                            "/v1/completions", ["model": "tiny", "prompt": text, "logprobs": 1])
                        return (index, answer.text)
                    }
                }
                // The model starts when all are there: what it does then depends on no clock.
                try await Self.waitFor(64, in: model)
                model.start()
                var answers = [String](repeating: "", count: 64)
                for try await (index, answer) in group { answers[index] = answer }
                return answers
            }
            for (answer, probabilities) in zip(answers, expected) {
                let best = log(probabilities.max() ?? 0)
                #expect(answer.contains("\"token_logprobs\":\(written([best]))"))
            }
            let page = try await client.fetch("/metrics")
            #expect(page.metric("retort_batch_texts_count") == 1)
            #expect(page.metric("retort_batch_texts_sum") == 64)
            #expect(
                page.metric(
                    "retort_requests_total{route=\"/v1/completions\",status=\"200\"}") == 64)
            #expect(
                page.metric("retort_request_seconds_count{route=\"/v1/completions\"}") == 64)
            #expect(page.metric("retort_tokens_total{kind=\"completion\"}") == 64)
            #expect(
                page.metric("retort_tokens_total{kind=\"prompt\"}")
                    == page.metric("retort_batch_tokens_sum"))
            #expect(page.metric("retort_queue_waiting") == 0)
            // The page's own request.
            #expect(page.metric("retort_requests_in_flight") == 1)
        }
        await model.stop()
    }

    @Test func tokensBoundABatch() async throws {
        // Texts of 3 to 8 tokens: none alone is over 20, and every pass stays below it.
        let serve = try ServeCase(limits: .init(batchTokens: 20))
        try await serve.serve { client in
            _ = try await client.ask("/v1/classify", ["input": ServeCase.texts(50)])
            let page = try await client.fetch("/metrics")
            let passes = try #require(page.metric("retort_batch_tokens_count"))
            #expect(passes >= 50 / 6.0)
            #expect(page.metric("retort_batch_tokens_bucket{le=\"64\"}") == passes)
            #expect(page.metric("retort_batch_texts_sum") == 50)
        }
    }

    @Test func aFullQueueRefuses() async throws {
        let serve = try ServeCase(limits: .init(waitingTexts: 2))
        let model = serve.model
        try await run(serve.client) { client in
            async let first = client.ask("/v1/classify", ["input": ["a cat", "a dog"]])
            try await Self.waitFor(2, in: model)
            let refused = try await client.ask("/v1/classify", ["input": "a bird"])
            #expect(refused.status == 429 && refused.code == "queue_full")
            #expect(refused.headers[.retryAfter] == "1")
            let never = try await client.ask("/v1/classify", ["input": ["a", "a", "a"]])
            #expect(never.status == 400)
            model.start()
            #expect(try await first.status == 200)
        }
        await model.stop()
    }

    @Test func stoppingAnswersWhatWaits() async throws {
        let metrics = ServeMetrics()
        let gate = DispatchSemaphore(value: 0)
        let queue = BatchQueue(limits: .init(batchTokens: 1), metrics: metrics) {
            { texts in
                gate.wait()
                return texts.map { [Double($0.ids[0])] }
            }
        }
        queue.start()
        let asked = (0..<5).map { number in
            Task { try await queue.probabilities([TokenSequence(ids: [Int32(number)])]) }
        }
        // One is being computed, four wait.
        let deadline = ContinuousClock.now + .seconds(60)
        while queue.waitingCount < 4, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(2))
        }
        let stopped = Task { await queue.stop() }
        while !queue.isStopping, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(2))
        }
        await #expect(throws: ServeError.stopping) {
            _ = try await queue.probabilities([TokenSequence(ids: [9])])
        }
        for _ in 0..<5 { gate.signal() }
        for (number, task) in asked.enumerated() {
            #expect(try await task.value == [[Double(number)]])
        }
        await stopped.value
        await #expect(throws: ServeError.stopping) {
            _ = try await queue.probabilities([TokenSequence(ids: [1])])
        }
    }

    @Test func aFailedPassFailsItsTextsAlone() async throws {
        struct Failure: Error {}
        let queue = BatchQueue(limits: .init(batchTokens: 2), metrics: ServeMetrics()) {
            { texts in
                if texts.contains(where: { $0.ids[0] == 7 }) { throw Failure() }
                return texts.map { _ in [1] }
            }
        }
        queue.start()
        await #expect(throws: Failure.self) {
            _ = try await queue.probabilities((6...9).map { TokenSequence(ids: [$0, 0]) })
        }
        #expect(try await queue.probabilities([TokenSequence(ids: [8])]) == [[1]])
        await queue.stop()
    }
}
