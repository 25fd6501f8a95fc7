// One record's way to its label over servers: ask, keep the answer, look again, until there is a label
// or a reason why there is none. Nothing is used before it is kept.

public import Corpus
import Crypto

/// What became of a record.
public enum LabellingOutcome: Sendable {
    /// It has a label.
    case labelled
    /// It has none, and the ledger says why.
    case failed(LabelFailure)
    /// No server could be brought to answer; another rank may have more luck.
    case unreachable(reason: String)
    /// Servers failed on this record, and not on others: once more, later, then it is quarantined.
    case exhausted(reason: String, isThrottled: Bool)
    /// An earlier row asks the same; when that is answered, this one is too.
    case deferred
    /// The cap is reached.
    case overBudget
    /// The job is stopping.
    case cancelled
    /// Nothing can go on: the ledger can't be written, the key is refused.
    case fatal(TeacherError)
}

/// From records to labels by asking servers.
public struct ServerLabeller: Sendable {
    /// What is asked and how answers are read.
    public let task: LabelTask
    /// Who is asked.
    public let service: TeacherService
    /// Where answers go.
    public let store: AnswerStore
    /// The answers of earlier runs.
    public let earlier: ResponseIndex
    /// The teacher's identity, which is part of each request's key.
    public let teacher: String
    /// The identity under which labels are written: teacher, prompts and parser.
    public let identity: String
    private let formats: AnswerFormatChoice

    /// A labeller of its parts; `formats` is what the servers have said of forms of JSON answers.
    public init(
        task: LabelTask, service: TeacherService, store: AnswerStore, earlier: ResponseIndex,
        teacher: String, formats: AnswerFormatChoice = AnswerFormatChoice()
    ) {
        self.formats = formats
        self.task = task
        self.service = service
        self.store = store
        self.earlier = earlier
        self.teacher = teacher
        identity = Self.identity(teacher: teacher, task: task)
    }

    /// How the service tells a whole answer from half of one.
    public static let inspection: ResponseInspection = { ResponseBody.usageAndFinish(of: $0) }

    /// The identity under which a task's labels are written.
    public static func identity(teacher: String, task: LabelTask) -> String {
        "\(teacher)/\(task.fingerprint)"
    }

    /// The names of a record.
    ///
    /// - Parameters:
    ///   - fields: The record's fields that reach the prompts, besides the text.
    ///   - showsID: Whether the id reaches them too.
    public static func keys(
        of record: Record, identity: String, fields: [String], showsID: Bool = false
    ) -> RecordKeys {
        var content = Array(record.text.utf8)
        for field in fields { content += "\0\(field)=\(record.fields[field] ?? "")".utf8 }
        return RecordKeys(
            identity: identity, id: record.id, digest: Array(SHA256.hash(data: content)),
            showsID: showsID)
    }

    /// Labels a record.
    ///
    /// - Parameter round: From 0. From the second on, a record on which servers fail is quarantined; from
    ///   the third on, a row that repeats another is asked like any: that one got no answer, or another.
    public func label(_ row: LeasedRecords.Row, round: Int) async -> LabellingOutcome {
        do {
            let outcome = try await chain(row, asksRepeats: round >= 2)
            // A server that has enough of us says nothing of the record.
            guard case .exhausted(let reason, isThrottled: false) = outcome, round >= 1 else {
                return outcome
            }
            return try fail(row, LabelFailure(.unanswered, reason))
        } catch let error as TeacherError {
            return .fatal(error)
        } catch {
            return .fatal(TeacherError(.badAnswer, "\(row.record.source): \(error)"))
        }
    }

    private func chain(
        _ row: LeasedRecords.Row, asksRepeats: Bool
    ) async throws -> LabellingOutcome {
        var answered: [(request: TeacherRequest, body: [UInt8])] = []
        while true {
            var trouble: TeacherError?
            let format = formats.format
            let step = task.next(for: row.record, format: format) { request in
                // Names are hashes of whole requests, so they are made only where they are needed.
                if let known = answered.first(where: { $0.request == request }) {
                    return known.body
                }
                guard earlier.count > 0 else { return nil }
                do throws(TeacherError) {
                    return try earlier.body(of: request.key(teacher: teacher))
                } catch {
                    trouble = error
                    return nil
                }
            }
            if let trouble { throw trouble }
            switch step {
            case .label(let label):
                try store.keep(entry(of: label, row))
                return .labelled
            case .failed(let failure):
                return try fail(row, failure)
            case .ask where row.isRepeat && !asksRepeats: return .deferred
            case .ask(let requests):
                let outcomes = await outcomes(of: requests, row)
                for (index, outcome) in outcomes.enumerated() {
                    switch outcome {
                    case .answered(let response, _):
                        answered.append((requests[index], response.body))
                    case .refused(_, let reason)
                    where task.hasFormats && formats.refused(format, reason: reason):
                        // The next turn of the loop asks it in the next form.
                        continue
                    case .refused(let status, let reason):
                        return try fail(row, LabelFailure(.refused, "\(status): \(reason)"))
                    case .unreachable(let reason): return .unreachable(reason: reason)
                    case .exhausted(let reason, let isThrottled):
                        return .exhausted(reason: reason, isThrottled: isThrottled)
                    case .overBudget: return .overBudget
                    case .cancelled: return .cancelled
                    case .failed(let error): return .fatal(error)
                    }
                }
            }
        }
    }

    /// Asks requests together; each answer is kept as it comes, whatever the others come to.
    private func outcomes(
        of requests: [TeacherRequest], _ row: LeasedRecords.Row
    ) async -> [RequestOutcome] {
        guard requests.count > 1 else { return [await ask(requests[0], row)] }
        return await withTaskGroup(of: (Int, RequestOutcome).self) { group in
            for (index, request) in requests.enumerated() {
                group.addTask { (index, await ask(request, row)) }
            }
            var found: [(Int, RequestOutcome)] = []
            for await one in group { found.append(one) }
            return found.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func ask(
        _ request: TeacherRequest, _ row: LeasedRecords.Row
    ) async -> RequestOutcome {
        let outcome = await service.answer(request, key: request.key(teacher: teacher))
        guard case .answered(let response, let attempt) = outcome else { return outcome }
        do {
            try keep(response, attempt, record: row.record.id, teacher: teacher)
            return outcome
        } catch {
            return .failed(
                error as? TeacherError ?? TeacherError(.ledgerUnwritable, "\(error)"))
        }
    }

    private func fail(
        _ row: LeasedRecords.Row, _ failure: LabelFailure
    ) throws -> LabellingOutcome {
        try store.keep(
            FailureEntry(
                key: row.key, recordID: row.record.id, teacher: identity, failure: failure))
        return .failed(failure)
    }

    private func entry(of label: LabelRecord, _ row: LeasedRecords.Row) throws -> LedgerEntry {
        // What the answers cost stands with the answers.
        var label = try label.validated()
        label.usage = nil
        return LedgerEntry(
            key: row.key, teacher: identity, requestDigest: "", answer: label, priceMicro: 0,
            latencyMicroseconds: nil, createdAtMicroseconds: LedgerEntry.now())
    }
}
