// The routes of the server: from bodies to a model and back. What is the same for all of them (counts,
// errors, keys) is in ServeMiddleware.swift.

import Foundation
import Hummingbird
import NIOCore
import Synchronization

/// The routes to one model.
struct ServeRoutes: Sendable {
    let model: any ServedModel
    let metrics: ServeMetrics
    /// Requests below `/v1` must bring it; nil for none.
    let apiKey: String?
    /// Largest body in bytes.
    let maximumBodyBytes: Int
    private let started = Int(Date().timeIntervalSince1970)
    private let numbers = AnswerNumbers()

    /// Routes to a model.
    init(model: any ServedModel, metrics: ServeMetrics, apiKey: String?, maximumBodyBytes: Int) {
        self.model = model
        self.metrics = metrics
        self.apiKey = apiKey
        self.maximumBodyBytes = maximumBodyBytes
    }

    /// The router with all routes.
    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: CountingMiddleware(metrics: metrics))
        router.get("healthz") { _, _ in
            JSONResponse.make(["status": "ok", "model": model.name])
        }
        router.get("metrics") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: ResponseBody(
                    byteBuffer: ByteBuffer(string: metrics.text(waiting: model.waitingCount))))
        }
        let guarded = router.group("v1")
        if let apiKey { guarded.add(middleware: KeyMiddleware(key: apiKey)) }
        guarded.get("models") { _, _ in
            JSONResponse.make(ModelList(data: [.init(id: model.name, created: started)]))
        }
        guarded.post("chat/completions") { request, _ in try await chat(request) }
        guarded.post("completions") { request, _ in try await completion(request) }
        guarded.post("classify") { request, _ in try await classification(request) }
        return router
    }

    private func chat(_ request: Request) async throws -> Response {
        let body = try await decoded(ChatBody.self, request)
        let asked = try body.request()
        return try await complete(asked, body.model, id: "chatcmpl", object: "chat.completion") {
            ChatChoice($0, index: $1, withLogprobs: asked.alternatives != nil)
        }
    }

    private func completion(_ request: Request) async throws -> Response {
        let body = try await decoded(PromptBody.self, request)
        let asked = try body.request()
        return try await complete(asked, body.model, id: "cmpl", object: "text_completion") {
            PromptChoice($0, index: $1, withLogprobs: asked.alternatives != nil)
        }
    }

    private func complete(
        _ asked: CompletionRequest, _ name: String, id: String, object: String,
        choice: (Completion.Choice, Int) -> some Encodable
    ) async throws -> Response {
        try check(name)
        let answer = try await model.complete(asked)
        metrics.noteTokens(prompt: answer.promptTokens, completion: answer.completionTokens)
        return JSONResponse.make(
            CompletionBody(
                id: "\(id)-\(numbers.next())", object: object, created: now, model: model.name,
                choices: answer.choices.enumerated().map { choice($1, $0) },
                usage: UsageBody(
                    promptTokens: answer.promptTokens,
                    completionTokens: answer.completionTokens)))
    }

    private func classification(_ request: Request) async throws -> Response {
        let body = try await decoded(ClassifyBody.self, request)
        if let name = body.model { try check(name) }
        guard let classifier = model as? any ServedClassifier else {
            throw ServeError.invalid("'\(model.name)' is no classifier")
        }
        let results = try await classifier.classify(body.texts)
        let tokens = results.reduce(0) { $0 + $1.tokenCount }
        metrics.noteTokens(prompt: tokens, completion: 0)
        return JSONResponse.make(
            ClassifyAnswer(
                id: "classify-\(numbers.next())", created: now, model: model.name,
                data: results.enumerated().map { index, result in
                    .init(
                        index: index, label: classifier.labels[result.best],
                        probs: result.probabilities, classCount: classifier.labels.count)
                },
                usage: UsageBody(promptTokens: tokens, completionTokens: 0)))
    }

    private var now: Int { Int(Date().timeIntervalSince1970) }

    private func check(_ name: String) throws {
        guard name == model.name else {
            throw ServeError(
                status: .notFound, code: "model_not_found",
                message: "no model '\(name.prefix(200))' here; this is '\(model.name)'")
        }
    }

    /// Reads a body to its end, or to the limit, and decodes it.
    private func decoded<Body: Decodable>(
        _ type: Body.Type, _ request: Request
    ) async throws -> Body {
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard length <= maximumBodyBytes else { throw tooLarge }
        do {
            let bytes = try await request.body.collect(upTo: maximumBodyBytes)
            return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }

    private var tooLarge: ServeError {
        ServeError(
            status: .contentTooLarge, code: "body_too_large",
            message: "the body is over \(maximumBodyBytes) bytes")
    }
}

/// Numbers for the names of answers.
private final class AnswerNumbers: Sendable {
    private let last = Atomic<Int>(0)

    func next() -> Int { last.add(1, ordering: .relaxed).newValue }
}
