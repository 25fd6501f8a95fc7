// A decoder behind the routes: a small trained one, whose greedy text is recorded.

import Foundation
import Models
import TensorCore
import TestSupport
import Testing

@testable import retort

private let name = "data/stories260k"

@Suite(
    .enabled(
        if: SharedData.has("\(name)/model.safetensors"), "\(name) isn't beside the repository"))
struct ServeDecoderTests {
    private func served(_ options: ServedDecoder.Options = .init()) throws -> ServedDecoder {
        let model = try ServedDecoder(
            folder: SharedData.path(name), options: options, compute: Compute(threads: 1),
            metrics: ServeMetrics())
        model.start()
        return model
    }

    private func request(_ text: String, tokens: Int) -> CompletionRequest {
        var request = CompletionRequest(prompt: .text(text), maximumTokens: tokens)
        request.temperature = 0
        return request
    }

    @Test func greedyTextsAreTheSameAloneAndTogether() async throws {
        let model = try served()
        let beginnings = ["Once upon a time", "The big dog was", "Lily's mom said"]
        let prompts = (0..<12).map { beginnings[$0 % 3] }
        var alone: [String] = []
        for prompt in prompts {
            alone.append(try await model.complete(request(prompt, tokens: 20)).choices[0].text)
        }
        let together = try await withThrowingTaskGroup(of: (Int, String).self) { group in
            for (index, prompt) in prompts.enumerated() {
                group.addTask {
                    (
                        index,
                        try await model.complete(self.request(prompt, tokens: 20)).choices[0].text
                    )
                }
            }
            var texts = [String](repeating: "", count: prompts.count)
            for try await (index, text) in group { texts[index] = text }
            return texts
        }
        #expect(alone == together)
        #expect(alone[0] != alone[1])
        #expect(alone[0] == alone[3])
        await model.stop()
    }

    @Test func answersSayWhyTheyEndAndWhatTheyCost() async throws {
        let model = try served()
        var asked = request("Once upon a time", tokens: 5)
        asked.alternatives = 3
        let answer = try await model.complete(asked)
        #expect(answer.choices[0].finishReason == "length")
        #expect(answer.completionTokens == 5)
        #expect(answer.choices[0].tokens.allSatisfy { $0.alternatives.count == 3 })
        for token in answer.choices[0].tokens {
            // Greedy: what was taken is the likeliest.
            #expect(token.logProbability == token.alternatives[0].logProbability)
            #expect(token.logProbability <= 0)
        }
        asked.stops = [","]
        asked.maximumTokens = 50
        let stopped = try await model.complete(asked)
        #expect(stopped.choices[0].finishReason == "stop")
        #expect(!stopped.choices[0].text.contains(","))
        await model.stop()
    }

    @Test func severalAnswersDifferAndRepeatBySeed() async throws {
        let model = try served()
        var asked = request("Once upon a time", tokens: 16)
        asked.temperature = 1
        asked.choiceCount = 3
        asked.seed = 5
        let first = try await model.complete(asked).choices.map(\.text)
        #expect(Set(first).count == 3)
        #expect(try await model.complete(asked).choices.map(\.text) == first)
        await model.stop()
    }

    @Test func whatCannotBeAnsweredIsRefusedInWords() async throws {
        let model = try served()
        let chat = CompletionRequest(prompt: .chat([.init(role: "user", text: "hello")]))
        await #expect {
            _ = try await model.complete(chat)
        } throws: { error in
            (error as? ServeError)?.message.contains("--chat-template") == true
        }
        let long = request(String(repeating: "word ", count: 2000), tokens: 5)
        await #expect {
            _ = try await model.complete(long)
        } throws: { error in
            (error as? ServeError)?.code == "context_length_exceeded"
        }
        await model.stop()
        await #expect {
            _ = try await model.complete(self.request("Once", tokens: 5))
        } throws: { error in
            (error as? ServeError) == ServeError.stopping
        }
    }
}
