// How a run speaks: through closures that the command line provides, on rank 0.

import Reporting

/// What a run tells the person who watches it.
public struct RunConsole: Sendable {
    /// True on the rank that speaks.
    public let isLeader: Bool
    /// True when the output is a terminal, where a line may be drawn again.
    public let isTerminal: Bool
    /// Writes text without a line end.
    public let write: @Sendable (String) -> Void
    /// Writes a warning, on any rank.
    public let warn: @Sendable (String) -> Void

    /// A console.
    public init(
        isLeader: Bool, isTerminal: Bool, write: @escaping @Sendable (String) -> Void,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.isLeader = isLeader
        self.isTerminal = isTerminal
        self.write = write
        self.warn = warn
    }

    /// Writes a line on the leader.
    public func say(_ line: String) {
        if isLeader { write(line + "\n") }
    }

    /// A line that shows how far a stage is; nil on ranks that don't speak.
    func progress(_ stage: String, total: Int, done: Int = 0, unit: String) -> ProgressLine? {
        guard isLeader else { return nil }
        return ProgressLine(
            stage: stage, total: total, done: done, unit: unit, isTerminal: isTerminal,
            write: write)
    }
}
