// `retort evaluate`: how good a model folder, a run's student or a recipe's teacher is on texts with gold
// labels, over all ranks.

import ArgumentParser
import Foundation
import Methods

/// Measures a model or a teacher.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a model, a student or a teacher on texts with gold labels.",
        discussion: """
            An encoder does what its folder is for: classes, or multiple choice. A decoder is told what \
            to do: --task classify goes by the log-probabilities of the label words, --task choose by \
            those of the choices, --task answer by its greedy answers. Figures come with the middle 95 \
            per cent of a bootstrap over the texts.
            """)

    @Argument(help: "A model folder, a run's folder, or a recipe (its run's student).")
    var model: String

    @Argument(help: "Files of texts with labels; with a recipe, its data.test without them.")
    var data: [String] = []

    @Flag(help: "With a recipe: measures its teacher, not the student.")
    var teacher = false

    @Option(help: ArgumentHelp("What a decoder is to do.", valueName: "classify|choose|answer"))
    var task: String?

    @Option(help: "Labels that a decoder chooses from, parted by commas; else the data's.")
    var labels: String?

    @Option(
        help: ArgumentHelp(
            "What of a choice a decoder's probabilities are taken of.", valueName: "letters|texts"))
    var scoring = Recipe.MCQAOptions.Scoring.letters.rawValue

    @Option(help: ArgumentHelp("When an answer is right.", valueName: "exact|number"))
    var compare = AnswerComparison.exact.rawValue

    @Option(help: "Longest answer of a decoder in tokens.")
    var maxAnswerTokens = 256

    @Option(help: "A decoder's chat format, or none; else the folder's own.")
    var chatTemplate: String?

    @Option(help: "What a decoder is told in the system's turn.")
    var system: String?

    @Option(
        help: ArgumentHelp(
            "How a decoder is asked: --task answer, a plain form with {{prompt}}; --task classify, the "
                + "template of the question with {{text}}.", valueName: "template"))
    var prompt: String?

    @Option(help: "The field with the text.")
    var textField: String?

    @Option(help: "The field with the gold label or answer.")
    var labelField: String?

    @Option(help: "The field with the id.")
    var idField: String?

    @Option(
        help: ArgumentHelp("What to do with rows that can't be read.", valueName: "refuse|skip"))
    var onBadRow: String?

    @Option(help: "Longest input of an encoder in tokens; 128, or what the recipe says.")
    var maxSeqLength: Int?

    @Option(help: "Draws of the bootstrap; 0 for no intervals.")
    var replicates = 2000

    @Option(help: "Where the draws start.")
    var seed: UInt64 = 0

    @Option(
        defaultAsFlag: "-",
        help: ArgumentHelp(
            "Figures as JSON: into this file, whose name ends in .json, beside the tables; without a "
                + "name, as the last argument, on standard output in place of them.",
            valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("What was said of each text, as JSON lines.", valueName: "file"))
    var predictions: String?

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        if let json, json != "-", !json.hasSuffix(".json") {
            // A file of data behind the flag of old must not be written over.
            throw ValidationError(
                "--json \(json): give a name that ends in .json, or put --json last")
        }
        if let task, EvaluationRequest.Task(rawValue: task) == nil {
            throw ValidationError("--task \(task): give classify, choose or answer")
        }
        if AnswerComparison(rawValue: compare) == nil {
            throw ValidationError("--compare \(compare): give exact or number")
        }
        if Recipe.MCQAOptions.Scoring(rawValue: scoring) == nil {
            throw ValidationError("--scoring \(scoring): give letters or texts")
        }
        if let onBadRow, !["refuse", "skip"].contains(onBadRow) {
            throw ValidationError("--on-bad-row \(onBadRow): give refuse or skip")
        }
        guard maxAnswerTokens > 0, (0...100_000).contains(replicates), maxSeqLength ?? 1 > 0 else {
            throw ValidationError(
                "--max-answer-tokens and --max-seq-length are above 0, --replicates 0 to 100000")
        }
        if teacher, !isRecipe { throw ValidationError("--teacher: give a recipe, a .yaml file") }
        if data.isEmpty, !isRecipe { throw ValidationError("give a file of texts with labels") }
    }

    private var isRecipe: Bool { model.hasSuffix(".yaml") || model.hasSuffix(".yml") }

    func run() throws {
        try Launch.onRanks(compute) { context in
            let recipe = try isRecipe ? RecipeFile.load(model, overrides: []) : nil
            let request = try request(recipe)
            let result: ModelEvaluation
            if teacher, let recipe {
                result = try ModelEvaluation.teacher(
                    of: recipe, request, communicator: context.communicator,
                    compute: context.compute, console: context.console)
            } else {
                result = try ModelEvaluation.measure(
                    request, communicator: context.communicator, compute: context.compute)
            }
            guard context.console.isLeader else { return 0 }
            if let predictions { try result.writePredictions(to: predictions) }
            if let json, json != "-" { try result.writeFigures(to: json) }
            StandardOutput.write(json == "-" ? result.json + "\n" : result.text)
            return 0
        }
    }

    /// What is asked for, by the recipe where there is one and the options before it.
    private func request(_ recipe: Recipe?) throws -> EvaluationRequest {
        var request = EvaluationRequest(data: recipe?.data ?? Recipe.DataOptions())
        if !data.isEmpty {
            request.data.test = data
            // The recipe's format is that of its own files.
            request.data.format = nil
        }
        guard !request.data.test.isEmpty else {
            throw MethodError(
                .invalidRecipe, "\(model): no data.test; name a file of texts with labels")
        }
        if let textField { request.data.textField = textField }
        if let labelField { request.data.labelField = labelField }
        if let idField { request.data.idField = idField }
        if let onBadRow { request.data.onBadRow = onBadRow }
        if let recipe { request.student = recipe.student }
        request.student.model = try folder(recipe)
        if let maxSeqLength { request.student.maximumLength = maxSeqLength }
        if let chatTemplate { request.student.chatTemplate = chatTemplate }
        if let system { request.student.system = system }
        if let prompt { request.student.promptTemplate = prompt }
        request.task = task.flatMap(EvaluationRequest.Task.init(rawValue:))
        if let labels {
            request.labels = labels.split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
        request.scoring = Recipe.MCQAOptions.Scoring(rawValue: scoring) ?? .letters
        request.comparison = AnswerComparison(rawValue: compare) ?? .exact
        request.answerTokens = maxAnswerTokens
        request.replicates = replicates
        request.seed = seed
        return request
    }

    /// The folder of the model: as given, or of a run's student.
    private func folder(_ recipe: Recipe?) throws -> String {
        let files = FileManager.default
        guard let recipe else {
            let run = RunFolder(path: model)
            let isRun =
                !files.fileExists(atPath: "\(model)/config.json")
                && files.fileExists(atPath: run.status)
            return isRun ? try trained(run) : model
        }
        return teacher ? "" : try trained(RunFolder(path: recipe.outputDirectory))
    }

    private func trained(_ run: RunFolder) throws -> String {
        guard FileManager.default.fileExists(atPath: run.student) else {
            throw MethodError(
                .invalidRecipe,
                "\(run.student): no student yet; `retort run` trains it, `retort export` writes that of "
                    + "a checkpoint")
        }
        return run.student
    }
}
