// What a teacher is to the rest: something that turns records into answers and says, before it is
// asked, exactly what it would be sent. Caching, money and ranks are not its business.

public import Corpus

/// A source of labels.
public protocol Teacher: Sendable {
    /// A stable name of everything that shapes its answers besides the request: model, weights,
    /// prompt version. It is part of every key in the ledger, so an answer is found again as long as
    /// this and the request stay the same. No NUL characters.
    var identity: String { get }

    /// One line for people: what it is and where.
    var description: String { get }

    /// The exact bytes that it would be asked for a record.
    func requestBytes(for record: Record) -> [UInt8]

    /// Answers to records: one for each, in their order, under their ids.
    func label(_ records: [Record]) throws -> [LabelRecord]
}
