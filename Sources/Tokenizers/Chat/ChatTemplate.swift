// How a conversation is written for a chat model: the formats that are known, by name.
//
// Not a Jinja engine: the templates of model folders are recognised by their marks (see
// ChatRecognition) and written here by hand; any other is refused.

/// One turn of a conversation.
public struct ChatMessage: Sendable, Equatable {
    /// Who speaks.
    public enum Role: String, Sendable {
        case system, user, assistant
    }

    /// Who speaks.
    public var role: Role
    /// What is said; plain text, never markup.
    public var content: String

    /// A turn.
    public init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }
}

/// The format in which a chat model reads conversations.
public struct ChatTemplate: Sendable, Equatable {
    /// The known formats.
    public enum Format: String, Sendable, CaseIterable {
        /// `[INST] <<SYS>>…<</SYS>> … [/INST] … </s>`.
        case llama2 = "llama-2"
        /// `<|start_header_id|>user<|end_header_id|> … <|eot_id|>`.
        case llama3 = "llama-3"
        /// Llama-3.1 to 3.3: as Llama-3, with dates in a system turn that is always there.
        case llama31 = "llama-3.1"
        /// `<|im_start|>user … <|im_end|>`: Qwen, SmolLM and others.
        case chatML = "chatml"
        /// `[INST] … [/INST]…</s>`: the first templates of Mistral 7B Instruct 0.1 and 0.2.
        case mistral
        /// ` [INST] … [/INST] …</s>`: the later templates of the same, and Mixtral's.
        case mistral2 = "mistral-v2"
        /// `[INST] …[/INST] …</s>`: Mistral 7B Instruct 0.3 and its like.
        case mistral3 = "mistral-v3"
        /// `### Instruction: … ### Response: …`.
        case alpaca
    }

    /// The format.
    public let format: Format
    /// The token that a text begins with; empty where there is none.
    public let startToken: String
    /// The token that ends an answer, where the format has none of its own.
    public let endToken: String
    /// The system turn of conversations without one; nil: none.
    public var defaultSystem: String?
    /// The day that `llama-3.1` names, such as `26 Jul 2024`.
    ///
    /// The model's own template takes the day of the call; a fixed one keeps runs repeatable.
    public var today = "26 Jul 2024"

    /// A space follows the end of each answer (Mistral 0.1).
    var spacesAnswers = false
    /// Contents lose the white space at their ends (of `mistral-v3` the answers').
    var trimsContent: Bool
    /// The beginning of the answer is always there (the first template of Llama-3).
    var alwaysPrompts = false
    /// The system text goes only with a user turn that is the last of all (Mistral 0.3).
    var systemAtEndOnly = true

    /// What Alpaca's prompts begin with.
    static let alpacaSystem =
        "Below is an instruction that describes a task. "
        + "Write a response that appropriately completes the request."

    /// A format with its tokens; nil: those that its first model has.
    public init(_ format: Format, startToken: String? = nil, endToken: String? = nil) {
        self.format = format
        let tokens: (start: String, end: String)
        switch format {
        case .llama2, .mistral, .mistral2, .mistral3, .alpaca: tokens = ("<s>", "</s>")
        case .llama3, .llama31: tokens = ("<|begin_of_text|>", "<|eot_id|>")
        case .chatML: tokens = ("", "<|im_end|>")
        }
        self.startToken = startToken ?? tokens.start
        self.endToken = endToken ?? tokens.end
        defaultSystem = format == .alpaca ? Self.alpacaSystem : nil
        trimsContent = format != .chatML && format != .mistral && format != .mistral2
    }

    /// A format by its name, as in `Format`.
    ///
    /// - Throws: `TokenizerError` of the code `unsupported`, which lists the names.
    public init(named name: String) throws(TokenizerError) {
        guard let format = Format(rawValue: name) else {
            throw TokenizerError(
                .unsupported, "chat template '\(name)' is not supported; there are \(Self.names)")
        }
        self.init(format)
    }

