// The bodies of requests, read strictly: a member of the wrong type is refused by name, one that isn't
// known is passed over. How tokens are drawn matters to generators alone.
// Reference: OpenAI's API, chat completions and completions; vLLM's /v1/classify.

/// The body of `POST /v1/chat/completions`.
struct ChatBody: Decodable {
    let model: String
    private let messages: [Message]
    private let logprobs: Bool?
    private let topLogprobs: Int?
    private let shared: SharedFields

    private enum CodingKeys: String, CodingKey {
        case model, messages, logprobs
        case topLogprobs = "top_logprobs"
    }

    private struct Message: Decodable {
        let role: String
        let content: MessageContent
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        model = try fields.decode(String.self, forKey: .model)
        messages = try fields.decode([Message].self, forKey: .messages)
        logprobs = try fields.decodeIfPresent(Bool.self, forKey: .logprobs)
        topLogprobs = try fields.decodeIfPresent(Int.self, forKey: .topLogprobs)
        shared = try SharedFields(from: decoder)
    }

    /// What it asks of a model.
    ///
    /// - Throws: `ServeError` where members contradict each other.
    func request() throws -> CompletionRequest {
        if topLogprobs != nil, logprobs != true {
            throw ServeError.invalid("top_logprobs: it needs \"logprobs\": true")
        }
        return try shared.request(
            .chat(messages.map { .init(role: $0.role, text: $0.content.text) }),
            alternatives: logprobs == true ? topLogprobs ?? 0 : nil, named: "top_logprobs")
    }
}

/// The body of `POST /v1/completions`.
struct PromptBody: Decodable {
    let model: String
    private let prompt: OneOrMany
    private let logprobs: Int?
    private let shared: SharedFields

    private enum CodingKeys: String, CodingKey {
        case model, prompt, logprobs
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        model = try fields.decode(String.self, forKey: .model)
        prompt = try fields.decode(OneOrMany.self, forKey: .prompt)
        logprobs = try fields.decodeIfPresent(Int.self, forKey: .logprobs)
        shared = try SharedFields(from: decoder)
    }

    /// What it asks of a model.
    ///
    /// - Throws: `ServeError` where it asks for more than one prompt.
    func request() throws -> CompletionRequest {
        guard prompt.texts.count == 1 else {
            throw ServeError.invalid(
                "prompt: \(prompt.texts.count) prompts; send one a request, or many to /v1/classify"
            )
        }
        return try shared.request(
            .text(prompt.texts[0]), alternatives: logprobs, named: "logprobs")
    }
}

/// The body of `POST /v1/classify`.
struct ClassifyBody: Decodable {
    /// The name of the model; there is but one, so it may be left out.
    let model: String?
    private let input: OneOrMany

    /// The texts.
    var texts: [String] { input.texts }
}

/// What both completion bodies may hold.
private struct SharedFields: Decodable {
    let count: Int?
    let stream: Bool?
    let maximumTokens: Int?
    let maximumCompletionTokens: Int?
    let responseFormat: ResponseFormat?
    let temperature: Double?
    let topP: Double?
    let topK: Int?
    let seed: Int64?
    let stop: OneOrMany?

    struct ResponseFormat: Decodable {
        let type: String
    }

    private enum CodingKeys: String, CodingKey {
        case count = "n"
        case stream
        case maximumTokens = "max_tokens"
        case maximumCompletionTokens = "max_completion_tokens"
        case responseFormat = "response_format"
        case temperature, seed, stop
        case topP = "top_p"
        case topK = "top_k"
    }

    func request(
        _ prompt: CompletionRequest.Prompt, alternatives: Int?, named name: String
    ) throws -> CompletionRequest {
        if stream == true {
            throw ServeError.invalid("stream: answers come whole here; leave it out")
        }
        if let alternatives, alternatives < 0 {
            throw ServeError.invalid("\(name) is \(alternatives); give 0 or more")
        }
        let maximum = maximumCompletionTokens ?? maximumTokens
        if let maximum, maximum < 1 {
            throw ServeError.invalid("max_tokens is \(maximum); give 1 or more")
        }
        try checkRanges()
        return CompletionRequest(
            prompt: prompt, maximumTokens: maximum, choiceCount: count ?? 1,
            alternatives: alternatives,
            wantsJSON: responseFormat.map { $0.type != "text" } ?? false,
            temperature: temperature ?? 1, topP: topP ?? 1,
            // -1 is what other servers read as all.
            topK: topK.flatMap { $0 < 1 ? nil : $0 }, seed: seed.map(UInt64.init(bitPattern:)),
            stops: stop?.texts.filter { !$0.isEmpty } ?? [])
    }

    private func checkRanges() throws {
        if let count, !(1...128).contains(count) {
            throw ServeError.invalid("n is \(count); give 1 to 128")
        }
        if let temperature, !(0...100).contains(temperature) {
            throw ServeError.invalid("temperature is \(temperature); give 0 to 2")
        }
        if let topP, !(topP > 0 && topP <= 1) {
            throw ServeError.invalid("top_p is \(topP); give more than 0, at most 1")
        }
    }
}

/// A string, or an array of strings.
private struct OneOrMany: Decodable {
    let texts: [String]

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            texts = [text]
        } else {
            texts = try value.decode([String].self)
        }
    }
}

/// A message's content: a string, or parts of which the texts count.
private struct MessageContent: Decodable {
    let text: String

    private struct Part: Decodable {
        let type: String
        let text: String?
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let text = try? value.decode(String.self) {
            self.text = text
            return
        }
        if value.decodeNil() {
            // What an assistant's turn holds that only calls a tool.
            text = ""
            return
        }
        let parts = try value.decode([Part].self)
        for part in parts where part.type != "text" || part.text == nil {
            throw DecodingError.dataCorruptedError(
                in: value, debugDescription: "a part that is no text; this model reads text")
        }
        text = parts.compactMap(\.text).joined()
    }
}
