// What a panel shows of the teacher's servers: counts that are there anyway, read without asking anybody.

/// Live figures of a rank and of the whole job; the job's are at most about a second old.
public struct ServiceFigures: Sendable, Hashable {
    /// Counts since the start of the service.
    public struct Counts: Sendable, Hashable {
        /// Requests that wait for their answer.
        public var inFlight: Int64 = 0
        /// Sendings, repeated ones included.
        public var sent: Int64 = 0
        /// Sendings that repeat one which came to nothing.
        public var resent: Int64 = 0
        /// Whole answers.
        public var answered: Int64 = 0
        /// Sendings that came to nothing.
        public var failed: Int64 = 0
        /// Those of them that the server found too much (429, 503 with Retry-After).
        public var throttled: Int64 = 0
        /// Tokens sent, as the servers count them.
        public var tokensIn: Int64 = 0
        /// Tokens that came back.
        public var tokensOut: Int64 = 0
        /// Money charged, in millionths of the currency; the job's includes earlier runs.
        public var spentMicro: Int64 = 0

        init(_ change: JobLimits.Change) {
            inFlight = change[.inFlight]
            sent = change[.sent]
            resent = change[.resent]
            answered = change[.answered]
            failed = change[.failed]
            throttled = change[.throttled]
            tokensIn = change[.tokensIn]
            tokensOut = change[.tokensOut]
            spentMicro = change[.chargedMicro]
        }
    }

    /// This rank's counts.
    public let rank: Counts
    /// All ranks' together.
    public let job: Counts
    /// Money charged or reserved for what is in flight, in millionths of the currency.
    public let committedMicro: Int64
    /// Requests that may be in flight in the whole job now.
    public let window: Int
    /// Seconds until sending goes on; 0 where nothing pauses.
    public let pausedSeconds: Double
    /// Servers of this rank.
    public let servers: Int
    /// Those of them that are left out because they fail.
    public let serversOut: Int
}
