// The keys of `method` where its name is lion, and what single keys can't say.

import Methods

extension Recipe.LionOptions {
    /// Visits the keys besides `name`.
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.choice("arm", &arm)
        try fields.integer("iterations", &iterations, 1...1_000)
        try fields.integer("per_kind", &perKind, 1...10_000_000)
        try fields.integer("attempts", &attempts, 1...1_000)
        try fields.number("threshold", &threshold, -9...9)
        try fields.number("similarity", &similarity, 0...1)
        try fields.integer("re_asks", &reAsks, 0...100)
        try fields.integer("judge_limit", &judgeLimit, 1...Int.max)
        try fields.integer("calls", &calls, 0...Int.max)
        try fields.section("decoding") { fields in
            try fields.section("teacher") { try decoding.teacher.visit($0) }
            try fields.section("referee") { try decoding.referee.visit($0) }
            try fields.section("generator") { try decoding.generator.visit($0) }
            try fields.section("student") { try decoding.student.visit($0) }
        }
        try fields.section("prompts") { fields in
            try fields.section("teacher") { try prompts.teacher.visit($0) }
            try fields.section("referee") { try prompts.referee.visit($0) }
            try fields.section("hard") { try prompts.hard.visit($0) }
            try fields.section("easy") { try prompts.easy.visit($0) }
        }
        try fields.section("roles") { fields in
            let visit = { (fields: RecipeFields, role: inout Recipe.TeacherOptions) in
                try role.visit(fields)
            }
            try fields.optionalSection("referee", &referee, Recipe.TeacherOptions(), visit)
            try fields.optionalSection("generator", &generator, Recipe.TeacherOptions(), visit)
        }
    }
}

extension Recipe.DecodingOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.number("temperature", &temperature, 0...2)
        try fields.number("top_p", &topP, 1e-3...1)
        try fields.integer("max_tokens", &maximumTokens, 1...1_000_000)
    }
}

extension Recipe.TurnOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.text("system", &system)
        try fields.text("system_file", &systemFile)
        try fields.text("user", &user)
        try fields.text("user_file", &userFile)
    }
}

/// Checks a recipe of Lion as a whole.
enum LionChecks {
    static func check(
        _ recipe: Recipe, _ require: (Bool, String) throws -> Void
    ) throws {
        let options = recipe.method.lion
        var roles = [("teacher", recipe.teacher)]
        if let referee = options.referee { roles.append(("method.roles.referee", referee)) }
        if let generator = options.generator { roles.append(("method.roles.generator", generator)) }
        for (name, role) in roles {
            try require(
                role.kind != .encoder,
                "\(name).kind: method.name: lion wants one that writes; set it to openai, local or "
                    + "recorded")
            switch role.kind {
            case .openai: try RecipeChecks.checkServers(role, named: name, require)
            case .local:
                try require(
                    !role.model.isEmpty, "\(name).model is missing: name the decoder's folder")
            case .recorded:
                try require(
                    !role.path.isEmpty,
                    "\(name).path is missing: name the file of recorded answers or a labels folder")
            case .encoder: break
            }
            try require(
                recipe.budget.usd == nil || role.kind != .openai || role.servers.inputPrice != nil,
                "budget.usd needs \(name).price: what a million tokens cost")
        }
        try require(
            recipe.data.test.isEmpty || recipe.data.labelField != nil,
            "data.label_field is missing: name the field of the test's answers, or leave data.test "
                + "out")
        try require(
            options.arm == .imitation || options.calls == 0,
            "method.calls goes with method.arm: imitation")
    }
}
