// The keys of `method` where its name is mcqa, and what single keys can't say.

import Methods

extension Recipe.MCQAOptions {
    /// Visits the keys besides `name`.
    mutating func visit(_ fields: RecipeFields) throws {
        try fields.choice("generation", &generation)
        try fields.texts("items", &items)
        try fields.texts("subjects", &subjects)
        try fields.integer("examples", &examples, 1...1_000)
        try fields.integer("per_subject", &perSubject, 1...1_000_000)
        try fields.integer("attempts", &attempts, 1...1_000)
        try fields.integer("choices", &choices, 2...20)
        try fields.number("similarity", &similarity, 0.1...1)
        try fields.number("sampling_temperature", &samplingTemperature, 0...2)
        try fields.number("top_p", &topP, 1e-3...1)
        try fields.integer("max_tokens", &maximumTokens, 1...1_000_000)
        try fields.choice("scoring", &scoring)
        try fields.flag("cycle_choices", &cyclesChoices)
        try fields.number("min_letter_mass", &minimumLetterMass, 0...1)
        try fields.choice("disagreement", &disagreement)
        try fields.number("test_ratio", &testRatio, 0...1)
        var names = students.map(\.rawValue)
        try fields.texts("students", &names)
        students = try names.map { name in
            guard let student = Student(rawValue: name) else {
                let all = Student.allCases.map(\.rawValue).joined(separator: ", ")
                throw RecipeError("method.students '\(name)' is not one of \(all)")
            }
            return student
        }
        try fields.flag("joint", &isJoint)
        try fields.number("temperature", &temperature, 1e-3...1e3)
        try fields.number("hard_weight", &hardWeight, 0...1)
        try fields.choice("hard_label", &hardLabel)
        try fields.integer("few_shot_epochs", &fewShotEpochs, 1...1_000_000)
        try selection.visit(fields)
    }
}

/// Checks a recipe of few-shot multiple choice as a whole.
enum MCQAChecks {
    static func check(
        _ recipe: Recipe, _ require: (Bool, String) throws -> Void
    ) throws {
        let (options, teacher) = (recipe.method.mcqa, recipe.teacher)
        try require(
            teacher.kind != .encoder,
            "teacher.kind: encoder scores no choices; set it to openai, local or recorded")
        switch teacher.kind {
        case .openai: try RecipeChecks.checkServers(teacher, require)
        case .local:
            try require(
                !teacher.model.isEmpty, "teacher.model is missing: name the decoder's folder")
        case .recorded:
            try require(
                !teacher.path.isEmpty,
                "teacher.path is missing: name the file of recorded choice_probabilities or a labels "
                    + "folder")
        case .encoder: break
        }
        try require(
            options.scoring == .letters || teacher.kind == .local,
            "method.scoring: texts wants teacher.kind: local; servers don't score texts that they "
                + "didn't write")
        try require(
            (options.generation == .none) == !options.items.isEmpty,
            options.generation == .none
                ? "method.items is missing: name the files of items, or set method.generation"
                : "method.items goes with method.generation: none")
        try require(
            options.generation == .none || !recipe.data.test.isEmpty,
            "data.test is missing: new items are compared with it, and students are measured on it")
        try require(
            options.generation != .none || options.disagreement == .keep,
            "method.disagreement: drop is for items that were written: given ones would be chosen by "
                + "their gold answers")
        try require(
            !options.students.isEmpty && Set(options.students).count == options.students.count,
            "method.students names none, or one twice; give soft, hard or few_shot")
    }
}
