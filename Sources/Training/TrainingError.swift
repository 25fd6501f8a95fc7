// What can go wrong in training: a stable code, and one line that says how to mend it.

/// A training run that can't go on.
public struct TrainingError: Error, CustomStringConvertible, Sendable {
    /// What kind of trouble it is.
    public enum Code: String, Sendable {
        /// The loss or the gradient is not a finite number.
        case diverged
        /// The options contradict each other or the data.
        case invalidOptions
        /// A checkpoint belongs to another model or run.
        case foreignCheckpoint
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
