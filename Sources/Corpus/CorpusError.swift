// What can go wrong between a file of text and a record: a stable code, and one line that names the
// file, the line where there is one, and the way out.

/// Data or labels that cannot be read or written.
public struct CorpusError: Error, CustomStringConvertible, Sendable {
    /// What kind of trouble it is, for callers that decide by it.
    public enum Code: String, Sendable {
        /// No such file, a folder, no permission, a broken gzip stream.
        case unreadable
        /// The format cannot be told, or its options contradict each other.
        case configuration
        /// A file, or all of them, hold no usable row.
        case empty
        /// A row that cannot become a record.
        case badRow
        /// One id stands for two different contents.
        case conflict
        /// Class probabilities that aren't, or labels that the set doesn't know.
        case badLabel
        /// The system refused to write.
        case unwritable
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
