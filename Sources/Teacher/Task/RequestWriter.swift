// Requests as bytes. Members stand in one order and numbers in their shortest form, because the bytes
// are the request's name in the ledger: the same question must be the same bytes in every later run.

import Corpus

/// A turn of a conversation.
struct Turn: Sendable, Equatable {
    enum Role: String, Sendable {
        case system, user, assistant
    }

    let role: Role
    let content: String

    init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }
}

/// Writes the bodies of requests.
struct RequestWriter: Sendable {
    private let route: TeacherRequest.Route
    /// What stands before and behind the question; the same for all records.
    private let head: [UInt8]
    private let tail: [UInt8]
    private let tailTokenBound: Int
    private let completionTokenBound: Int

    /// What a server's chat template may put around each message, in tokens.
    private static let tokensPerMessage = 16
    /// What it may put around the whole: some add a system turn with the date and more.
    private static let tokensPerChat = 128
    private static let tokensPerCompletion = 16

    /// The forms in which a task's answers can be asked for, from the first that is tried on.
    static func formats(_ options: LabelTaskOptions) throws(TeacherError) -> [AnswerFormat] {
        guard options.route == .chatCompletions, options.answer == .json,
            options.jsonSchema == .auto
        else { return [.plain] }
        guard let text = options.extraBody else { return AnswerFormat.allCases }
        return try ExtraBody(text).names.contains("response_format")
            ? [.plain] : AnswerFormat.allCases
    }

    init(_ options: LabelTaskOptions, _ format: AnswerFormat) throws(TeacherError) {
        let extra =
            try options.extraBody.map { text throws(TeacherError) in try ExtraBody(text) }
            ?? ExtraBody()
        let isChat = options.route == .chatCompletions
        route = options.route
        let tokens = extra.maximumCompletionTokens ?? options.answerTokens
        var members: [String] = []
        if extra.maximumCompletionTokens == nil { members.append("\"max_tokens\":\(tokens)") }
        members.append("\"temperature\":\(JSONText.number(options.temperature))")
        if let topP = options.topP { members.append("\"top_p\":\(JSONText.number(topP))") }
        if options.samples > 1 { members.append("\"n\":\(options.samples)") }
        if let seed = options.seed { members.append("\"seed\":\(seed)") }
        // A model that only continues texts would go on with a next text of its own.
        if !isChat, options.answer == .label, !extra.names.contains("stop") {
            members.append("\"stop\":[\"\\n\"]")
        }
        if options.confidenceSource == .logprobs {
            members.append(
                isChat
                    ? "\"logprobs\":true,\"top_logprobs\":\(options.topLogprobs)"
                    : "\"logprobs\":\(options.topLogprobs)")
        }
        // Servers may put these before the prompt as text.
        var shown = extra.members
        let form: String? =
            switch format {
            case .schema: Self.responseFormat(options)
            case .object: "\"response_format\":{\"type\":\"json_object\"}"
            case .plain: nil
            }
        if let form {
            members.append(form)
            shown += form
        }
        if !extra.members.isEmpty { members.append(extra.members) }
        let question = isChat ? "\"messages\":[" : "\"prompt\":"
        head = Array("{\"model\":\(JSONText.quoted(options.model)),\(question)".utf8)
        tail = Array("\(isChat ? "]" : ""),\(members.joined(separator: ","))}".utf8)
        tailTokenBound = shown.utf8.count + (isChat ? Self.tokensPerChat : Self.tokensPerCompletion)
        completionTokenBound = tokens * options.samples
    }

    /// The request of a conversation; plain completions are given its parts one under the other.
    func request(_ turns: [Turn]) -> TeacherRequest {
        var body = head
        var contentBytes = 0
        switch route {
        case .chatCompletions:
            for (index, turn) in turns.enumerated() {
                body.append(contentsOf: (index > 0 ? ",{\"role\":\"" : "{\"role\":\"").utf8)
                body.append(contentsOf: turn.role.rawValue.utf8)
                body.append(contentsOf: "\",\"content\":".utf8)
                JSONText.append(quoted: turn.content, to: &body)
                body.append(UInt8(ascii: "}"))
                contentBytes += turn.content.utf8.count
            }
        case .completions:
            let prompt = Self.prompt(turns)
            JSONText.append(quoted: prompt, to: &body)
            contentBytes = prompt.utf8.count
        }
        body += tail
        // A tokenizer that knows all bytes makes at most a token of each.
        return TeacherRequest(
            route: route, body: body,
            promptTokenBound: contentBytes + turns.count * Self.tokensPerMessage + tailTokenBound,
            completionTokenBound: completionTokenBound)
    }

    /// A conversation as one text that ends where the answer begins.
    ///
    /// An answer follows its question on the same line, unless the question ends with white space.
    static func prompt(_ turns: [Turn]) -> String {
        var text = ""
        for (index, turn) in turns.enumerated() {
            if turn.role == .assistant {
                if let last = text.last, !last.isWhitespace { text += " " }
            } else if index > 0 {
                text += "\n\n"
            }
            text += turn.content
        }
        return text
    }

    private static func responseFormat(_ options: LabelTaskOptions) -> String {
        let labels = options.labels.map(JSONText.quoted).joined(separator: ",")
        let states = options.confidenceSource == .verbalized
        let confidence = states ? ",\"confidence\":{\"type\":\"number\"}" : ""
        return "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"label\","
            + "\"strict\":true,\"schema\":{\"type\":\"object\",\"properties\":{\"label\":"
            + "{\"type\":\"string\",\"enum\":[\(labels)]}\(confidence)},\"required\":[\"label\""
            + "\(states ? ",\"confidence\"" : "")],\"additionalProperties\":false}}}"
    }
}
