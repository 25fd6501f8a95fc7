// What can go wrong between records and answers: a stable code, and one line.

/// A teacher that cannot answer, or a ledger that cannot be read or written.
public struct TeacherError: Error, CustomStringConvertible, Sendable {
    /// What kind of trouble it is, for callers that decide by it.
    public enum Code: String, Sendable {
        /// The teacher has no answer for a record.
        case noAnswer
        /// The teacher's answer cannot be used.
        case badAnswer
        /// The cap on money, tokens or requests is reached.
        case budgetReached
        /// The recipe's teacher section asks for what can't be: a template, a URL, an example file.
        case configuration
        /// A file that the recipe's teacher section names isn't there, or can't be read.
        case noInput
        /// No server answers.
        case unreachable
        /// Another process writes the ledger.
        case ledgerBusy
        /// A ledger file is damaged or isn't one.
        case ledgerDamaged
        /// A ledger file was written by a newer program.
        case ledgerNewer
        /// The ledger's folder or file cannot be read.
        case ledgerUnreadable
        /// The ledger cannot be written: full disk, no permission.
        case ledgerUnwritable
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