    /// The names of the formats, for messages.
    static var names: String { Format.allCases.map(\.rawValue).joined(separator: ", ") }

    /// The token that ends an answer in this format: what generation stops at.
    public var answerEnd: String {
        switch format {
        case .llama3, .llama31: "<|eot_id|>"
        case .chatML: "<|im_end|>"
        case .llama2, .mistral, .mistral2, .mistral3, .alpaca: endToken
        }
    }

    // MARK: Use

    /// The text of a conversation.
    ///
    /// - Parameters:
    ///   - messages: the turns; the system's may only be the first.
    ///   - addGenerationPrompt: whether the beginning of an answer follows, for the model to go on.
    /// - Throws: `TokenizerError` of the code `badConversation` for turns that the format can't hold.
    public func render(
        _ messages: [ChatMessage], addGenerationPrompt: Bool = true
    ) throws(TokenizerError) -> String {
        try pieces(messages, addGenerationPrompt).map(\.text).joined()
    }

    /// The ids of a conversation, with no special tokens but the format's own.
    ///
    /// - Parameters:
    ///   - messages: the turns; the system's may only be the first.
    ///   - tokenizer: the model's tokenizer.
    ///   - addGenerationPrompt: whether the beginning of an answer follows.
    ///   - contentMayHoldSpecialTokens: whether `<|im_end|>` in a content is the token of that name,
    ///     as in `transformers`; otherwise it is plain text, and no content can end its turn.
    /// - Throws: `TokenizerError` of the code `badConversation`, as `render` does, or `inconsistent`
    ///   where the tokenizer lacks one of the format's special tokens.
    public func encode(
        _ messages: [ChatMessage], with tokenizer: Tokenizer, addGenerationPrompt: Bool = true,
        contentMayHoldSpecialTokens: Bool = false
    ) throws(TokenizerError) -> [Int32] {
        let pieces = try checkedPieces(messages, addGenerationPrompt, tokenizer)
        return tokenizer.encodeIDs(Self.texts(of: pieces, guards: !contentMayHoldSpecialTokens))
    }

    /// The ids of a conversation that a model learns from, and which of them are its answers.
    ///
    /// - Parameters:
    ///   - messages: the turns; the system's may only be the first.
    ///   - tokenizer: the model's tokenizer.
    /// - Returns: the ids, as `encode` gives them without a generation prompt, and for each whether it
    ///   holds any of the assistant's text or ends its turn: those are the ones to be predicted.
    /// - Throws: what `encode` throws.
    public func encodeAnswers(
        _ messages: [ChatMessage], with tokenizer: Tokenizer
    ) throws(TokenizerError) -> (ids: [Int32], isAnswer: [Bool]) {
        let pieces = try checkedPieces(messages, false, tokenizer)
        let tokens = tokenizer.tokenize(Self.texts(of: pieces, guards: true), tracksOffsets: true)
        var answers: [Range<Int>] = []
        var scalars = 0
        for piece in pieces {
            let end = scalars + piece.text.unicodeScalars.count
            if piece.isOfAnswer, scalars < end { answers.append(scalars..<end) }
            scalars = end
        }
        return (tokens.ids, tokens.offsets.map { GuardedRanges.touch(answers, $0) })
    }

    private static func texts(of pieces: [Piece], guards: Bool) -> [TextPiece] {
        pieces.map { TextPiece($0.text, isGuarded: guards && $0.isContent) }
    }

    /// The pieces of a conversation, all special tokens of which the tokenizer has.
    private func checkedPieces(
        _ messages: [ChatMessage], _ addGenerationPrompt: Bool, _ tokenizer: Tokenizer
    ) throws(TokenizerError) -> [Piece] {
        let pieces = try pieces(messages, addGenerationPrompt)
        for piece in pieces where piece.isSpecial && !tokenizer.isAdded(piece.text) {
            throw TokenizerError(
                .inconsistent,
                "the chat template '\(format.rawValue)' needs the token '\(piece.text)', which the "
                    + "tokenizer doesn't have; name the template that the model was trained with")
        }
        return pieces
    }
}
