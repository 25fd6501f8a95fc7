// The formats, each as the pieces that its text is made of.

extension ChatTemplate {
    /// A piece of a rendered conversation.
    struct Piece: Equatable {
        enum Kind { case special, literal, content, answer, answerEnd }

        let kind: Kind
        let text: String

        /// A token that the tokenizer has to have.
        static func special(_ text: String) -> Piece { Piece(kind: .special, text: text) }
        /// Text of the format.
        static func literal(_ text: String) -> Piece { Piece(kind: .literal, text: text) }
        /// Text of the system's or a user's turn.
        static func content(_ text: String) -> Piece { Piece(kind: .content, text: text) }
        /// Text of an assistant's turn.
        static func answer(_ text: String) -> Piece { Piece(kind: .answer, text: text) }
        /// The token that ends an assistant's turn.
        static func answerEnd(_ text: String) -> Piece { Piece(kind: .answerEnd, text: text) }

        var isSpecial: Bool { (kind == .special || kind == .answerEnd) && !text.isEmpty }
        var isContent: Bool { kind == .content || kind == .answer }
        var isOfAnswer: Bool { kind == .answer || kind == .answerEnd }
    }

    /// The pieces of a conversation.
    func pieces(
        _ messages: [ChatMessage], _ addGenerationPrompt: Bool
    ) throws(TokenizerError) -> [Piece] {
        guard let first = messages.first else { throw bad("has no turns") }
        for (number, message) in messages.enumerated().dropFirst() where message.role == .system {
            throw bad("has a system turn at [\(number)]; only the first may be one")
        }
        var system = first.role == .system ? first.content : nil
        let turns = first.role == .system ? messages.dropFirst() : messages[...]
        if system == nil { system = defaultSystem }
        let prompts = addGenerationPrompt || alwaysPrompts
        switch format {
        case .llama2: return try llama2(system, turns)
        case .llama3, .llama31: return llama3(system, turns, prompts)
        case .chatML: return chatML(system, turns, prompts)
        case .mistral: return try mistral(system, turns)
        case .mistral2: return try mistral2(system, turns)
        case .mistral3: return try mistral3(system, turns)
        case .alpaca: return try alpaca(system ?? "", turns, prompts)
        }
    }

    private func bad(_ reason: String) -> TokenizerError {
        TokenizerError(
            .badConversation, "the conversation for template '\(format.rawValue)' \(reason)")
    }

    /// Users and assistants have to take turns, the user first.
    private func checkTurns(_ turns: ArraySlice<ChatMessage>) throws(TokenizerError) {
        for (number, message) in turns.enumerated() {
            guard message.role == (number % 2 == 0 ? .user : .assistant) else {
                throw bad("must have user and assistant in turn, the user first")
            }
        }
    }

    private func trimmed(_ content: String) -> String {
        trimsContent ? content.strippedLikePython : content
    }

    // MARK: Formats

    private func llama2(
        _ system: String?, _ turns: ArraySlice<ChatMessage>
    ) throws(TokenizerError) -> [Piece] {
        try checkTurns(turns)
        var pieces: [Piece] = []
        for (number, message) in turns.enumerated() {
            if message.role == .assistant {
                pieces += [
                    .literal(" "), .answer(trimmed(message.content)), .literal(" "),
                    .answerEnd(answerEnd),
                ]
                continue
            }
            var content = message.content
            if number == 0, let system { content = "<<SYS>>\n\(system)\n<</SYS>>\n\n\(content)" }
            pieces += [
                .special(startToken), .literal("[INST] "), .content(trimmed(content)),
                .literal(" [/INST]"),
            ]
        }
        return pieces
    }

    private func llama3(
        _ system: String?, _ turns: ArraySlice<ChatMessage>, _ prompts: Bool
    ) -> [Piece] {
        func header(_ role: ChatMessage.Role) -> [Piece] {
            [
                .special("<|start_header_id|>"), .literal(role.rawValue),
                .special("<|end_header_id|>"), .literal("\n\n"),
            ]
        }
        var pieces: [Piece] = [.special(startToken)]
        if format == .llama31 {
            pieces += header(.system)
            pieces += [
                .literal("Cutting Knowledge Date: December 2023\nToday Date: \(today)\n\n"),
                .content(trimmed(system ?? "")), .special("<|eot_id|>"),
            ]
        } else if let system {
            pieces += header(.system) + [.content(trimmed(system)), .special("<|eot_id|>")]
        }
        for message in turns {
            pieces += header(message.role)
            let content = trimmed(message.content)
            pieces +=
                message.role == .assistant
                ? [.answer(content), .answerEnd(answerEnd)]
                : [.content(content), .special("<|eot_id|>")]
        }
        return prompts ? pieces + header(.assistant) : pieces
    }

