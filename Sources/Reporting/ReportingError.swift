// What can go wrong while results are written down: a stable code, and one line.

/// A log or report that cannot be written or read.
public struct ReportingError: Error, CustomStringConvertible, Sendable {
    /// What kind of trouble it is, for callers that decide by it.
    public enum Code: String, Sendable {
        /// The file cannot be read, or isn't what it should be.
        case unreadable
        /// The system refuses to write.
        case unwritable
        /// The page's template is broken.
        case template
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
