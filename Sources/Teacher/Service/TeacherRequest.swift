// What is asked and what comes back, as exact bytes: the request's are its name in the ledger, the
// answer's are kept whole, so that a better parser reads them again and nothing is asked twice.

public import Corpus

/// One request to an OpenAI-compatible server.
public struct TeacherRequest: Sendable, Hashable {
    /// The part of the API that is asked; the path behind the base URL.
    public enum Route: String, Sendable, Hashable, CaseIterable {
        /// Messages in, a message out.
        case chatCompletions = "/chat/completions"
        /// A prompt in, its continuation out.
        case completions = "/completions"
    }

    /// Where it goes.
    public let route: Route
    /// The exact bytes of the body, JSON.
    public let body: [UInt8]
    /// No tokenizer makes more tokens of the prompt than this: what is reserved before sending.
    public let promptTokenBound: Int
    /// No more tokens than this come back (`max_tokens` times `n`).
    public let completionTokenBound: Int

    /// A request of its bytes and bounds.
    public init(
        route: Route, body: [UInt8], promptTokenBound: Int, completionTokenBound: Int
    ) {
        self.route = route
        self.body = body
        self.promptTokenBound = promptTokenBound
        self.completionTokenBound = completionTokenBound
    }

    /// Its name in the ledger.
    public func key(teacher identity: String) -> LabelKey {
        LabelKey(teacher: identity, request: body)
    }
}

/// A server's whole answer to a request.
public struct TeacherResponse: Sendable, Hashable {
    /// The bytes of the body, UTF-8.
    public let body: [UInt8]
    /// Tokens, as the server says; nil where it says nothing that can be.
    public let usage: LabelRecord.Usage?
    /// Why the first choice ended, as the server says.
    public let finishReason: String?
    /// The base URL that answered, without credentials; empty for a replay.
    public let server: String
    /// From sending to the last byte, in microseconds.
    public let latencyMicroseconds: Int64

    /// An answer.
    public init(
        body: [UInt8], usage: LabelRecord.Usage?, finishReason: String?, server: String,
        latencyMicroseconds: Int64
    ) {
        self.body = body
        self.usage = usage
        self.finishReason = finishReason
        self.server = server
        self.latencyMicroseconds = latencyMicroseconds
    }
}
