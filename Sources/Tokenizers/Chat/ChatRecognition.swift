// Which format a model's folder asks for: the `chat_template` of its `tokenizer_config.json` (or the
// file `chat_template.jinja`), by its marks.
//
// A template that does more than the format it resembles (thinking, other turns' markup) is refused,
// as is one that isn't known: a wrong guess would be silent.

extension ChatTemplate {
    /// The template of a model's folder, with the folder's own special tokens.
    ///
    /// - Throws: `TokenizerError` that names the file: `unreadable`, `malformed`, or `unsupported`
    ///   where there is no template, or one that isn't known.
    public init(folder: String) throws(TokenizerError) {
        let folder = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
        let path = "\(folder)/tokenizer_config.json"
        let file = try JSONField(bytes: try InputFile.read(path), file: path)
        let startToken = try file.optional("bos_token").map(Self.token)
        let endToken = try file.optional("eos_token").map(Self.token)
        var name = "\(path): chat_template"
        var source = try Self.source(file)
        let separate = "\(folder)/chat_template.jinja"
        if InputFile.exists(separate) {
            name = separate
            source = String(decoding: try InputFile.read(separate), as: UTF8.self)
        }
        guard let source else {
            throw TokenizerError(
                .unsupported, "\(path) has no chat_template; name one of \(Self.names)")
        }
        do {
            try self.init(source: source, startToken: startToken, endToken: endToken)
        } catch {
            throw TokenizerError(error.code, "\(name) \(error.message); name one of \(Self.names)")
        }
    }

    /// A token written as a string, or as an object with its flags.
    private static func token(_ field: JSONField) throws(TokenizerError) -> String {
        field.kind == .object
            ? try field.required("content").string() : try field.string()
    }

    /// The text of the template; of several, the one that is called `default`.
    private static func source(_ file: JSONField) throws(TokenizerError) -> String? {
        guard let field = try file.optional("chat_template") else { return nil }
        guard field.kind == .array else { return try field.string() }
        for entry in try field.elements() {
            if try entry.required("name").string() == "default" {
                return try entry.required("template").string()
            }
        }
        return nil
    }

    /// Marks of templates that do more than the format they resemble.
    private static let strangeMarks = [
        "if system_message %}", "enable_thinking", "reasoning_content", "<think>", "[THINK]",
        "[SYSTEM_PROMPT]",
    ]

    /// The template that a source in Jinja is.
    init(source: String, startToken: String?, endToken: String?) throws(TokenizerError) {
        if let mark = Self.strangeMarks.first(where: source.contains) {
            throw TokenizerError(.unsupported, "has '\(mark)', which is not supported")
        }
        // Templates write their strings in either kind of quote.
        let plain = source.replacing("\"", with: "'")
        func has(_ marks: String...) -> Bool { marks.allSatisfy(plain.contains) }
        let format: Format
        if has("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>") {
            format = has("Cutting Knowledge Date: December 2023") ? .llama31 : .llama3
        } else if has("<|im_start|>", "<|im_end|>") {
            let compact = plain.filter { $0 != " " }
            let ends = [#"<|im_end|>\n"#, #"<|im_end|>'+'\n"#, "<|im_end|>\n"]
            guard ends.contains(where: compact.contains) else {
                throw TokenizerError(.unsupported, "ends its turns in a way that isn't known")
            }
            format = .chatML
        } else if has("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>") {
            format = .llama2
        } else if has("'[INST] '", "' [/INST]'") {
            format = .mistral
        } else if has("' [INST] '", "' [/INST]'", "loop.first and system_message") {
            format = .mistral2
        } else if has("'[INST] '", "'[/INST]'") {
            format = .mistral3
        } else if has(Self.alpacaSystem, "### Instruction:", "### Response:") {
            format = .alpaca
        } else {
            throw TokenizerError(.unsupported, "is none that is known")
        }
        let begins = has("bos_token")
        self.init(
            format, startToken: format == .chatML && !begins ? "" : startToken, endToken: endToken)
        trimsContent = has("trim") || has(".strip()")
        alwaysPrompts =
            (format == .llama3 || format == .chatML) && !has("add_generation_prompt")
        switch format {
        case .llama31:
            let date = Self.text(in: plain, between: "date_string = '", and: "'")
            today = date ?? today
        case .chatML: defaultSystem = Self.defaultSystem(in: plain)
        case .mistral: spacesAnswers = has("eos_token + ' '") || has("eos_token+' '")
        case .mistral3: systemAtEndOnly = has("loop.last and system_message")
        default: break
        }
    }

    /// The system turn that a ChatML template writes where there is none: a string of its source that
    /// holds the whole turn.
    private static func defaultSystem(in source: String) -> String? {
        var rest = source[...]
        let start = #"<|im_start|>system\n"#
        while let found = rest.firstRange(of: start) {
            rest = rest[found.upperBound...]
            guard let end = rest.firstRange(of: "<|im_end|>") else { return nil }
            let text = rest[..<end.lowerBound]
            // A quote ends the string before the turn does: the content comes from elsewhere.
            if !text.contains("'"), !text.contains("{{"), !text.isEmpty { return String(text) }
        }
        return nil
    }

    private static func text(
        in source: String, between start: String, and end: String
    ) -> String? {
        guard let from = source.firstRange(of: start)?.upperBound,
            let to = source[from...].firstRange(of: end)?.lowerBound
        else { return nil }
        return String(source[from..<to])
    }
}
