// `retort export`: the student of a checkpoint as a folder, without training further.

import ArgumentParser
import Methods

/// Writes the student of a run's newest checkpoint.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the student of a run's checkpoint as a folder that transformers loads.")

    @OptionGroup var recipe: RecipeOptions

    @Option(help: "A checkpoint's folder; the newest good one without it.")
    var checkpoint: String?

    @Option(name: .shortAndLong, help: "The folder to write.")
    var output: String

    func run() throws {
        try Launch.onRanks { context in
            guard context.console.isLeader else { return 0 }
            let recipe = try recipe.load()
            let path = try StudentExport.write(
                recipe: recipe, checkpoint: checkpoint, to: output)
            StandardOutput.write("the student of \(path) is in \(output)\n")
            return 0
        }
    }
}
