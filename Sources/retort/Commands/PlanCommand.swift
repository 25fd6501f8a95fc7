// `retort plan`: what a recipe will do, without doing it.

import ArgumentParser
import Collectives
import Methods
import Reporting
import TensorCore

/// Says what a recipe will do.
struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Check a recipe and say what it will do: requests, steps, memory, disk.",
        discussion: """
            Reads data and models, asks the teacher nothing, writes nothing; with --probe it asks for a
            few records, whose answers are kept.
            """)

    @OptionGroup var recipe: RecipeOptions

    @Option(help: "For how many ranks.")
    var ranks = 1

    @Option(
        help: ArgumentHelp(
            "Asks a teacher on a server for this many records, to go by real tokens and times.",
            valueName: "n"))
    var probe = 0

    func validate() throws {
        guard probe >= 0 else { throw ValidationError("--probe \(probe): give at least 1") }
        guard ranks > 0 else { throw ValidationError("--ranks \(ranks): give at least 1") }
    }

    func run() throws {
        guard probe == 0 else { return try runWithProbe() }
        try Launch.alone {
            let plan = try RunPlan(recipe.load(), ranks: ranks)
            StandardOutput.write(plan.text)
        }
    }

    private func runWithProbe() throws {
        try Launch.onRanks { context in
            guard context.communicator.size == 1 else {
                throw RecipeError("plan --probe runs in one process, without mpirun")
            }
            let recipe = try recipe.load()
            let shown = try LabellingProbe.ask(
                recipe, count: probe, communicator: context.communicator, console: context.console)
            let plan = try RunPlan(recipe, ranks: ranks, probe: shown)
            StandardOutput.write(plan.text)
            return 0
        }
    }
}
