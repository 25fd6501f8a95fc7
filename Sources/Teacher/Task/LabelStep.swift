// From a record to its label is a chain of requests and answers. The chain is a pure function of the
// record and the answers that are there, so it is walked anew on every resume, and by every new parser.

public import Corpus

/// What comes next on the way from a record to its label.
public enum LabelStep: Sendable {
    /// These requests have no answer yet; when all have, look again.
    case ask([TeacherRequest])
    /// The label.
    case label(LabelRecord)
    /// The answers give no label, and no further question is planned.
    case failed(LabelFailure)
}

/// Why a record gets no label.
public struct LabelFailure: Error, Sendable, Hashable {
    /// The kinds of failure; counted in reports.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The answer was cut at the token limit.
        case cut
        /// The answer was empty.
        case empty
        /// The server's content filter took the answer.
        case filtered
        /// The answer isn't what was asked for: no known label, not the JSON wanted.
        case unparsable
        /// The server refused the request (a 400-class answer), or none could be made of the record.
        case refused
        /// Servers failed each time that it was sent, by more than one rank or in more than one round.
        case unanswered
        /// The body isn't an answer at all: not JSON, no choices.
        case malformed
    }

    /// Which kind.
    public let kind: Kind
    /// One line for people; holds the beginning of what the server said.
    public let reason: String

    /// A failure.
    public init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }
}
