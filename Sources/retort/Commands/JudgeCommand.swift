// `retort judge`: two students before a judge, over all ranks.

import ArgumentParser
import Methods

/// Compares two students' answers.
struct JudgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Compare two students' answers before a judge, in both orders.",
        discussion: """
            mpirun -n 4 retort judge recipe.yaml runs/lion/student answers.jsonl \\
                --set data.test=questions.jsonl --output judged
            A contender is a model folder, which is asked here, or a file of answers. The recipe's \
            referee (method.roles.referee, else its teacher) judges under the recipe's budget; \
            judgements stay in the recipe's ledgers. Answers are matched to data.test by their ids.
            """)

    @OptionGroup var recipe: RecipeOptions

    @Argument(help: "The one that is measured: a model folder, or a file of answers.")
    var candidate: String

    @Argument(help: "The one that it is measured against.")
    var reference: String

    @Option(name: .shortAndLong, help: "The folder of judge.json; otherwise judge/ in the run's.")
    var output: String?

    @Option(help: "The field with the id in files of answers.")
    var answerID = "id"

    @Option(help: "The field with the answer in files of answers.")
    var answerText = "text"

    @OptionGroup var compute: ComputeOptions

    func run() throws {
        let signals = StopSignals()
        try Launch.onRanks(compute) { context in
            let recipe = try recipe.load()
            guard !recipe.data.test.isEmpty else {
                throw RecipeError("data.test is missing: name the file of questions")
            }
            var options = JudgeRun.Options(
                candidate: candidate, reference: reference,
                output: output ?? "\(recipe.outputDirectory)/judge")
            options.answerID = answerID
            options.answerText = answerText
            let session = try RunSession(recipe, context, signals)
            return try JudgeRun(session, options).run() ? 0 : ExitCodes.interrupted
        }
    }
}
