// The one way from records to answers: what a ledger holds is taken from there, the rest is asked
// for, and nothing is handed out before it is committed.

public import Corpus

/// Labels records with a teacher and a rank's ledger, paying for each request once.
public final class Labeller {
    /// Answers to a batch.
    public struct Batch: Sendable {
        /// One answer a record, in their order, under their ids.
        public let answers: [LabelRecord]
        /// How many requests the teacher was sent.
        public let asked: Int
        /// How many records were answered from a ledger, or by another record of the same request.
        public let cached: Int
    }

    private let teacher: any Teacher
    private let ledger: LabelLedger
    private var known: LedgerContents

    /// A labeller that writes to `ledger`; `known` is what all ranks' files held at the start.
    public init(teacher: any Teacher, ledger: LabelLedger, known: LedgerContents) {
        self.teacher = teacher
        self.ledger = ledger
        self.known = known
    }

    /// Which of the records no ledger answers yet.
    public func missing(_ records: [Record]) -> [Record] {
        records.filter { known.answer(to: key(of: $0).key) == nil }
    }

    /// Answers to records; those that are new are in the ledger when this returns.
    public func label(_ records: [Record]) throws -> Batch {
        let requests = records.map(key)
        var firstAsked: Set<LabelKey> = []
        let asked = records.indices.filter {
            known.answer(to: requests[$0].key) == nil
                && firstAsked.insert(requests[$0].key).inserted
        }
        var entries = try ask(asked.map { records[$0] }, asked.map { requests[$0] })
        for entry in entries { known.insert(entry) }
        // Other records with the same request: a row without cost, so that each id is in the ledger.
        for (record, request) in zip(records, requests)
        where !known.holds(request.key, record: record.id) {
            guard var answer = known.answer(to: request.key) else { continue }
            answer.id = record.id
            answer.usage = nil
            let entry = LedgerEntry(
                key: request.key, teacher: teacher.identity, requestDigest: request.digest,
                answer: answer, priceMicro: 0, latencyMicroseconds: nil,
                createdAtMicroseconds: LedgerEntry.now())
            known.insert(entry)
            entries.append(entry)
        }
        try ledger.commit(entries)
        let answers = zip(records, requests).compactMap { record, request in
            known.answer(to: request.key).map { first in
                var answer = first
                answer.id = record.id
                return answer
            }
        }
        return Batch(
            answers: answers, asked: asked.count, cached: records.count - asked.count)
    }

    private func ask(
        _ records: [Record], _ requests: [(key: LabelKey, digest: String)]
    ) throws -> [LedgerEntry] {
        guard !records.isEmpty else { return [] }
        let begun = ContinuousClock.now
        let answers = try teacher.label(records)
        let spent = ContinuousClock.now - begun
        guard answers.count == records.count, zip(records, answers).allSatisfy({ $0.id == $1.id })
        else {
            throw TeacherError(
                .badAnswer,
                "\(teacher.description): \(records.count) records were asked for, the "
                    + "\(answers.count) answers don't follow their order")
        }
        // The share of each record in the batch's time.
        let latency =
            spent.components.seconds * 1_000_000
            + spent.components.attoseconds / 1_000_000_000_000
        return try zip(answers, requests).map { answer, request in
            LedgerEntry(
                key: request.key, teacher: teacher.identity, requestDigest: request.digest,
                answer: try answer.validated(), priceMicro: 0,
                latencyMicroseconds: latency / Int64(records.count),
                createdAtMicroseconds: LedgerEntry.now())
        }
    }

    private func key(of record: Record) -> (key: LabelKey, digest: String) {
        let bytes = teacher.requestBytes(for: record)
        return (
            LabelKey(teacher: teacher.identity, request: bytes), LabelKey.digest(of: bytes)
        )
    }
}
