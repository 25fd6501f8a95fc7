// Asking once: whatever a ledger holds isn't asked for again, by no rank and in no later run.

import Corpus
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Teacher

/// A teacher that counts what it is asked.
final class CountingTeacher: Teacher {
    let identity = "counting"
    let description = "a teacher that counts"
    let asked = Mutex<[String]>([])
    let spoil: @Sendable ([LabelRecord]) -> [LabelRecord]

    init(spoil: @escaping @Sendable ([LabelRecord]) -> [LabelRecord] = { $0 }) {
        self.spoil = spoil
    }

    func requestBytes(for record: Record) -> [UInt8] { Array("say: \(record.text)".utf8) }

    func label(_ records: [Record]) throws -> [LabelRecord] {
        asked.withLock { $0 += records.map(\.id) }
        return spoil(
            records.map {
                LabelRecord(
                    id: $0.id, labelProbabilities: ["long": 0.25, "short": 0.75],
                    usage: .init(promptTokens: $0.text.utf8.count, completionTokens: 1))
            })
    }
}

@Suite struct LabellerTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func record(_ id: String, _ text: String) -> Record {
        Record(id: id, text: text, source: Place(file: "f", line: 1))
    }

    private func labeller(_ teacher: any Teacher, rank: Int = 0) throws -> Labeller {
        Labeller(
            teacher: teacher, ledger: try LabelLedger(folder: folder.path, rank: rank),
            known: try LedgerContents(folder: folder.path, teacher: teacher.identity))
    }

    @Test func nothingIsAskedTwice() throws {
        let records = (0..<50).map { record("r\($0)", "text \($0)") }
        let teacher = CountingTeacher()
        do {
            let labeller = try labeller(teacher)
            let first = try labeller.label(Array(records[..<20]))
            #expect(first.asked == 20 && first.cached == 0)
            #expect(first.answers.map(\.id) == records[..<20].map(\.id))
            let again = try labeller.label(Array(records[10..<30]))
            #expect(again.asked == 10 && again.cached == 10)
            #expect(again.answers.map(\.id) == records[10..<30].map(\.id))
        }
        // A later run with other ranks: rank 1 finds what rank 0 paid.
        let other = try labeller(teacher, rank: 1)
        #expect(other.missing(records).map(\.id) == records[30...].map(\.id))
        let rest = try other.label(records)
        #expect(rest.asked == 20 && rest.cached == 30)
        #expect(teacher.asked.withLock { $0 } == records.map(\.id))
        let contents = try LedgerContents(folder: folder.path)
        #expect(contents.entries.count == 50 && contents.duplicates == 0)
    }

    @Test func recordsOfOneRequestShareItsAnswer() throws {
        let teacher = CountingTeacher()
        let labeller = try labeller(teacher)
        let batch = try labeller.label([
            record("a", "same"), record("b", "same"), record("c", "else"),
        ])
        #expect(batch.asked == 2 && batch.cached == 1)
        #expect(batch.answers.map(\.id) == ["a", "b", "c"])
        _ = try labeller.label([record("d", "same"), record("a", "same")])
        #expect(teacher.asked.withLock { $0 } == ["a", "c"])
        // Each id is in the ledger, and the cost once.
        let contents = try LedgerContents(folder: folder.path)
        #expect(contents.entries.map(\.answer.id) == ["a", "c", "b", "d"])
        #expect(contents.entries.compactMap(\.answer.usage).map(\.promptTokens) == [4, 4])
        #expect(contents.duplicates == 0)
    }

    @Test func anotherTeacherOrTextIsAnotherRequest() throws {
        let teacher = CountingTeacher()
        let labeller = try labeller(teacher)
        _ = try labeller.label([record("a", "text")])
        #expect(labeller.missing([record("a", "text"), record("a", "text ")]).count == 1)
        #expect(try LedgerContents(folder: folder.path, teacher: "another").entries.isEmpty)
    }

    @Test func answersThatCannotBeUsedAreNotKept() throws {
        for spoil in [
            { Array($0.dropLast()) }, { $0.reversed() },
            { $0.map { LabelRecord(id: $0.id, labelProbabilities: ["x": 0.5]) } },
            { $0.map { LabelRecord(id: $0.id) } },
        ] as [@Sendable ([LabelRecord]) -> [LabelRecord]] {
            let labeller = try labeller(CountingTeacher(spoil: spoil))
            #expect(throws: (any Error).self) {
                try labeller.label([record("a", "1"), record("b", "2")])
            }
        }
        #expect(try LedgerContents(folder: folder.path).entries.isEmpty)
    }

    @Test(.enabled(if: SharedData.has("data/babe")))
    func aWholePoolByThreeRanks() throws {
        let pool = try Corpus.read(
            CorpusSource(paths: [SharedData.path("data/babe/pool.jsonl.gz")])
        ).records
        let teacher = try RecordedTeacher(path: SharedData.path("data/babe/teacher.jsonl.gz"))
        var counter: Int64 = 0
        var dealers = (0..<3).map { _ in
            LeaseDealer(count: pool.count, leaseSize: 100) { amount in
                counter += amount
                return counter - amount
            }
        }
        let labellers = try (0..<3).map { try labeller(teacher, rank: $0) }
        var answers = 0
        var open = true
        while open {
            open = false
            for rank in 0..<3 {
                guard let lease = try dealers[rank].next() else { continue }
                answers += try labellers[rank].label(Array(pool[lease])).answers.count
                open = true
            }
        }
        #expect(answers == 3020)
        let contents = try LedgerContents(folder: folder.path, teacher: teacher.identity)
        #expect(contents.entries.count == 3020 && contents.files.count == 3)
        // The ledger of that run is a teacher again, the same one, and so is its export.
        let replayed = try RecordedTeacher(path: folder.path)
        #expect(replayed.identity == teacher.identity)
        let file = folder.file("export.jsonl.gz")
        #expect(try LabelExport.write(folder: folder.path, to: file) == 3020)
        #expect(try RecordedTeacher(path: file).identity == teacher.identity)
        #expect(try replayed.label(pool) == teacher.label(pool))
    }
}
