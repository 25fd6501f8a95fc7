// What a client is told when it gets no answer: OpenAI's error object, and one line in it.

import Foundation
import Hummingbird

/// A request that gets no answer.
struct ServeError: Error, Equatable {
    let status: HTTPResponse.Status
    /// For programs: `invalid_value`, `model_not_found`, `queue_full`.
    let code: String
    /// One line: what is wrong and how to mend it.
    let message: String
    /// Seconds after which to ask again.
    var retryAfter: Int?

    /// A request whose content is at fault.
    static func invalid(_ message: String) -> ServeError {
        ServeError(status: .badRequest, code: "invalid_value", message: message)
    }

    /// A text with too many tokens.
    static func tooLong(_ place: String, tokens: Int, limit: Int) -> ServeError {
        ServeError(
            status: .badRequest, code: "context_length_exceeded",
            message: "\(place) has \(tokens) tokens, this server takes \(limit)")
    }

    /// More comes than the model can take.
    static func queueFull(waiting: Int) -> ServeError {
        ServeError(
            status: .tooManyRequests, code: "queue_full",
            message: "\(waiting) texts wait already; ask again in a second", retryAfter: 1)
    }

    /// The server is about to end.
    static let stopping = ServeError(
        status: .serviceUnavailable, code: "stopping", message: "the server is stopping")

    /// OpenAI's name for the kind of error.
    var type: String {
        switch status.code {
        case 401: "authentication_error"
        case 429: "rate_limit_error"
        case 500...: "server_error"
        default: "invalid_request_error"
        }
    }

    /// Any error as one that a client can be told.
    ///
    /// What isn't the client's fault is not described to it: the text may name the server's files.
    init(_ error: any Error, path: String) {
        switch error {
        case let error as ServeError: self = error
        case let error as DecodingError: self = .invalid(Self.describe(error))
        case let error as any HTTPResponseError where error.status == .notFound:
            self.init(
                status: .notFound, code: "no_such_route",
                message: "no such route: \(path.prefix(200))")
        case let error as any HTTPResponseError:
            self.init(
                status: error.status, code: "invalid_request",
                message: error.status.reasonPhrase.lowercased())
        default:
            self.init(
                status: .internalServerError, code: "internal",
                message: "the server failed at this request")
        }
    }

    init(
        status: HTTPResponse.Status, code: String, message: String, retryAfter: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// The HTTP response.
    var response: Response {
        struct Body: Encodable {
            struct Content: Encodable {
                let message: String
                let type: String
                let code: String
            }
            let error: Content
        }
        var response = JSONResponse.make(
            Body(error: .init(message: message, type: type, code: code)), status: status)
        if let retryAfter { response.headers[.retryAfter] = String(retryAfter) }
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }

    /// One line about JSON that doesn't fit.
    private static func describe(_ error: DecodingError) -> String {
        func place(_ path: [any CodingKey], _ last: (any CodingKey)? = nil) -> String {
            let keys = path + (last.map { [$0] } ?? [])
            return keys.reduce(into: "") { text, key in
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
                }
            }
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(place(context.codingPath, key)) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            let name = place(context.codingPath)
            return name.isEmpty
                ? "the body must be a JSON object" : "\(name) is of the wrong type"
        case .dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "\(place(context.codingPath)): \(context.debugDescription)"
        default: return "the body is no JSON"
        }
    }
}

/// Values as JSON responses.
enum JSONResponse {
    /// A response with a value as its body.
    static func make(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Only a number that is not finite can't be encoded, and none of ours is.
        guard let body = try? encoder.encode(value) else {
            return Response(status: .internalServerError)
        }
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
