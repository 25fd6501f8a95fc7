// `retort compare`: the same recipe with other values of a key, one run each, one table.

import ArgumentParser
import Methods
import Training

/// Runs variants of a recipe and compares them.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Run variants of a recipe and print one table.",
        discussion: """
            A --set with several values makes a variant of each; several such make all combinations:
              mpirun -n 2 retort compare recipe.yaml \\
                --set method.selection=all,random,llkd --set seed=1,2,3
            All variants share one folder of labels, so each text is labelled once. A variant that is \
            done is not run again.
            """)

    @OptionGroup var recipe: RecipeOptions
    @OptionGroup var resume: ResumeOptions
    @OptionGroup var compute: ComputeOptions

    func run() throws {
        let signals = StopSignals()
        try Launch.onRanks(compute) { context in
            let variants = try RecipeVariants(recipe.recipe, overrides: recipe.overrides)
            for variant in variants.all {
                context.console.say("== \(variant.name)")
                let isComplete = try MethodRun.carryOut(
                    RunSession(variant.recipe, context, signals),
                    resume: ResumePoint(resume.resume))
                guard isComplete else { return ExitCodes.interrupted }
            }
            if context.console.isLeader {
                let comparison = try RunComparison(
                    variants.all.map { ($0.values, RunFolder(path: $0.recipe.outputDirectory)) },
                    keys: variants.keys)
                StandardOutput.write(comparison.text)
                try comparison.write(to: RunFolder(path: variants.base.outputDirectory))
            }
            return 0
        }
    }
}
