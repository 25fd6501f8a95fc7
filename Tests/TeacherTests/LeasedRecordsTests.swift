// A pool gone through by several ranks: every row is somebody's, once.

import Corpus
import TestSupport
import Testing

@testable import Teacher

private func record(_ number: Int, text: String? = nil) -> Record {
    Record(
        id: "r\(number)", text: text ?? "text \(number)",
        source: Place(file: "pool.jsonl", line: number + 1))
}

private func sequence(_ records: [Record]) -> RecordSequence {
    var next = 0
    return {
        guard next < records.count else { return nil }
        defer { next += 1 }
        return records[next]
    }
}

private func leased(_ records: [Record], known: KeySet = KeySet()) -> LeasedRecords {
    LeasedRecords(sequence(records), known: known) {
        ServerLabeller.keys(of: $0, identity: "t/x", fields: [])
    }
}

@Suite struct KeySetTests {
    @Test func holdsWhatWasPutIn() {
        var set = KeySet()
        let keys = (0..<20_000).map { LabelKey(teacher: "t", request: Array("\($0)".utf8)) }
        let first = keys.prefix(10_000).map { set.insert($0) }
        let second = keys.prefix(10_000).map { set.insert($0) }
        #expect(first.allSatisfy { $0 })
        #expect(!second.contains(true))
        #expect(set.count == 10_000)
        #expect(keys.prefix(10_000).allSatisfy(set.contains))
        #expect(!keys.suffix(10_000).contains(where: set.contains))
    }

    @Test func zeroIsAKeyLikeAnyOther() {
        var set = KeySet()
        let inserted = [set.insert(UInt64(0)), set.insert(UInt64(0))]
        #expect(inserted == [true, false])
    }
}

@Suite struct LeasedRecordsTests {
    /// Whatever leases the ranks take, in whatever turns, each row is taken by exactly one.
    @Test(arguments: [1, 3, 7, 64]) func eachRowIsTakenOnce(leaseSize: Int) throws {
        let records = (0..<200).map { record($0) }
        var ranks = (0..<3).map { _ in leased(records) }
        var taken: [Int] = []
        var start = 0
        var numbers = SampleNumbers(seed: UInt64(leaseSize))
        while start < 250 {
            let rank = numbers.below(3)
            taken += try ranks[rank].take(start..<start + leaseSize).map(\.number)
            start += leaseSize
        }
        #expect(taken == Array(0..<200))
        for index in ranks.indices {
            try ranks[index].finish()
            #expect(ranks[index].rows == 200)
            #expect(ranks[index].isAtEnd)
        }
    }

    @Test func labelledRowsAreCachedOnEveryRank() throws {
        let records = (0..<50).map { record($0) }
        var known = KeySet()
        for record in records where record.id.hasSuffix("3") {
            known.insert(ServerLabeller.keys(of: record, identity: "t/x", fields: []).label)
        }
        var rows = leased(records, known: known)
        let taken = try rows.take(0..<20)
        #expect(!taken.contains { $0.record.id.hasSuffix("3") })
        #expect(taken.count == 18)
        try rows.finish()
        #expect(rows.cached == 5)
    }

    @Test func rowsThatAskTheSameAreMarked() throws {
        let records = (0..<6).map { record($0, text: $0 % 2 == 0 ? "the same" : "text \($0)") }
        var rows = leased(records)
        // The first of them lies in another rank's lease.
        let taken = try rows.take(1..<6).map(\.isRepeat)
        #expect(taken == [false, true, false, true, false])
    }

    @Test func rowsGivenBackAreFoundAgain() throws {
        let records = (0..<30).map { record($0) }
        var rows = leased(records)
        let first = try rows.take(rows: [2, 3, 17]).map(\.record.id)
        let second = try rows.take(rows: [29]).map(\.number)
        #expect(first == ["r2", "r3", "r17"])
        #expect(second == [29])
    }

    @Test func namesTellRecordsApart() {
        func keys(_ record: Record, _ identity: String = "t/x") -> RecordKeys {
            ServerLabeller.keys(of: record, identity: identity, fields: [])
        }
        let one = keys(record(1, text: "same"))
        let two = keys(record(2, text: "same"))
        #expect(one.label != two.label)
        #expect(one.content == two.content)
        #expect(keys(record(1, text: "other")).content != one.content)
        #expect(keys(record(1, text: "same"), "t/y").label != one.label)
        // Where the teacher sees ids, no two records ask the same; their labels' names stay.
        func shown(_ record: Record) -> RecordKeys {
            ServerLabeller.keys(of: record, identity: "t/x", fields: [], showsID: true)
        }
        let first = shown(record(1, text: "same"))
        #expect(first.content != shown(record(2, text: "same")).content)
        #expect(first.content == shown(record(1, text: "same")).content)
        #expect(first.label == one.label)
    }
}
