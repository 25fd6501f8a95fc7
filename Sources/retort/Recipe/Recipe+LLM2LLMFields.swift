// The keys of `method` where its name is llm2llm, and what single keys can't say.

import Methods

extension Recipe.LLM2LLMOptions {
    /// Visits the keys besides `name`.
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.choice("task", &task)
        try fields.choice("augmentation", &augmentation)
        try fields.integer("rounds", &rounds, 1...1_000)
        try fields.integer("per_seed", &perSeed, 1...1_000)
        try fields.integer("attempts", &attempts, 1...1_000)
        try fields.number("similarity", &similarity, 0...1)
        try fields.flag("compare_all_rounds", &comparesAllRounds)
        try fields.integer("agreement_samples", &agreementSamples, 0...100)
        try fields.integer("agreement_count", &agreementCount, 1...100)
        try fields.flag("show_student_answer", &showsStudentAnswer)
        try fields.number("temperature", &temperature, 0...2)
        try fields.number("top_p", &topP, 1e-3...1)
        try fields.integer("max_tokens", &maximumTokens, 1...1_000_000)
        try fields.section("prompt") { try prompt.visit($0) }
        try fields.integer("calls", &calls, 0...Int.max)
        try fields.integer("additions", &additions, 0...Int.max)
        var names = edits.map(\.rawValue)
        try fields.texts("edits", &names)
        edits = try names.map { name in
            guard let edit = EasyDataEdit(rawValue: name) else {
                let all = EasyDataEdit.allCases.map(\.rawValue).joined(separator: ", ")
                throw RecipeError("method.edits '\(name)' is not one of \(all)")
            }
            return edit
        }
        try fields.number("edit_share", &editShare, 0...1)
        try fields.text("synonyms", &synonyms)
        try fields.texts("pool", &pool)
        try fields.text("pool_encoder", &poolEncoder)
        try fields.texts("choices", &choices)
        try selection.visit(fields)
    }
}

extension Recipe.LLM2LLMOptions.PromptOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.text("system", &system)
        try fields.text("system_file", &systemFile)
        try fields.text("user", &user)
        try fields.text("user_file", &userFile)
        try fields.text("example_question", &exampleQuestion)
        try fields.text("example_answer", &exampleAnswer)
        try fields.text("example_reply", &exampleReply)
    }
}

/// Checks a recipe of LLM2LLM as a whole.
enum LLM2LLMChecks {
    static func check(
        _ recipe: Recipe, _ require: (Bool, String) throws -> Void
    ) throws {
        let options = recipe.method.llm2llm
        let augmentation = options.augmentation.rawValue
        if options.augmentation.asksTeacher {
            try RecipeChecks.checkWriter(recipe.teacher, require)
        }
        try require(
            recipe.data.labelField != nil,
            "data.label_field is missing: name the field of the seeds' answers")
        try require(
            options.task != .choice || options.choices.count > 1,
            "method.choices is missing: name the fields that hold the choices")
        try require(
            options.agreementCount <= max(1, options.agreementSamples),
            "method.agreement_count \(options.agreementCount) is more than agreement_samples")
        try require(
            options.augmentation != .bulk || options.calls > 0,
            "method.calls is missing: how many requests method.augmentation: bulk may take")
        try require(
            ![.eda, .random].contains(options.augmentation) || options.additions > 0,
            "method.additions is missing: how many items method.augmentation: \(augmentation) adds")
        try require(
            !options.augmentation.takesFromPool || !options.pool.isEmpty,
            "method.pool is missing: name the file of items for method.augmentation: "
                + augmentation)
        let needsSynonyms = options.edits.contains { $0 == .synonym || $0 == .insertion }
        try require(
            options.augmentation != .eda || !needsSynonyms || !options.synonyms.isEmpty,
            "method.synonyms is missing: a file of synonyms, a line a set of words; or set "
                + "method.edits to [swap, deletion]")
    }
}
