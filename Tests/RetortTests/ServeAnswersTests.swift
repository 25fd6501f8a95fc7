// What the server answers: the classifier's own numbers, in the shapes that clients read.

import Foundation
import Hummingbird
import Models
import TestSupport
import Testing

@testable import retort

@Suite struct ServeAnswersTests {
    static let labels = ["one", "two", "three"]

    /// The index of the largest, and all indices by size.
    static func ranked(_ probabilities: [Double]) -> [Int] {
        probabilities.indices.sorted { probabilities[$0] > probabilities[$1] }
    }

    @Test func chatGivesTheDistribution() async throws {
        let serve = try ServeCase()
        let text = "the red cat runs"
        let expected = try serve.expected([text])[0]
        let ranked = Self.ranked(expected)
        try await serve.serve { client in
            let answer = try await client.ask(
                "/v1/chat/completions",
                [
                    "model": "tiny", "logprobs": true, "top_logprobs": 3, "temperature": 0,
                    "messages": [
                        ["role": "system", "content": "Say one, two or three."],
                        ["role": "user", "content": "a dog sings"],
                        ["role": "assistant", "content": "one"],
                        ["role": "user", "content": [["type": "text", "text": text]]],
                    ],
                ])
            #expect(answer.status == 200)
            #expect(answer.json["object"] as? String == "chat.completion")
            let message = answer.choice["message"] as? [String: Any]
            #expect(message?["content"] as? String == Self.labels[ranked[0]])
            #expect(answer.choice["finish_reason"] as? String == "stop")
            let logprobs = answer.choice["logprobs"] as? [String: Any]
            let token = try #require((logprobs?["content"] as? [[String: Any]])?.first)
            #expect(token["token"] as? String == Self.labels[ranked[0]])
            let top = try #require(token["top_logprobs"] as? [[String: Any]])
            #expect(top.map { $0["token"] as? String } == ranked.map { Self.labels[$0] })
            for index in ranked {
                #expect(answer.text.contains("\"logprob\":\(log(expected[index])),"))
            }
            // [CLS] the red cat runs [SEP]; "runs" is a word of its own.
            #expect(
                answer.json["usage"] as? [String: Int]
                    == ["prompt_tokens": 6, "completion_tokens": 1, "total_tokens": 7])
        }
    }

    @Test func completionGivesTheDistribution() async throws {
        let serve = try ServeCase()
        let expected = try serve.expected(["a very old house"])[0]
        let best = Self.ranked(expected)[0]
        try await serve.serve { client in
            let answer = try await client.ask(
                "/v1/completions",
                ["model": "tiny", "prompt": ["a very old house"], "logprobs": 5])
            #expect(answer.status == 200)
            #expect(answer.choice["text"] as? String == Self.labels[best])
            let logprobs = try #require(answer.choice["logprobs"] as? [String: Any])
            let top = try #require((logprobs["top_logprobs"] as? [[String: Double]])?.first)
            #expect(top.count == 3)
            for (label, probability) in zip(Self.labels, expected) {
                #expect(answer.text.contains("\"\(label)\":\(log(probability))"))
            }
            #expect(logprobs["tokens"] as? [String] == [Self.labels[best]])
            #expect(answer.text.contains("\"token_logprobs\":\(written([log(expected[best])]))"))
        }
    }

    @Test func withoutAskingThereAreNoLogprobs() async throws {
        try await ServeCase().serve { client in
            let chat = try await client.ask(
                "/v1/chat/completions",
                ["model": "tiny", "messages": [["role": "user", "content": "a tree"]]])
            #expect(chat.status == 200 && chat.choice["logprobs"] == nil)
            let plain = try await client.ask(
                "/v1/completions", ["model": "tiny", "prompt": "a tree"])
            #expect(plain.status == 200 && plain.choice["logprobs"] == nil)
        }
    }

    @Test func classifyTakesManyTexts() async throws {
        let texts = ServeCase.texts(40)
        // A pass takes few of them, so the request is spread over many.
        let serve = try ServeCase(limits: .init(batchTokens: 32))
        let expected = try serve.expected(texts)
        try await serve.serve { client in
            let answer = try await client.ask("/v1/classify", ["input": texts])
            #expect(answer.status == 200)
            let data = try #require(answer.json["data"] as? [[String: Any]])
            #expect(data.map { $0["index"] as? Int } == Array(0..<40))
            for probabilities in expected {
                #expect(answer.text.contains("\"probs\":\(written(probabilities))"))
            }
            #expect(
                data.map { $0["label"] as? String }
                    == expected.map { Self.labels[Self.ranked($0)[0]] })
            #expect(data.allSatisfy { $0["num_classes"] as? Int == 3 })
            let one = try await client.ask("/v1/classify", ["model": "tiny", "input": texts[3]])
            #expect((one.json["data"] as? [[String: Any]])?.count == 1)
            let none = try await client.ask("/v1/classify", ["input": [String]()])
            #expect(none.status == 200)
        }
    }

    @Test func textsMayHoldAnything() async throws {
        let texts = ["", " ", "日本語 \u{1F600}", "red\u{0}cat", "\n\t", "unknownword"]
        let serve = try ServeCase()
        let expected = try serve.expected(texts)
        try await serve.serve { client in
            let answer = try await client.ask("/v1/classify", ["input": texts])
            #expect((answer.json["data"] as? [Any])?.count == texts.count)
            for probabilities in expected {
                #expect(answer.text.contains("\"probs\":\(written(probabilities))"))
            }
        }
    }

    @Test func modelsAndHealth() async throws {
        try await ServeCase().serve { client in
            let models = try await client.fetch("/v1/models")
            let first = (models.json["data"] as? [[String: Any]])?.first
            #expect(first?["id"] as? String == "tiny" && first?["object"] as? String == "model")
            let health = try await client.fetch("/healthz")
            #expect(health.status == 200 && health.json["status"] as? String == "ok")
        }
    }
}
