// Text requests as the bytes that a server is sent, and their names in the ledger.

/// Writes text requests for servers.
public struct TextRequestWriter: Sendable {
    /// The name in the ledger's keys.
    public let teacher: String
    /// Whether the server is told where its draws start.
    public let sendsSeed: Bool
    private let options: LabelTaskOptions
    private let topLogprobs: Int

    /// A writer for a server's model.
    ///
    /// - Parameters:
    ///   - teacher: The teacher's identity.
    ///   - model: The model's name, as the server knows it.
    ///   - route: Which part of the API is asked.
    ///   - extraBody: Further members of the body: the text of a JSON object.
    ///   - topLogprobs: Alternatives asked for where letters are scored, 1 to 20.
    ///   - sendsSeed: False for servers that refuse `seed`; attempts are told apart by the ledger then.
    public init(
        teacher: String, model: String, route: TeacherRequest.Route = .chatCompletions,
        extraBody: String? = nil, topLogprobs: Int = 20, sendsSeed: Bool = true
    ) {
        self.teacher = teacher
        self.sendsSeed = sendsSeed
        self.topLogprobs = topLogprobs
        var options = LabelTaskOptions(model: model)
        options.route = route
        options.answer = .text
        options.extraBody = extraBody
        self.options = options
    }

    /// A request's bytes, and its key.
    ///
    /// - Throws: `TeacherError` with `configuration` for numbers that no server takes.
    public func request(
        _ text: TextRequest
    ) throws(TeacherError) -> (request: TeacherRequest, key: LabelKey) {
        try text.check()
        var options = options
        options.temperature = text.sampling.temperature
        options.topP = text.sampling.topP
        options.maximumTokens = text.maximumTokens
        let seed = text.drawnSeed
        if sendsSeed { options.seed = seed.map { Int($0) } }
        try options.validate()
        if text.scored != nil {
            options.confidence = .logprobs
            options.topLogprobs = topLogprobs
        }
        let request = try RequestWriter(options, .plain).request(text.messages.map(Turn.init))
        guard !sendsSeed, seed != nil else { return (request, request.key(teacher: teacher)) }
        let marked = request.body + Array("\0\(seed ?? 0)".utf8)
        return (request, LabelKey(teacher: teacher, request: marked))
    }
}

extension Turn {
    init(_ message: TextRequest.Message) {
        let role: Role =
            switch message.role {
            case .system: .system
            case .user: .user
            case .assistant: .assistant
            }
        self.init(role, message.content)
    }
}
