// A tiny classifier behind the server's routes, for the tests of `retort serve`.

import Foundation
import Hummingbird
import HummingbirdTesting
import Models
import NIOCore
import TensorCore
import TestSupport
import Tokenizers
import Training

@testable import retort

/// A served model without a socket.
struct ServeCase {
    let folder: TemporaryFolder
    let model: ServedBert
    let metrics = ServeMetrics()
    let server: ModelServer

    /// A model of three labels that takes 24 tokens, not started yet.
    init(
        maximumLength: Int? = nil, truncates: Bool = false, limits: BatchQueue.Limits = .init(),
        key: String? = nil, maximumBodyBytes: Int = 1 << 20
    ) throws {
        folder = try TemporaryFolder()
        try TinyBert().write(to: folder.file("tiny"))
        model = try ServedBert(
            folder: folder.file("tiny"),
            options: .init(maximumLength: maximumLength, truncates: truncates, limits: limits),
            compute: Compute(threads: 1), metrics: metrics)
        server = ModelServer(
            routes: ServeRoutes(
                model: model, metrics: metrics, apiKey: key, maximumBodyBytes: maximumBodyBytes),
            host: "127.0.0.1", port: 0)
    }

    /// Starts the model, runs `body` with a client, and stops the model.
    func serve(
        _ body: @Sendable (any TestClientProtocol) async throws -> Void
    ) async throws {
        model.start()
        do {
            try await server.application().test(.router, body)
        } catch {
            await model.stop()
            throw error
        }
        await model.stop()
    }

    /// What the same folder gives without the server.
    func expected(_ texts: [String]) throws -> [[Double]] {
        let tokenizer = try Tokenizer(contentsOf: folder.file("tiny"))
        let student = try BertClassifier(ModelFolder(path: folder.file("tiny")))
        return try Inference(student, compute: Compute(threads: 1)).probabilities(
            texts.map { TokenSequence(ids: tokenizer.encodeIDs($0)) })
    }

    /// Different texts of the tokenizer's words.
    static func texts(_ count: Int) -> [String] {
        let words = TinyBert.words.filter { !$0.hasPrefix("##") && $0.count > 1 }
        return (0..<count).map { number in
            (0...(number % 6)).map { words[(number * 7 + $0 * 3) % words.count] }
                .joined(separator: " ")
        }
    }
}

/// An answer, taken apart; nobody changes it, so it may go anywhere.
struct ServeAnswer: @unchecked Sendable {
    let status: Int
    let headers: HTTPFields
    let text: String
    let json: [String: Any]

    init(_ response: TestResponse) throws {
        status = response.status.code
        headers = response.headers
        text = String(buffer: response.body)
        json =
            (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }

    /// The first choice.
    var choice: [String: Any] { (json["choices"] as? [[String: Any]])?.first ?? [:] }

    /// The message of an error.
    var message: String { (json["error"] as? [String: Any])?["message"] as? String ?? "" }

    /// The code of an error.
    var code: String { (json["error"] as? [String: Any])?["code"] as? String ?? "" }

    /// The value of a line of metrics.
    func metric(_ name: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }
}

extension TestClientProtocol {
    /// Sends a JSON value, or a text as it is.
    func ask(
        _ path: String, _ body: Any, headers: HTTPFields = [:]
    ) async throws -> ServeAnswer {
        let bytes =
            try (body as? String).map { Data($0.utf8) }
            ?? JSONSerialization.data(withJSONObject: body)
        return try await execute(
            uri: path, method: .post, headers: headers, body: ByteBuffer(bytes: bytes)
        ) { try ServeAnswer($0) }
    }

    /// Gets a page.
    func fetch(_ path: String, headers: HTTPFields = [:]) async throws -> ServeAnswer {
        try await execute(uri: path, method: .get, headers: headers, body: nil) {
            try ServeAnswer($0)
        }
    }
}
