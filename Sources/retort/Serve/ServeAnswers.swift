// The bodies of answers, in the shapes that OpenAI's and vLLM's clients read.

/// Tokens of a request and its answer.
struct UsageBody: Encodable {
    let promptTokens: Int
    let completionTokens: Int

    private enum CodingKeys: String, CodingKey {
        case promptTokens = "prompt_tokens"
        case completionTokens = "completion_tokens"
        case totalTokens = "total_tokens"
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(promptTokens, forKey: .promptTokens)
        try fields.encode(completionTokens, forKey: .completionTokens)
        try fields.encode(promptTokens + completionTokens, forKey: .totalTokens)
    }
}

/// An answer of either completion route.
struct CompletionBody<Choice: Encodable>: Encodable {
    let id: String
    let object: String
    /// Seconds since 1970.
    let created: Int
    let model: String
    let choices: [Choice]
    let usage: UsageBody
}

/// The choice of a chat's answer.
struct ChatChoice: Encodable {
    struct Message: Encodable {
        let role = "assistant"
        let content: String
    }

    struct Candidate: Encodable {
        let token: String
        let logprob: Double
        let bytes: [UInt8]
    }

    struct Token: Encodable {
        let token: String
        let logprob: Double
        let bytes: [UInt8]
        let topLogprobs: [Candidate]

        private enum CodingKeys: String, CodingKey {
            case token, logprob, bytes
            case topLogprobs = "top_logprobs"
        }
    }

    struct Logprobs: Encodable {
        let content: [Token]
    }

    let index: Int
    let message: Message
    /// Absent where none were asked for.
    let logprobs: Logprobs?
    let finishReason: String

    private enum CodingKeys: String, CodingKey {
        case index, message, logprobs
        case finishReason = "finish_reason"
    }

    init(_ completion: Completion.Choice, index: Int, withLogprobs: Bool) {
        self.index = index
        message = Message(content: completion.text)
        finishReason = completion.finishReason
        let tokens = completion.tokens.map { token in
            Token(
                token: token.text, logprob: token.logProbability, bytes: Array(token.text.utf8),
                topLogprobs: token.alternatives.map {
                    Candidate(
                        token: $0.text, logprob: $0.logProbability, bytes: Array($0.text.utf8))
                })
        }
        logprobs = withLogprobs ? Logprobs(content: tokens) : nil
    }
}

/// The choice of a plain completion.
struct PromptChoice: Encodable {
    struct Logprobs: Encodable {
        let tokens: [String]
        let tokenLogprobs: [Double]
        let topLogprobs: [[String: Double]]
        /// In characters.
        let textOffset: [Int]

        private enum CodingKeys: String, CodingKey {
            case tokens
            case tokenLogprobs = "token_logprobs"
            case topLogprobs = "top_logprobs"
            case textOffset = "text_offset"
        }
    }

    let index: Int
    let text: String
    let logprobs: Logprobs?
    let finishReason: String

    private enum CodingKeys: String, CodingKey {
        case index, text, logprobs
        case finishReason = "finish_reason"
    }

    init(_ completion: Completion.Choice, index: Int, withLogprobs: Bool) {
        self.index = index
        text = completion.text
        finishReason = completion.finishReason
        var offset = 0
        let offsets = completion.tokens.map { token in
            defer { offset += token.text.unicodeScalars.count }
            return offset
        }
        let logprobs = Logprobs(
            tokens: completion.tokens.map(\.text),
            tokenLogprobs: completion.tokens.map(\.logProbability),
            topLogprobs: completion.tokens.map { token in
                // Of two tokens with one text the likelier counts.
                Dictionary(
                    token.alternatives.map { ($0.text, $0.logProbability) },
                    uniquingKeysWith: { max($0, $1) })
            },
            textOffset: offsets)
        self.logprobs = withLogprobs ? logprobs : nil
    }
}

/// The answer of `POST /v1/classify`.
struct ClassifyAnswer: Encodable {
    struct Entry: Encodable {
        let index: Int
        let label: String
        let probs: [Double]
        let classCount: Int

        private enum CodingKeys: String, CodingKey {
            case index, label, probs
            case classCount = "num_classes"
        }
    }

    let id: String
    let object = "list"
    let created: Int
    let model: String
    let data: [Entry]
    let usage: UsageBody
}

/// The answer of `GET /v1/models`.
struct ModelList: Encodable {
    struct Model: Encodable {
        let id: String
        let object = "model"
        let created: Int
        let ownedBy = "retort"

        private enum CodingKeys: String, CodingKey {
            case id, object, created
            case ownedBy = "owned_by"
        }
    }

    let object = "list"
    let data: [Model]
}
