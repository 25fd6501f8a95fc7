// The journal of a rank: what is in it after a kill is what comes into the ledger.

import Corpus
import Foundation
import TestSupport
import Testing

@testable import Teacher

private func key(_ number: Int) -> LabelKey {
    LabelKey(teacher: "t", request: Array("request \(number)".utf8))
}

private func attempt(_ number: Int) -> Attempt {
    Attempt(key: key(number), reservedTokens: Int64(100 + number), reservedMicro: Int64(number))
}

private func answer(_ number: Int, body: String = #"{"choices":[]}"#) -> ResponseEntry {
    ResponseEntry(
        key: key(number), recordID: "r\(number)", teacher: "t",
        response: TeacherResponse(
            body: Array(body.utf8), usage: .init(promptTokens: 10, completionTokens: 2),
            finishReason: "stop", server: "http://one/v1", latencyMicroseconds: 1234),
        chargedTokens: 12, priceMicro: 5, createdAtMicroseconds: 99)
}

private let failed = FailureEntry(
    key: key(7), recordID: "a b\nc", teacher: "t/x",
    failure: LabelFailure(.unparsable, "two\nlines and ü"), createdAtMicroseconds: 3)

@Suite struct JournalTests {
    private let events: [JournalEvent] = [
        .sent(attempt(1)), .sent(attempt(2)), .sent(attempt(3)), .sent(attempt(3)),
        .answered(answer(1, body: "{\n \"choices\": [\"\u{1F98A}\"]\n}\n")), .released(key(3)),
        .lost(
            LossEntry(
                attempt: attempt(2), teacher: "t", reason: "cut", createdAtMicroseconds: 8)),
        .failed(failed),
    ]

    private var bytes: [UInt8] {
        events.reduce(into: JournalFile.header(teacher: "t")) { $0 += JournalFile.bytes($1) }
    }

    @Test func whatIsWrittenIsRead() throws {
        let (teacher, read) = try #require(JournalFile.read(bytes))
        #expect(teacher == "t")
        #expect(read == events)
    }

    /// Torn anywhere, the whole events before the tear are read, and nothing else.
    @Test func aTornFileIsReadUpToTheTear() throws {
        let whole = bytes
        var ends = [JournalFile.header(teacher: "t").count]
        for event in events { ends.append(ends[ends.count - 1] + JournalFile.bytes(event).count) }
        for length in 0..<whole.count {
            let read = JournalFile.read(Array(whole[..<length]))
            guard length >= ends[0] else {
                #expect(read == nil, "\(length) bytes")
                continue
            }
            let count = ends.count { $0 <= length } - 1
            #expect(read?.events == Array(events[..<count]), "\(length) bytes")
        }
    }

    @Test func anUnknownRestIsLeftOut() throws {
        let read = JournalFile.read(bytes + Array("X what is this\n".utf8))
        #expect(read?.events == events)
    }

    @Test func turningKeepsWhatIsUnderWay() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("rank-00000.sqlite")
        var journal = try Journal(ledgerPath: path, generation: 4, teacher: "t")
        try journal.append(events)
        // One of the two attempts of request 3 is still under way.
        #expect(journal.attemptsUnderWay == 1)
        let finished = try journal.turn()
        #expect(finished == 4)
        #expect(journal.generation == 5)
        let files = try LabelLedger.journalFiles(of: path)
        #expect(files.map(\.generation) == [4, 5])
        let next = try #require(FileManager.default.contents(atPath: files[1].path))
        #expect(JournalFile.read([UInt8](next))?.events == [.sent(attempt(3))])
        journal.remove(4)
        #expect(try LabelLedger.journalFiles(of: path).map(\.generation) == [5])
    }
}

@Suite struct JournalRecoveryTests {
    /// What the next process finds after this one was killed in a given state.
    private func recovered(
        _ prepare: (_ folder: String, _ ledger: LabelLedger) throws -> Void
    ) throws -> (RecoveredJournal, LedgerTotals, Int) {
        let folder = try TemporaryFolder()
        do {
            let ledger = try LabelLedger(folder: folder.path, rank: 0)
            try prepare(folder.path, ledger)
        }
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        let found = try ledger.recoverJournal()
        #expect(try LabelLedger.journalFiles(of: ledger.path).isEmpty)
        // A second time there is nothing left to find.
        #expect(try ledger.recoverJournal().answers == 0)
        let index = try ResponseIndex(folder: folder.path, teacher: "t")
        return (found, try LedgerTotals(folder: folder.path), index.count)
    }

