// What single fields can't say: keys that need each other, numbers that must fit together.

import Methods
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
        try checkTeacher(recipe.teacher, require)
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
        case .recorded:
            try require(
                !teacher.path.isEmpty,
                "teacher.path is missing: name the file of recorded answers or a labels folder")
        }
    }

    private static func checkMethod(
        _ method: Recipe.MethodOptions, _ require: (Bool, String) throws -> Void
    ) throws {
        try require(
            method.name == "llkd", "method.name '\(method.name)' is not known; there is: llkd")
        try require(
            method.target == .soft || method.temperature == 1,
            "method.temperature goes with method.target: soft")
    }
}
