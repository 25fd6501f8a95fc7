// What a generative run reads before it does anything: prompts with answers, and the hash by which a
// folder is known to belong to the run.

import Corpus

/// The examples of a generative run.
struct GenerativeInputs {
    /// What is learnt; without answers of its own, prompts alone, whose answers are empty.
    let pool: [TextExample]
    /// What is measured on; may be none.
    let test: [TextExample]
    /// A hash of everything that decides the results.
    let fingerprint: String
    private let report: ReadReport
    private let overlap: Int

    /// Reads `data.pool` and `data.test`: `data.text_field` asks, `data.label_field` answers.
    ///
    /// - Parameter needsAnswers: False where a teacher writes the pool's answers.
    init(_ session: RunSession, needsAnswers: Bool = true) throws {
        let recipe = session.recipe
        guard recipe.data.labelField != nil || !needsAnswers && recipe.data.test.isEmpty else {
            throw MethodError(
                .invalidRecipe, "data.label_field is null: name the field that holds the answers")
        }
        let inputs = try RunInputs(recipe, poolLabelRequired: needsAnswers)
        pool = inputs.pool.records.map {
            TextExample(id: $0.id, prompt: $0.text, answer: needsAnswers ? $0.label ?? "" : "")
        }
        test = inputs.test?.records.compactMap(TextExample.init) ?? []
        report = inputs.pool.report
        overlap = inputs.overlap
        fingerprint = inputs.fingerprint(
            recipe: session.decisiveRecipe,
            files: InputFiles.digest(of: InputFiles.of(recipe)))
    }

    /// Says what was read.
    func say(_ console: RunConsole) {
        console.say(
            "examples: \(pool.count) of \(report.rows) rows"
                + (test.isEmpty ? "" : "; test: \(test.count)"))
        guard console.isLeader else { return }
        if report.badRowCount + report.duplicateCount + report.repeatedTexts > 0 {
            console.warn("examples: \(report.summary)")
        }
        if overlap > 0 {
            console.warn("\(overlap) test prompts are in the pool too; figures will flatter")
        }
    }
}
