// `retort train`: as `run`, from labels that are there already.

import ArgumentParser
import Methods
import Training

/// Trains from the labels in the run's folder.
struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train, evaluate, export and report from labels that are there already.",
        discussion: "Asks the teacher nothing; `retort labels make` makes the labels.")

    @OptionGroup var recipe: RecipeOptions
    @OptionGroup var resume: ResumeOptions
    @OptionGroup var compute: ComputeOptions

    func run() throws {
        let signals = StopSignals()
        try Launch.onRanks(compute) { context in
            let session = try RunSession(recipe.load(), context, signals)
            let isComplete = try MethodRun.carryOut(
                session, resume: ResumePoint(resume.resume), asksTeacher: false)
            return isComplete ? 0 : ExitCodes.interrupted
        }
    }
}
