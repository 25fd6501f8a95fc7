// What goes into a ledger in one transaction, besides the labels themselves (`LedgerEntry`).

import Corpus

/// A server's answer, paid for.
public struct ResponseEntry: Sendable, Hashable {
    /// The request's name.
    public let key: LabelKey
    /// The record for whose sake it was asked.
    public let recordID: String
    /// The teacher's identity.
    public let teacher: String
    /// The answer.
    public let response: TeacherResponse
    /// Tokens that count against the budget: its usage, or what was reserved where it names none.
    public let chargedTokens: Int64
    /// What it cost, in millionths of the currency.
    public let priceMicro: Int64
    /// When it came, in microseconds since 1970.
    public let createdAtMicroseconds: Int64

    /// An answer with its cost.
    public init(
        key: LabelKey, recordID: String, teacher: String, response: TeacherResponse,
        chargedTokens: Int64, priceMicro: Int64,
        createdAtMicroseconds: Int64 = LedgerEntry.now()
    ) {
        self.key = key
        self.recordID = recordID
        self.teacher = teacher
        self.response = response
        self.chargedTokens = chargedTokens
        self.priceMicro = priceMicro
        self.createdAtMicroseconds = createdAtMicroseconds
    }
}

/// A record that got no label, and why; it isn't asked for again unless somebody wants that.
public struct FailureEntry: Sendable, Hashable {
    /// The name that its label would have had.
    public let key: LabelKey
    /// The record.
    public let recordID: String
    /// Who was to label it, and how: the identity that a label's row has.
    public let teacher: String
    /// Why there is no label.
    public let failure: LabelFailure
    /// When, in microseconds since 1970.
    public let createdAtMicroseconds: Int64

    /// A record's failure.
    public init(
        key: LabelKey, recordID: String, teacher: String, failure: LabelFailure,
        createdAtMicroseconds: Int64 = LedgerEntry.now()
    ) {
        self.key = key
        self.recordID = recordID
        self.teacher = teacher
        self.failure = failure
        self.createdAtMicroseconds = createdAtMicroseconds
    }
}

/// An attempt whose answer never arrived whole, and which may have been billed all the same.
public struct LossEntry: Sendable, Hashable {
    /// The attempt, with what was reserved for it: that is what it counts for.
    public let attempt: Attempt
    /// The teacher's identity.
    public let teacher: String
    /// What happened.
    public let reason: String
    /// When, in microseconds since 1970.
    public let createdAtMicroseconds: Int64

    /// A lost attempt.
    public init(
        attempt: Attempt, teacher: String, reason: String,
        createdAtMicroseconds: Int64 = LedgerEntry.now()
    ) {
        self.attempt = attempt
        self.teacher = teacher
        self.reason = reason
        self.createdAtMicroseconds = createdAtMicroseconds
    }
}

/// Rows for one transaction.
struct LedgerBatch: Sendable {
    var labels: [LedgerEntry] = []
    var responses: [ResponseEntry] = []
    var failures: [FailureEntry] = []
    var losses: [LossEntry] = []
    /// The journal file whose content this is; nil where there is no journal.
    var journalGeneration: Int64?

    var isEmpty: Bool {
        labels.isEmpty && responses.isEmpty && failures.isEmpty && losses.isEmpty
    }

    var count: Int { labels.count + responses.count + failures.count + losses.count }
}
