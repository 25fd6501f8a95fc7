// A tiny classifier behind the server's routes, for the tests of `retort serve`.

import Foundation
import Hummingbird
import Logging
import Models
import NIOCore
import NIOEmbedded
import Synchronization
import TensorCore
import TestSupport
import Tokenizers
import Training

@testable import retort

/// A served model without a socket.
struct ServeCase {
    let folder: TemporaryFolder
    let model: ServedEncoder
    let metrics = ServeMetrics()
    let server: ModelServer

    /// A model of three labels that takes 24 tokens, not started yet.
    init(
        maximumLength: Int? = nil, truncates: Bool = false, limits: BatchQueue.Limits = .init(),
        key: String? = nil, maximumBodyBytes: Int = 1 << 20
    ) throws {
        folder = try TemporaryFolder()
        try TinyBert().write(to: folder.file("tiny"))
        model = try ServedEncoder(
            folder: folder.file("tiny"),
            options: .init(maximumLength: maximumLength, truncates: truncates, limits: limits),
            compute: Compute(threads: 1), metrics: metrics)
        server = ModelServer(
            routes: ServeRoutes(
                model: model, metrics: metrics, apiKey: key, maximumBodyBytes: maximumBodyBytes),
            host: "127.0.0.1", port: 0)
    }

    /// Sends requests to the routes.
    var client: ServeClient { ServeClient(responder: server.routes.router().buildResponder()) }

    /// Starts the model, runs `body` with a client, and stops the model.
    func serve(
        _ body: @Sendable (ServeClient) async throws -> Void
    ) async throws {
        model.start()
        do {
            try await body(client)
        } catch {
            await model.stop()
            throw error
        }
        await model.stop()
    }

    /// What the same folder gives without the server.
    func expected(_ texts: [String]) throws -> [[Double]] {
        let tokenizer = try Tokenizer(contentsOf: folder.file("tiny"))
        let student = try EncoderClassifier(ModelFolder(path: folder.file("tiny")))
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

    init(_ response: Response) async throws {
        status = response.status.code
        headers = response.headers
        let collector = BodyCollector()
        try await response.body.write(collector)
        text = collector.text
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

/// Numbers as the server writes them, the shortest text that reads as the same number.
///
/// They are compared as text, because `JSONSerialization` reads numbers inexactly.
func written(_ numbers: [Double]) -> String {
    "[\(numbers.map { "\($0)" }.joined(separator: ","))]"
}

/// Sends requests to routes, without a socket between.
struct ServeClient: Sendable {
    let responder: RouterResponder<BasicRequestContext>

    /// Sends a JSON value, or a text as it is.
    func ask(
        _ path: String, _ body: Any, headers: HTTPFields = [:]
    ) async throws -> ServeAnswer {
        let bytes =
            try (body as? String).map { Data($0.utf8) }
            ?? JSONSerialization.data(withJSONObject: body)
        return try await send(.post, path, headers, bytes)
    }

    /// Gets a page.
    func fetch(_ path: String, headers: HTTPFields = [:]) async throws -> ServeAnswer {
        try await send(.get, path, headers, Data())
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields, _ body: Data
    ) async throws -> ServeAnswer {
        let request = Request(
            head: HTTPRequest(
                method: method, scheme: "http", authority: "localhost", path: path,
                headerFields: headers),
            body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let context = BasicRequestContext(
            source: ApplicationRequestContextSource(
                channel: NIOAsyncTestingChannel(), logger: Logger(label: "test")))
        return try await ServeAnswer(responder.respond(to: request, context: context))
    }
}

/// Keeps the body of a response.
private final class BodyCollector: ResponseBodyWriter, Sendable {
    private let buffer = Mutex(ByteBuffer())

    var text: String { buffer.withLock { String(buffer: $0) } }

    func write(_ part: ByteBuffer) async throws {
        buffer.withLock { _ = $0.writeImmutableBuffer(part) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
