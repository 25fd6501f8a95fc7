// What single fields can't say: keys that need each other, numbers that must fit together.

import Methods
import Teacher
import Training

/// Checks a recipe as a whole.
enum RecipeChecks {
    static func check(_ recipe: Recipe, file: String) throws {
        func require(_ condition: Bool, _ message: String) throws {
            guard condition else { throw RecipeError("\(file): \(message)") }
        }
        try require(!recipe.data.pool.isEmpty, "data.pool is missing: name the file of texts")
        try require(
            ["refuse", "skip"].contains(recipe.data.onBadRow),
            "data.on_bad_row '\(recipe.data.onBadRow)' is not one of refuse, skip")
        if let format = recipe.data.format {
            try require(
                ["jsonl", "csv", "tsv", "lines"].contains(format),
                "data.format '\(format)' is not one of jsonl, csv, tsv, lines")
        }
        try require(!recipe.student.model.isEmpty, "student.model is missing: name its folder")
        switch recipe.method.name {
        case .llkd: try checkTeacher(recipe.teacher, require)
        case .priming: try PrimingChecks.check(recipe, require)
        case .llm2llm: try LLM2LLMChecks.check(recipe, require)
        case .mcqa: try MCQAChecks.check(recipe, require)
        case .fineTune: break
        case .sequence:
            try checkWriter(recipe.teacher, require)
            try require(
                recipe.method.sequence.answers == 1 || recipe.method.sequence.temperature > 0,
                "method.answers \(recipe.method.sequence.answers) wants method.temperature above 0: "
                    + "greedy answers are all the same")
        }
        try require(
            recipe.budget.usd == nil || recipe.teacher.servers.inputPrice != nil,
            "budget.usd needs teacher.price: what a million tokens cost")
        try checkMethod(recipe.method, require)
        let leaves = recipe.train.microBatches
        try require(
            leaves & (leaves - 1) == 0,
            "train.micro_batches \(leaves) is not a power of two (1, 2, 4, 8, ...)")
    }

    private static func checkTeacher(
        _ teacher: Recipe.TeacherOptions, _ require: (Bool, String) throws -> Void
    ) throws {
        switch teacher.kind {
        case .encoder:
            try require(
                !teacher.model.isEmpty, "teacher.model is missing: name the encoder's folder")
            try require(
                teacher.labelSentences.count >= 2,
                "teacher.label_sentences needs a sentence for each of at least two labels")
        case .openai:
            try checkServers(teacher, require)
            try require(
                teacher.labels.count >= 2 || teacher.task.answer == .text,
                "teacher.labels needs at least two labels")
            try require(
                teacher.task.examples.map { !$0.path.isEmpty } ?? true,
                "teacher.examples.path is missing: name the file of examples")
            try require(
                teacher.calibration.isEmpty
                    || teacher.task.confidenceSource != LabelTaskOptions.Confidence.none,
                "teacher.calibration needs confidences: set teacher.confidence")
            try require(
                teacher.task.examples?.choose != .nearest || !teacher.exampleModel.isEmpty,
                "teacher.example_model is missing: examples that are nearest need an encoder's folder"
            )
        case .local:
            try require(
                !teacher.model.isEmpty, "teacher.model is missing: name the decoder's folder")
            try require(
                teacher.labels.count >= 2 || teacher.task.answer == .text,
                "teacher.labels needs at least two labels")
            try require(
                teacher.task.examples?.choose != .nearest || !teacher.exampleModel.isEmpty,
                "teacher.example_model is missing: examples that are nearest need an encoder's folder"
            )
        case .recorded:
            try require(
                !teacher.path.isEmpty,
                "teacher.path is missing: name the file of recorded answers or a labels folder")
        }
    }

    /// What a method needs of a teacher that writes.
    static func checkWriter(
        _ teacher: Recipe.TeacherOptions, _ require: (Bool, String) throws -> Void
    ) throws {
        switch teacher.kind {
        case .openai: try checkServers(teacher, require)
        case .local:
            try require(
                !teacher.model.isEmpty, "teacher.model is missing: name the decoder's folder")
        case .recorded:
            try require(
                !teacher.path.isEmpty,
                "teacher.path is missing: name the labels folder of an earlier run")
        case .encoder:
            try require(
                false,
                "this method wants a teacher that writes; set teacher.kind to openai, local or "
                    + "recorded")
        }
    }

    /// What every teacher on servers needs, whatever it is asked for.
    static func checkServers(
        _ teacher: Recipe.TeacherOptions, _ require: (Bool, String) throws -> Void
    ) throws {
        try require(
            !teacher.servers.baseURLs.isEmpty,
            "teacher.base_url is missing: name the server, http://HOST:8000/v1 say")
        for address in teacher.servers.baseURLs + [teacher.servers.proxy ?? ""] {
            try require(
                !address.contains("@") && !address.contains("?"),
                "teacher.base_url and teacher.proxy may hold no user, password or query: a key "
                    + "belongs into teacher.api_key, as ${NAME_OF_A_VARIABLE}")
        }
        try require(
            !teacher.task.model.isEmpty,
            "teacher.model is missing: the model's name as the server knows it")
        try require(
            (teacher.servers.inputPrice == nil) == (teacher.servers.outputPrice == nil),
            "teacher.price needs both input_per_million and output_per_million")
    }

    private static func checkMethod(
        _ method: Recipe.MethodOptions, _ require: (Bool, String) throws -> Void
    ) throws {
        try require(
            method.target == .soft || method.temperature == 1,
            "method.temperature goes with method.target: soft")
    }
}
