// The one error of this module: a file that can't be read or isn't supported, or a bad input line.

/// What went wrong while loading a tokenizer or reading lines for it.
public struct TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The kind of failure.
    public enum Code: String, Sendable {
        /// A file is absent, empty, a folder, or can't be read.
        case unreadable
        /// JSON or UTF-8 that is broken; the message has the byte position.
        case malformed
        /// A file asks for something that this module doesn't do.
        case unsupported
        /// A file contradicts itself or lacks a part that it needs.
        case inconsistent
        /// A line of input can't be tokenized; the message has its number.
        case badLine
        /// A conversation has turns that its chat template can't hold.
        case badConversation
    }

    /// The kind of failure.
    public let code: Code
    /// One line: what, where, and how to mend it.
    public let message: String

    /// An error with its message.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message.
    public var description: String { message }
}
