// The news that one rank failed: what every rank throws, whichever of them it happened on.

/// The failure of one rank, as every rank reports it.
///
/// A rank that fails tells the others; each of them throws this same value from the collective,
/// counter call or check that it is in, or reaches next.
public struct RankFailure: Error, CustomStringConvertible, Sendable, Equatable {
    /// The rank that failed.
    public let rank: Int

    /// The exit code that all processes should end with.
    public let exitCode: Int32

    /// One line: what happened on that rank.
    ///
    /// Over MPI at most about 1,900 bytes of it travel.
    public let message: String

    /// The exit code where nobody chose one: an internal failure (EX_SOFTWARE).
    public static let defaultExitCode: Int32 = 70

    /// The exit code where the ranks can't work together (EX_PROTOCOL): MPI refuses, a rank does not
    /// come, calls differ.
    public static let communicationExitCode: Int32 = 76

    /// Makes a failure.
    public init(rank: Int, exitCode: Int32, message: String) {
        self.rank = rank
        self.exitCode = exitCode
        self.message = message
    }

    /// The line to show.
    public var description: String { "rank \(rank): \(message)" }
}
