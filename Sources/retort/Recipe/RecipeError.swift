// A recipe that can't be run, with the place that has to be mended.

/// A recipe that can't be read or makes no sense.
struct RecipeError: Error, CustomStringConvertible {
    /// One line: where, what, and how to mend it.
    let description: String

    init(_ message: String) {
        description = message
    }
}
