// Errors of this module that are about the machinery: MPI, the launch, a stall. What another rank's
// failure looks like is in RankFailure.swift.

/// What went wrong in communication between the ranks.
public struct CollectiveError: Error, CustomStringConvertible, Sendable, Equatable {
    /// The kinds of failure, for callers that tell them apart.
    public enum Code: Sendable, Equatable {
        /// An MPI call returned an error: the call's name and its error code.
        case mpi(call: String, code: Int32)
        /// More processes were started than MPI knows of.
        case worldSizeMismatch(started: Int, seen: Int)
        /// MPI is already up, or was shut down: it can be started once in a process.
        case lifecycle
        /// A collective waited longer than the limit that was set.
        case stalled
        /// The ranks made different calls, or the same call with different sizes.
        case mismatch
        /// A thread could not be started.
        case thread
    }

    /// The kind of failure.
    public let code: Code

    /// One line: what happened, where, and how to mend it.
    public let message: String

    /// Makes an error from its kind and its line.
    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// The line to show.
    public var description: String { message }
}
