// What a labelling job wants of whoever carries a row to its answer: labels of records, or plain texts.

public import Corpus

/// Carries rows to their answers over servers.
public protocol RowLabeller: Sendable {
    /// Who is asked.
    var service: TeacherService { get }
    /// Where answers go.
    var store: AnswerStore { get }

    /// The names of a row's record.
    func keys(of record: Record) -> RecordKeys

    /// Asks until there is an answer or a reason why there is none; `round` counts from 0.
    func label(_ row: LeasedRecords.Row, round: Int) async -> LabellingOutcome
}

extension ServerLabeller: RowLabeller {
    /// The names of a record under this task.
    public func keys(of record: Record) -> RecordKeys {
        Self.keys(
            of: record, identity: identity, fields: task.usedFields, showsID: task.showsID)
    }
}

extension RowLabeller {
    /// Records that wait to be sent, beyond those in flight: enough that a free place never waits for
    /// a record, and no more, since what waits here another rank can't take.
    private static var longestQueue: Int { 8 }

    /// Whether another lease should be taken.
    func hasRoom(active: Int) -> Bool {
        active - Int(service.figures.rank.inFlight) < Self.longestQueue && store.waiting < 50_000
    }

    /// Keeps an answer, and lets another request take its place: what is in flight is what a kill can
    /// lose.
    func keep(
        _ response: TeacherResponse, _ attempt: Attempt, record id: String, teacher: String
    ) throws {
        let charge = attempt.charge(for: response.usage, prices: service.options.prices)
        try store.keep(
            ResponseEntry(
                key: attempt.key, recordID: id, teacher: teacher, response: response,
                chargedTokens: charge.tokens, priceMicro: charge.micro))
        service.settle(attempt, usage: response.usage)
    }
}
