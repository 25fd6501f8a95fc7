// The keys of the sections that say who labels and at what cost. A kind of teacher has its own keys:
// those of another kind are refused like any that nobody knows.

import Methods
import Teacher

extension Recipe.TeacherOptions {
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.choice("kind", &kind)
        switch kind {
        case .encoder: try visitEncoder(fields)
        case .recorded:
            try fields.text("path", &path)
            try fields.text("teacher", &recordedTeacher)
        case .openai: try visitServers(fields)
        case .local: try visitLocal(fields)
        }
        try fields.distinctTexts("labels", &labels)
        try fields.integer("lease_size", &leaseSize, 1...1_000_000)
    }

    private mutating func visitEncoder(_ fields: RecipeFields) throws {
        try fields.text("model", &model)
        try fields.number("temperature", &temperature, 1e-6...1e6)
        try fields.namedTexts("label_sentences", &labelSentences)
        try fields.texts("prototypes", &prototypes)
        try fields.integer("max_seq_length", &maximumLength, 2...1_000_000)
    }

    private mutating func visitServers(_ fields: RecipeFields) throws {
        try fields.text("model", &task.model)
        try fields.text("id", &id)
        try servers.visit(fields)
        try task.visit(fields)
        try fields.text("tokenizer", &tokenizer)
        try fields.text("example_model", &exampleModel)
        try fields.texts("calibration", &calibration)
        try fields.flag("retry_failed", &retryFailed)
    }
}

extension Recipe.ServerOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        var single: [String] = []
        if !fields.isWriting { try fields.texts("base_url", &single) }
        try fields.texts("base_urls", &baseURLs)
        guard single.isEmpty || baseURLs.isEmpty else { throw fields.both("base_url", "base_urls") }
        baseURLs += single
        try fields.secret("api_key", &apiKey)
        try fields.number("timeout", &timeout, 1e-3...86_400)
        try fields.number("connect_timeout", &connectTimeout, 1e-3...86_400)
        try fields.integer("max_retries", &maxRetries, 0...1000)
        try fields.number("give_up_seconds", &giveUpSeconds, 1e-3...86_400)
        try fields.text("proxy", &proxy)
        try fields.text("ca_file", &caFile)
        try fields.section("price") {
            try $0.number("input_per_million", &inputPrice, 0...1e9)
            try $0.number("output_per_million", &outputPrice, 0...1e9)
        }
    }
}

extension LabelTaskOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        var api = route == .completions ? API.completions : .chat
        try fields.choice("api", &api)
        route = api == .completions ? .completions : .chatCompletions
        try fields.choice("answer", &answer)
        try visitPrompts(fields)
        try fields.choice("json_schema", &jsonSchema)
        try fields.choice("confidence", &confidence)
        try fields.integer("top_logprobs", &topLogprobs, 1...20)
        try fields.number("min_label_mass", &minimumLabelMass, 0...1)
        try fields.integer("samples", &samples, 1...128)
        try fields.integer("re_ask", &reAsk, 0...5)
        try fields.integer("max_tokens", &maximumTokens, 1...1_000_000)
        try fields.number("temperature", &temperature, 0...2)
        try fields.number("top_p", &topP, 1e-6...1)
        try fields.integer("seed", &seed, Int.min...Int.max)
        try fields.object("extra_body", &extraBody)
    }

    private enum API: String, CaseIterable {
        case chat, completions
    }

    /// `prompt` is one, `prompts` several.
    mutating func visitPrompts(_ fields: RecipeFields) throws {
        let visit = { (fields: RecipeFields, prompt: inout Prompt) in
            try fields.text("system", &prompt.system)
            try fields.text("user", &prompt.user)
            try fields.text("system_file", &prompt.systemFile)
            try fields.text("user_file", &prompt.userFile)
        }
        try fields.sections("prompts", &prompts, Prompt(), visit)
        if !fields.isWriting {
            var single: [Prompt] = []
            try fields.sections("prompt", &single, Prompt(), visit)
            guard single.isEmpty || prompts == [Prompt()] else {
                throw fields.both("prompt", "prompts")
            }
            if !single.isEmpty { prompts = single }
        }
        try fields.optionalSection("examples", &examples, Examples(path: "")) { fields, examples in
            try fields.text("path", &examples.path)
            try fields.integer("count", &examples.count, 0...1000)
            try fields.choice("choose", &examples.choose)
            try fields.unsigned("seed", &examples.seed)
            try fields.text("text_field", &examples.textField)
            try fields.text("label_field", &examples.labelField)
        }
    }
}

extension Recipe.BudgetOptions {
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.number("usd", &usd, 0...1e9)
        try fields.integer("tokens", &tokens, 0...Int.max)
        try fields.integer("requests", &requests, 0...Int.max)
    }
}

extension Recipe.RateOptions {
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.integer("requests_per_minute", &requestsPerMinute, 1...Int.max)
        try fields.integer("tokens_per_minute", &tokensPerMinute, 1...Int.max)
        try fields.integer("max_in_flight", &maxInFlight, 1...100_000)
    }
}
