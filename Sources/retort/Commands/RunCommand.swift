// `retort run`: the main job, from texts to a student folder and a report.

import ArgumentParser
import Methods
import Training

/// Labels, trains, evaluates, exports and reports.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Carry a recipe out: label, train, evaluate, export, report.",
        discussion: """
            mpirun -n 4 retort run recipe.yaml --set train.epochs=3
            The same command again goes on where the run stopped, or says that all is done.
            """)

    @OptionGroup var recipe: RecipeOptions
    @OptionGroup var resume: ResumeOptions
    @OptionGroup var compute: ComputeOptions

    func run() throws {
        let signals = StopSignals()
        try Launch.onRanks(compute) { context in
            let session = try RunSession(recipe.load(), context, signals)
            let isComplete = try MethodRun.carryOut(
                session, resume: ResumePoint(resume.resume))
            return isComplete ? 0 : ExitCodes.interrupted
        }
    }
}

extension ResumePoint {
    /// The point that `--resume` names.
    init(_ text: String) {
        switch text {
        case "auto": self = .automatic
        case "never": self = .never
        default: self = .path(text)
        }
    }
}

extension RunSession {
    /// A run with a command's means.
    convenience init(
        _ recipe: Recipe, _ context: RankContext, _ signals: StopSignals
    ) throws {
        try self.init(
            recipe, resolvedRecipe: RecipeFile.resolved(recipe),
            decisiveRecipe: RecipeFile.resolved(recipe.decisive),
            program: "retort \(Version.text)", communicator: context.communicator,
            compute: context.compute, console: context.console,
            isStopRequested: { signals.isStopRequested })
    }
}
