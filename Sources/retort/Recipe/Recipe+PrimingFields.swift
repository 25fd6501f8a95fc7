// The keys of `method` where its name is priming, and what single keys can't say.

import Methods
import Teacher
import Training

extension Recipe.PrimingOptions {
    /// Visits the keys besides `name`.
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.choice("signal", &signal)
        var names = arms.map(\.rawValue)
        try fields.texts("arms", &names)
        arms = try names.map { name in
            guard let arm = PrimingArm(rawValue: name) else {
                let all = PrimingArm.allCases.map(\.rawValue).joined(separator: ", ")
                throw RecipeError("method.arms '\(name)' is not one of \(all)")
            }
            return arm
        }
        try fields.flag("untrained", &measuresUntrained)
        try fields.flag("fine_tuned", &measuresFineTuned)
        try fields.section("prompts") { try prompts.visit($0) }
        try fields.integer("seeds", &seeds, 1...1_000)
        try fields.number("validation_ratio", &validationRatio, 0...1)
        try fields.flag("judge_answers", &judgesAnswers)
        try fields.choice("divergence", &loss.kind)
        try fields.number("beta", &loss.beta, 0...1)
        try fields.number("temperature", &loss.temperature, 1e-3...1e3)
        try fields.number("alpha", &loss.alpha, 0...1)
        try fields.flag("square_temperature", &loss.squaresTemperature)
        try fields.integer("top_k", &topCount, 1...65_536)
        try fields.flag("correct_only", &correctOnly)
        try fields.integer("teacher_tokens", &teacherTokens, 1...1_000_000)
        try fields.number("teacher_temperature", &teacherTemperature, 0...2)
    }
}

extension Recipe.PrimingOptions.PromptOptions {
    fileprivate mutating func visit(_ fields: RecipeFields) throws {
        try fields.text("teacher", &teacher)
        try fields.text("ground_truth", &groundTruth)
        try fields.text("confidence", &confidence)
        try fields.text("custom", &custom)
    }
}

/// Checks a recipe of priming as a whole.
enum PrimingChecks {
    static func check(
        _ recipe: Recipe, _ require: (Bool, String) throws -> Void
    ) throws {
        let (options, teacher) = (recipe.method.priming, recipe.teacher)
        try require(
            Set(options.arms).count == options.arms.count,
            "method.arms names an arm twice; each is trained once, with method.seeds seeds")
        try require(
            !options.arms.isEmpty || options.measuresUntrained || options.measuresFineTuned,
            "method.arms is empty and there are no controls: nothing would be trained")
        try require(
            !options.arms.contains(.custom) || options.prompts.custom != nil,
            "method.prompts.custom is missing: the prompt of the arm custom")
        guard !options.arms.isEmpty else { return }
        switch options.signal {
        case .logits:
            try require(
                teacher.kind == .local,
                "method.signal: logits wants a teacher in this process: set teacher.kind to local and "
                    + "teacher.model to a folder, or method.signal to text")
            try require(
                !teacher.model.isEmpty, "teacher.model is missing: name the teacher's folder")
        case .text:
            try RecipeChecks.checkWriter(teacher, require)
        }
    }
}
