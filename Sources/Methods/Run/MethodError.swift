// What can go wrong in a run besides what its parts report: a stable code, and one line.

/// A run that can't be carried out.
public struct MethodError: Error, CustomStringConvertible, Sendable {
    /// What kind of trouble it is.
    public enum Code: String, Sendable {
        /// The recipe asks for what the data or the models can't give.
        case invalidRecipe
        /// The teacher's answers can't be used.
        case unusableLabels
        /// The run's folder belongs to another run, or can't be written.
        case unusableFolder
    }

    /// The kind of trouble.
    public let code: Code
    /// One line: what, where, and how to mend it.
    public let message: String

    /// Makes an error of a code and its one line.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The one line.
    public var description: String { message }
}
