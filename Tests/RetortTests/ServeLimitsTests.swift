// What the server refuses, and that it says why in one line.

import Foundation
import Hummingbird
import Models
import NIOCore
import TensorCore
import TestSupport
import Testing

@testable import retort

@Suite struct ServeLimitsTests {
    static let longText = Array(repeating: "cat", count: 30).joined(separator: " ")

    /// Bodies that are no requests, and words of the answer.
    static let badBodies: [(path: String, body: String, words: String)] = [
        ("completions", "{", "no JSON"),
        ("completions", "", "no JSON"),
        ("completions", "[]", "JSON object"),
        ("completions", #"{"prompt":"a"}"#, "model is missing"),
        ("completions", #"{"model":"tiny"}"#, "prompt is missing"),
        ("completions", #"{"model":"tiny","prompt":3}"#, "prompt is of the wrong type"),
        ("completions", #"{"model":"tiny","prompt":[1,2]}"#, "prompt[0] is of the wrong type"),
        ("completions", #"{"model":"tiny","prompt":["a","b"]}"#, "2 prompts"),
        ("completions", #"{"model":"tiny","prompt":"a","logprobs":true}"#, "logprobs"),
        ("completions", #"{"model":"tiny","prompt":"a","logprobs":-1}"#, "logprobs is -1"),
        ("completions", #"{"model":"tiny","prompt":"a","n":3}"#, "n is 3"),
        ("completions", #"{"model":"tiny","prompt":"a","stream":true}"#, "stream"),
        ("completions", #"{"model":"tiny","prompt":"a","max_tokens":0}"#, "max_tokens is 0"),
        ("chat/completions", #"{"model":"tiny","messages":[]}"#, "'user'"),
        ("chat/completions", #"{"model":"tiny","messages":"a"}"#, "messages is of the wrong"),
        (
            "chat/completions", #"{"model":"tiny","messages":[{"role":"user"}]}"#,
            "messages[0].content is missing"
        ),
        (
            "chat/completions",
            #"{"model":"tiny","messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#,
            "no text"
        ),
        (
            "chat/completions",
            #"{"model":"tiny","top_logprobs":2,"messages":[{"role":"user","content":"a"}]}"#,
            "top_logprobs"
        ),
        (
            "chat/completions",
            #"{"model":"tiny","response_format":{"type":"json_object"},"#
                + #""messages":[{"role":"user","content":"a"}]}"#, "response_format"
        ),
        ("classify", #"{"input":{}}"#, "input is of the wrong type"),
        ("classify", #"{}"#, "input is missing"),
    ]

    @Test func badBodiesAreNamed() async throws {
        try await ServeCase().serve { client in
            for (path, body, words) in Self.badBodies {
                let answer = try await client.ask("/v1/\(path)", body)
                #expect(answer.status == 400, "\(body)")
                #expect(answer.message.contains(words), "\(body): \(answer.message)")
                #expect(!answer.message.contains("\n"))
                let error = answer.json["error"] as? [String: Any]
                #expect(error?["type"] as? String == "invalid_request_error")
            }
        }
    }

    @Test func onlyItsOwnNameAndRoutes() async throws {
        try await ServeCase().serve { client in
            let other = try await client.ask("/v1/completions", ["model": "gpt", "prompt": "a"])
            #expect(other.status == 404 && other.code == "model_not_found")
            let nowhere = try await client.fetch("/v2/anything")
            #expect(nowhere.status == 404 && nowhere.code == "no_such_route")
        }
    }

    @Test func longTextsAreRefusedWithTheirCounts() async throws {
        try await ServeCase(maximumLength: 16).serve { client in
            let answer = try await client.ask(
                "/v1/completions", ["model": "tiny", "prompt": Self.longText])
            #expect(answer.status == 400 && answer.code == "context_length_exceeded")
            #expect(answer.message.contains("32 tokens") && answer.message.contains("16"))
            let many = try await client.ask("/v1/classify", ["input": ["a cat", Self.longText]])
            #expect(many.status == 400 && many.message.contains("input[1]"))
        }
    }

    @Test func longTextsAreCutOnDemand() async throws {
        let serve = try ServeCase(maximumLength: 16, truncates: true)
        let same = Array(repeating: "cat", count: 14).joined(separator: " ")
        let expected = try serve.expected([same])
        try await serve.serve { client in
            let answer = try await client.ask("/v1/classify", ["input": Self.longText])
            #expect(answer.text.contains("\"probs\":\(written(expected[0]))"))
            let usage = answer.json["usage"] as? [String: Int]
            #expect(usage?["prompt_tokens"] == 16)
        }
    }

    @Test func largeBodiesAreRefused() async throws {
        try await ServeCase(maximumBodyBytes: 200).serve { client in
            let answer = try await client.ask(
                "/v1/classify", ["input": Self.longText + Self.longText])
            #expect(answer.status == 413 && answer.code == "body_too_large")
            let fits = try await client.ask("/v1/classify", ["input": "a cat"])
            #expect(fits.status == 200)
        }
    }

    @Test func theKeyIsWanted() async throws {
        try await ServeCase(key: "sesame").serve { client in
            for wrong in ["", "sesame", "Bearer sesam", "Bearer sesame2", "Bearer Sesame"] {
                let headers: HTTPFields = wrong.isEmpty ? [:] : [.authorization: wrong]
                let answer = try await client.fetch("/v1/models", headers: headers)
                #expect(answer.status == 401 && answer.code == "invalid_api_key", "'\(wrong)'")
            }
            let headers: HTTPFields = [.authorization: "Bearer sesame"]
            #expect(try await client.fetch("/v1/models", headers: headers).status == 200)
            let answer = try await client.ask(
                "/v1/classify", ["input": "a cat"], headers: headers)
            #expect(answer.status == 200)
            #expect(try await client.ask("/v1/classify", ["input": "a"]).status == 401)
            #expect(try await client.fetch("/healthz").status == 200)
            #expect(try await client.fetch("/metrics").status == 200)
        }
    }

    @Test func foldersThatCannotBeServed() throws {
        let folder = try TemporaryFolder()
        func refusal(_ path: String) -> String {
            do {
                _ = try ServedEncoder(
                    folder: path, options: .init(), compute: Compute(threads: 1),
                    metrics: ServeMetrics())
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal(folder.file("none")).contains("no such model folder"))
        var decoder = TinyBert()
        decoder.configuration["model_type"] = "llama"
        let words = refusal(try decoder.write(to: folder.file("decoder")))
        #expect(words.contains("llama") && words.contains("text classifiers"))
        // A folder that names labels and has no head: a random one must not be served.
        var headless = TinyBert()
        headless.tensors.removeAll { $0.name.hasPrefix("classifier") }
        let missing = refusal(try headless.write(to: folder.file("headless")))
        #expect(missing.contains("classifier.weight"))
    }
}
