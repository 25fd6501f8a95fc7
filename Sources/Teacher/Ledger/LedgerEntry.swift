// One row of the ledger: what was asked, what came back, what it cost.

public import Corpus

/// An answer with its key and its cost.
public struct LedgerEntry: Sendable, Hashable {
    /// The request's name.
    public let key: LabelKey
    /// The teacher's identity.
    public let teacher: String
    /// SHA-256 of the request's bytes, in hexadecimal.
    public let requestDigest: String
    /// The answer; its id is the record's.
    public let answer: LabelRecord
    /// What it cost, in millionths of the currency; 0 for an answer that was there already.
    public let priceMicro: Int64
    /// How long the teacher took, in microseconds, where it was asked.
    public let latencyMicroseconds: Int64?
    /// When it was made, in microseconds since 1970.
    public let createdAtMicroseconds: Int64

    /// An entry for an answer to a request.
    public init(
        teacher identity: String, request: [UInt8], answer: LabelRecord, priceMicro: Int64 = 0,
        latencyMicroseconds: Int64? = nil, createdAtMicroseconds: Int64 = LedgerEntry.now()
    ) {
        self.init(
            key: LabelKey(teacher: identity, request: request), teacher: identity,
            requestDigest: LabelKey.digest(of: request), answer: answer, priceMicro: priceMicro,
            latencyMicroseconds: latencyMicroseconds, createdAtMicroseconds: createdAtMicroseconds)
    }

    init(
        key: LabelKey, teacher: String, requestDigest: String, answer: LabelRecord,
        priceMicro: Int64, latencyMicroseconds: Int64?, createdAtMicroseconds: Int64
    ) {
        self.key = key
        self.teacher = teacher
        self.requestDigest = requestDigest
        self.answer = answer
        self.priceMicro = priceMicro
        self.latencyMicroseconds = latencyMicroseconds
        self.createdAtMicroseconds = createdAtMicroseconds
    }

    /// Whether the teacher was asked, and not an earlier answer taken for another record.
    var wasAsked: Bool { latencyMicroseconds != nil || priceMicro > 0 || answer.usage != nil }

    /// The same row with the content of another answer.
    func answered(as other: LabelRecord) -> LedgerEntry {
        var answer = other
        answer.id = self.answer.id
        answer.usage = self.answer.usage
        return LedgerEntry(
            key: key, teacher: teacher, requestDigest: requestDigest, answer: answer,
            priceMicro: priceMicro, latencyMicroseconds: latencyMicroseconds,
            createdAtMicroseconds: createdAtMicroseconds)
    }

    /// The time of the day, in microseconds since 1970.
    public static func now() -> Int64 {
        wallMicroseconds()
    }
}
