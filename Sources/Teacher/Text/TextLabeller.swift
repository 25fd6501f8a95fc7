// One text's way over servers: ask, keep the answer. There is one question to a text and nothing to
// parse; asking again is the method's business, as another attempt.

public import Corpus

/// From text requests to answers by asking servers.
public struct TextLabeller: RowLabeller {
    /// A request with its bytes and its name.
    struct Asked: Sendable {
        let text: TextRequest
        let request: TeacherRequest
        let key: LabelKey
    }

    /// Who is asked.
    public let service: TeacherService
    /// Where answers go.
    public let store: AnswerStore
    private let asked: [Asked]
    private let teacher: String

    init(_ asked: [Asked], service: TeacherService, store: AnswerStore, teacher: String) {
        self.asked = asked
        self.service = service
        self.store = store
        self.teacher = teacher
    }

    /// The records that stand for requests in a job: the line is the request's place.
    static func record(_ index: Int, _ asked: Asked) -> Record {
        Record(id: asked.text.recordID, text: "", source: Place(file: "", line: index + 1))
    }

    /// The names of a request.
    public func keys(of record: Record) -> RecordKeys {
        RecordKeys(key: asked[record.source.line - 1].key)
    }

    /// Asks for a text.
    public func label(_ row: LeasedRecords.Row, round: Int) async -> LabellingOutcome {
        let asked = asked[row.number]
        do {
            switch await service.answer(asked.request, key: asked.key) {
            case .answered(let response, let attempt):
                try keep(response, attempt, record: row.record.id, teacher: teacher)
                return .labelled
            case .refused(let status, let reason):
                return try fail(row, LabelFailure(.refused, "\(status): \(reason)"))
            // A server that has enough of us says nothing of the request.
            case .exhausted(let reason, isThrottled: false) where round >= 1:
                return try fail(row, LabelFailure(.unanswered, reason))
            case .exhausted(let reason, let isThrottled):
                return .exhausted(reason: reason, isThrottled: isThrottled)
            case .unreachable(let reason): return .unreachable(reason: reason)
            case .overBudget: return .overBudget
            case .cancelled: return .cancelled
            case .failed(let error): return .fatal(error)
            }
        } catch {
            return .fatal(
                error as? TeacherError ?? TeacherError(.ledgerUnwritable, "\(error)"))
        }
    }

    private func fail(
        _ row: LeasedRecords.Row, _ failure: LabelFailure
    ) throws -> LabellingOutcome {
        try store.keep(
            FailureEntry(
                key: row.key, recordID: row.record.id,
                teacher: TextLedger.failureIdentity(of: teacher), failure: failure))
        return .failed(failure)
    }
}
