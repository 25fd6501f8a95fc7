// One sending of a request. It is noted before it leaves and settled when its fate is known, so that
// a kill between the two can be counted, and what it may have cost is taken as spent.

/// A request about to be sent, with what is reserved for it.
public struct Attempt: Sendable, Hashable {
    /// The request's name.
    public let key: LabelKey
    /// Tokens reserved: the bounds of prompt and completion.
    public let reservedTokens: Int64
    /// Money reserved, in millionths of the currency.
    public let reservedMicro: Int64

    /// An attempt with its reservation.
    public init(key: LabelKey, reservedTokens: Int64, reservedMicro: Int64) {
        self.key = key
        self.reservedTokens = reservedTokens
        self.reservedMicro = reservedMicro
    }
}

/// Where attempts are noted before they are sent.
public protocol AttemptJournal: Sendable {
    /// Notes attempts; when it returns, a kill of the process can't undo that.
    func willSend(_ attempts: [Attempt]) throws

    /// Notes that an attempt came to nothing and may yet have cost what was reserved: an answer cut
    /// short, a time-out. It counts as spent.
    func lost(_ attempt: Attempt, reason: String) throws

    /// Notes that an attempt came to nothing and cost nothing: refused, or never sent.
    func released(_ attempt: Attempt) throws
}

/// What became of a request after all its attempts.
public enum RequestOutcome: Sendable {
    /// A whole answer; its reservation is held until it is settled, which is after the commit.
    case answered(TeacherResponse, Attempt)
    /// The server refuses this request for good (a 400-class answer): asking again won't help.
    case refused(status: Int, reason: String)
    /// No server could be brought to answer; another rank may have more luck.
    case unreachable(reason: String)
    /// Servers are there, and all sendings of this request failed: it may be the request's fault.
    /// Or the servers have enough of us: then it isn't.
    case exhausted(reason: String, isThrottled: Bool)
    /// The cap is reached: nothing was sent.
    case overBudget
    /// The job is stopping, or the task was cancelled: this request isn't in flight any more.
    case cancelled
    /// No request can succeed: the key, the model or the address is wrong, or what the ranks share
    /// can't be written.
    case failed(TeacherError)
}
