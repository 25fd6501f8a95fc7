// The questions of a priming run: training, validation (cut from training) and test.

import Corpus

/// The questions, each with its gold answer.
struct PrimingData {
    let training: [TextExample]
    /// Held out from training, to choose on.
    let validation: [TextExample]
    let test: [TextExample]

    /// Divides what was read.
    ///
    /// - Throws: `MethodError` where nothing is left to train or to measure on, and for an answer that
    ///   can't be compared with where answers are judged.
    init(pool: [TextExample], test: [TextExample], _ recipe: Recipe) throws {
        let options = recipe.method.priming
        self.test = test
        // By the question and not by the id: the same question twice stays on one side.
        let split = HeldOutSplit(.fraction(options.validationRatio), seed: recipe.seed)
            .indexes(of: pool.map { ContentHash.id(of: $0.prompt) })
        training = split.training.map { pool[$0] }
        validation = split.heldOut.map { pool[$0] }
        guard !training.isEmpty else {
            throw MethodError(
                .invalidRecipe,
                "none of \(pool.count) questions is left to train on; set method.validation_ratio "
                    + "below \(options.validationRatio)")
        }
        guard !validation.isEmpty || !test.isEmpty else {
            throw MethodError(
                .invalidRecipe,
                "there are no questions to measure on: none of \(pool.count) is held out; raise "
                    + "method.validation_ratio, or name data.test")
        }
        // Found here and not hours later, when answers are judged.
        if options.judgesAnswers || options.correctOnly && options.signal == .text {
            _ = try AnswerScore(
                (pool + test).map(\.answer), wanted: pool + test, by: recipe.evaluate.compare)
        }
    }
}
