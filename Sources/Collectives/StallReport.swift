// What the watchdog says: which ranks keep a collective waiting. It reports; whether a stalled run
// is ended is decided by `WatchdogOptions.giveUpAfter`.

/// How long a collective may wait before somebody is told.
public struct WatchdogOptions: Sendable {
    /// Seconds of waiting after which a report is made, and again after each such time.
    public var reportAfter: Double

    /// Seconds of waiting after which the collective fails on this rank, and so on all; nil: never.
    public var giveUpAfter: Double?

    /// Receives the reports, on the communication thread.
    ///
    /// Must not call the communicator.
    public var report: (@Sendable (StallReport) -> Void)?

    /// Makes options; without arguments nobody is told.
    public init(
        reportAfter: Double = 60, giveUpAfter: Double? = nil,
        report: (@Sendable (StallReport) -> Void)? = nil
    ) {
        self.reportAfter = reportAfter
        self.giveUpAfter = giveUpAfter
        self.report = report
    }
}

/// A collective that waits for ranks which have not come.
public struct StallReport: Sendable, Equatable, CustomStringConvertible {
    /// What a rank that has not come was last known to do.
    public struct Absent: Sendable, Equatable {
        /// The rank.
        public let rank: Int
        /// The collective that it is in or was in last, and its number; nil if it did not answer.
        public let last: String?
        /// Whether it is still inside that collective.
        public let isInside: Bool
        /// Seconds since it entered or left it.
        public let seconds: Double

        /// Makes an entry.
        public init(rank: Int, last: String?, isInside: Bool, seconds: Double) {
            self.rank = rank
            self.last = last
            self.isInside = isInside
            self.seconds = seconds
        }
    }

    /// The rank that waits.
    public let rank: Int
    /// The collective it waits in, with its number.
    public let operation: String
    /// Seconds it has waited.
    public let seconds: Double
    /// The ranks that have not entered it.
    public let missing: [Absent]

    /// One line that names the missing ranks.
    public var description: String {
        let start = "rank \(rank) has waited \(Int(seconds)) s in \(operation)"
        guard !missing.isEmpty else { return start + ": every rank is in it, data is slow" }
        return start + "; missing: " + missing.map(Self.line).joined(separator: ", ")
    }

    private static func line(_ absent: Absent) -> String {
        guard let last = absent.last else { return "rank \(absent.rank) (does not answer)" }
        let seconds = Int(absent.seconds)
        return absent.isInside
            ? "rank \(absent.rank) (in \(last) for \(seconds) s)"
            : "rank \(absent.rank) (computing for \(seconds) s since \(last))"
    }
}
