// What can go wrong with a model folder: a stable code, and one line that names the file.

/// A model folder that can't be read, isn't supported, or can't be written.
public struct ModelError: Error, CustomStringConvertible, Sendable {
    /// What kind of trouble it is.
    public enum Code: String, Sendable {
        /// The folder or a file of it isn't there or can't be read.
        case missing
        /// A file contradicts its format or the others of the folder.
        case malformed
        /// The folder is sound, but asks for what we don't do.
        case unsupported
        /// The input can't go through the model (a token id beyond the table, too long a text).
        case invalidInput
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
