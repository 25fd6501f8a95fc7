// `retort plan`: what a recipe will do, without doing it.

import ArgumentParser
import Methods
import Reporting
import TensorCore

/// Says what a recipe will do.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Check a recipe and say what it will do: requests, steps, memory, disk.",
        discussion: "Reads data and models, asks the teacher nothing, writes nothing.")

    @OptionGroup var recipe: RecipeOptions

    @Option(help: "For how many ranks.")
    var ranks = 1

    func validate() throws {
        guard ranks > 0 else { throw ValidationError("--ranks \(ranks): give at least 1") }
    }

    func run() throws {
        try Launch.alone {
            let recipe = try recipe.load()
            let plan = try RunPlan(recipe, ranks: ranks)
            StandardOutput.write(plan.text)
        }
    }
}
