// `retort evaluate`: how good a model folder is on texts with gold labels, over all ranks.

import ArgumentParser
import Methods
import Reporting
import Training

/// Measures a model folder.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure a trained student on texts with gold labels.")

    @Argument(help: "A model folder with a classifier, as runs/NAME/student.")
    var model: String

    @Argument(help: "Files of texts with labels.")
    var data: [String]

    @Option(help: "The field with the text.")
    var textField = "text"

    @Option(help: "The field with the gold label.")
    var labelField = "label"

    @Option(help: "Longest input in tokens.")
    var maxSeqLength = 128

    @Flag(help: "One JSON object instead of tables.")
    var json = false

    @OptionGroup var compute: ComputeOptions

    func run() throws {
        try Launch.onRanks(compute) { context in
            var options = Recipe.DataOptions()
            options.test = data
            options.textField = textField
            options.labelField = labelField
            let result = try ModelEvaluation.measure(
                model: model, data: options, maximumLength: maxSeqLength,
                communicator: context.communicator, compute: context.compute)
            if context.console.isLeader {
                StandardOutput.write(json ? result.json + "\n" : result.text)
            }
            return 0
        }
    }
}
