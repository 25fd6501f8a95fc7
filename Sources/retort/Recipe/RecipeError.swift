// A recipe that can't be run, with the place that has to be mended.

/// A recipe that can't be read or makes no sense.
struct RecipeError: Error, CustomStringConvertible {
    /// One line: where, what, and how to mend it.
    let description: String
    /// What the program ends with.
    let exitCode: Int32

    init(_ message: String, exitCode: Int32 = ExitCodes.badRecipe) {
        description = message
        self.exitCode = exitCode
    }
}
