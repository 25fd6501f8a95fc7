// The arguments that commands with a recipe share.

import ArgumentParser
import Methods
import TensorCore

/// A recipe and what overrides it.
struct RecipeOptions: ParsableArguments {
    @Argument(help: "The recipe, a YAML file.")
    var recipe: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Overrides a key of the recipe; may be given many times.",
            valueName: "section.key=value"))
    var overrides: [String] = []

    func validate() throws {
        for override in overrides {
            guard let equals = override.firstIndex(of: "="), equals != override.startIndex else {
                throw ValidationError("--set \(override): not of the form section.key=value")
            }
        }
    }

    func load() throws -> Recipe {
        try RecipeFile.load(recipe, overrides: overrides)
    }
}

/// How a rank computes.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Threads of a rank; by default the cores that it is bound to.")
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Measures where the time goes: a table on standard error, and a trace of all ranks for "
                + "Perfetto in this file.", valueName: "file"))
    var profile: String?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads): give 1 to 1024")
        }
    }
}

/// Where a run goes on.
struct ResumeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "auto: from the newest good checkpoint, if there is one; never: from the start.",
            valueName: "auto|never|PATH"))
    var resume = "auto"
}

extension Precision {
    /// The precision that an option names.
    init(argument: String) throws {
        guard let precision = Precision(rawValue: argument) else {
            let names = Precision.allCases.map(\.rawValue).joined(separator: " or ")
            throw ValidationError("'\(argument)' is no precision: \(names)")
        }
        self = precision
    }
}