    @Test func killedBeforeAnyCommit() throws {
        let (found, totals, answers) = try recovered { folder, ledger in
            var journal = try Journal(ledgerPath: ledger.path, generation: 1, teacher: "t")
            try journal.append([
                .sent(attempt(1)), .sent(attempt(2)), .answered(answer(1)), .failed(failed),
            ])
        }
        #expect(found.answers == 1)
        #expect(found.underWay == 1)
        #expect(answers == 1)
        #expect(totals.responses == 1)
        #expect(totals.killed == 1)
        #expect(totals.chargedTokens == 12 + 102)
        #expect(totals.priceMicro == 5 + 2)
        #expect(totals.failures.map(\.count) == [1])
    }

    @Test func killedBetweenTurnAndCommit() throws {
        let (found, totals, answers) = try recovered { folder, ledger in
            var journal = try Journal(ledgerPath: ledger.path, generation: 1, teacher: "t")
            try journal.append([.sent(attempt(1)), .sent(attempt(2)), .answered(answer(1))])
            _ = try journal.turn()
            try journal.append([.answered(answer(2))])
        }
        #expect((found.answers, found.underWay, answers) == (2, 0, 2))
        #expect(totals.losses == 0)
    }

    @Test func killedBetweenCommitAndRemoval() throws {
        let (found, totals, answers) = try recovered { folder, ledger in
            var journal = try Journal(ledgerPath: ledger.path, generation: 1, teacher: "t")
            try journal.append([.sent(attempt(1)), .sent(attempt(2)), .answered(answer(1))])
            var batch = LedgerBatch(responses: [answer(1)])
            batch.journalGeneration = try journal.turn()
            try ledger.commit(batch)
        }
        // The answer is in the tables once, not twice.
        #expect((found.answers, found.underWay, answers) == (0, 1, 1))
        #expect(totals.responses == 1)
        #expect(totals.killed == 1)
    }

    @Test func aRankThatIsNoMoreIsTakenOver() throws {
        let folder = try TemporaryFolder()
        do {
            let ledger = try LabelLedger(folder: folder.path, rank: 5)
            var journal = try Journal(ledgerPath: ledger.path, generation: 1, teacher: "t")
            try journal.append([.sent(attempt(1)), .answered(answer(1)), .sent(attempt(2))])
        }
        let first = try AnswerStore(folder: folder.path, rank: 0, size: 2, teacher: "t")
        let second = try AnswerStore(folder: folder.path, rank: 1, size: 2, teacher: "t")
        #expect((first.recoveredAnswers, first.killedUnderWay) == (0, 0))
        #expect((second.recoveredAnswers, second.killedUnderWay) == (1, 1))
    }
}

@Suite struct AnswerStoreTests {
    @Test func whatIsKeptIsThereAfterClosing() throws {
        let folder = try TemporaryFolder()
        let store = try AnswerStore(folder: folder.path, rank: 0, size: 1, teacher: "t")
        try store.willSend([attempt(1), attempt(2), attempt(3)])
        try store.keep(answer(1, body: "a whole answer"))
        try store.lost(attempt(2), reason: "timed out")
        try store.released(attempt(3))
        try store.keep(failed)
        try store.close()
        let index = try ResponseIndex(folder: folder.path, teacher: "t")
        #expect(try index.body(of: key(1)) == Array("a whole answer".utf8))
        #expect(try index.body(of: key(2)) == nil)
        let totals = try LedgerTotals(folder: folder.path)
        #expect((totals.responses, totals.losses, totals.killed) == (1, 1, 0))
        #expect(try LabelLedger.journalFiles(of: "\(folder.path)/rank-00000.sqlite").isEmpty)
    }

    @Test func commitsComeByThemselves() throws {
        let folder = try TemporaryFolder()
        let store = try AnswerStore(folder: folder.path, rank: 0, size: 1, teacher: "t")
        try store.willSend([attempt(1)])
        try store.keep(answer(1))
        // What a commit has taken waits no longer, and is in the tables a moment later.
        for _ in 0..<400 where try LedgerTotals(folder: folder.path).responses == 0 {
            usleep(50_000)
        }
        #expect(try LedgerTotals(folder: folder.path).responses == 1)
        #expect(store.waiting == 0)
    }

    /// Many answers from many threads at once, each there once.
    @Test func answersOfManyThreads() throws {
        let folder = try TemporaryFolder()
        let store = try AnswerStore(folder: folder.path, rank: 0, size: 1, teacher: "t")
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for number in 0..<500 {
                let number = thread * 500 + number
                try? store.willSend([attempt(number)])
                try? store.keep(answer(number, body: "body \(number)"))
            }
        }
        try store.close()
        let index = try ResponseIndex(folder: folder.path, teacher: "t")
        #expect(index.count == 4000)
        for number in stride(from: 0, to: 4000, by: 97) {
            #expect(try index.body(of: key(number)) == Array("body \(number)".utf8))
        }
    }
}