    private func chatML(
        _ system: String?, _ turns: ArraySlice<ChatMessage>, _ prompts: Bool
    ) -> [Piece] {
        var pieces: [Piece] = [.special(startToken)]
        func add(_ role: ChatMessage.Role, _ content: String) {
            let content = trimmed(content)
            pieces += [.special("<|im_start|>"), .literal("\(role.rawValue)\n")]
            pieces +=
                role == .assistant
                ? [.answer(content), .answerEnd(answerEnd)]
                : [.content(content), .special("<|im_end|>")]
            pieces.append(.literal("\n"))
        }
        if let system { add(.system, system) }
        for message in turns { add(message.role, message.content) }
        if prompts { pieces += [.special("<|im_start|>"), .literal("assistant\n")] }
        return pieces
    }

    private func mistral(
        _ system: String?, _ turns: ArraySlice<ChatMessage>
    ) throws(TokenizerError) -> [Piece] {
        if system != nil {
            throw bad("has a system turn, which the format doesn't know: put it before the user's")
        }
        try checkTurns(turns)
        var pieces: [Piece] = [.special(startToken)]
        for message in turns {
            if message.role == .user {
                pieces += [.literal("[INST] "), .content(message.content), .literal(" [/INST]")]
            } else {
                pieces += [.answer(message.content), .answerEnd(answerEnd)]
                if spacesAnswers { pieces.append(.literal(" ")) }
            }
        }
        return pieces
    }

    private func mistral2(
        _ system: String?, _ turns: ArraySlice<ChatMessage>
    ) throws(TokenizerError) -> [Piece] {
        try checkTurns(turns)
        var pieces: [Piece] = [.special(startToken)]
        for (number, message) in turns.enumerated() {
            if message.role == .assistant {
                pieces += [.literal(" "), .answer(message.content), .answerEnd(answerEnd)]
                continue
            }
            pieces.append(.literal(" [INST] "))
            if number == 0, let system { pieces += [.content(system), .literal("\n\n")] }
            pieces += [.content(message.content), .literal(" [/INST]")]
        }
        return pieces
    }

    private func mistral3(
        _ system: String?, _ turns: ArraySlice<ChatMessage>
    ) throws(TokenizerError) -> [Piece] {
        try checkTurns(turns)
        let lastUser = turns.lastIndex { $0.role == .user }
        var pieces: [Piece] = [.special(startToken)]
        for (index, message) in zip(turns.indices, turns) {
            if message.role == .assistant {
                pieces += [
                    .literal(" "), .answer(trimmed(message.content)), .answerEnd(answerEnd),
                ]
                continue
            }
            pieces.append(.literal("[INST] "))
            let isPlace = systemAtEndOnly ? index == turns.endIndex - 1 : index == lastUser
            if let system, isPlace { pieces += [.content(system), .literal("\n\n")] }
            pieces += [.content(message.content), .literal("[/INST]")]
        }
        return pieces
    }

    private func alpaca(
        _ system: String, _ turns: ArraySlice<ChatMessage>, _ prompts: Bool
    ) throws(TokenizerError) -> [Piece] {
        try checkTurns(turns)
        var pieces: [Piece] = [.special(startToken), .content(trimmed(system)), .literal("\n\n")]
        for message in turns {
            if message.role == .user {
                pieces += [
                    .literal("### Instruction:\n"), .content(trimmed(message.content)),
                    .literal("\n\n"),
                ]
            } else {
                pieces += [
                    .literal("### Response:\n"), .answer(trimmed(message.content)),
                    .answerEnd(answerEnd), .literal("\n\n"),
                ]
            }
        }
        return prompts ? pieces + [.literal("### Response:\n")] : pieces
    }
}

extension String {
    /// Without the white space at its ends, by Python's notion of it, which the templates use.
    fileprivate var strippedLikePython: String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            0x1C...0x1F ~= scalar.value
                || UnicodeTables.properties[Int(scalar.value)].contains(.whitespace)
        }
        var scalars = unicodeScalars[...]
        while let first = scalars.first, isSpace(first) { scalars.removeFirst() }
        while let last = scalars.last, isSpace(last) { scalars.removeLast() }
        return String(scalars)
    }
}
