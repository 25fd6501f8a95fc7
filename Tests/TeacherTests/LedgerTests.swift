// The ledger as a file: what goes in comes out, whoever wrote it and however many they were.

import Corpus
import Foundation
import GRDB
import Testing

@testable import Teacher

/// An entry made of a number.
func numbered(
    _ number: Int, teacher: String = "teacher", id: String? = nil, text: String? = nil
) -> LedgerEntry {
    LedgerEntry(
        teacher: teacher, request: Array("request \(number)".utf8),
        answer: LabelRecord(
            id: id ?? "id-\(number)",
            labelProbabilities: ["no": 0.125, "yes": 0.875], text: text,
            confidenceMethod: "vote_share",
            usage: .init(promptTokens: 10, completionTokens: number),
            finishReason: "stop"),
        priceMicro: Int64(number), latencyMicroseconds: 5,
        createdAtMicroseconds: 1_700_000_000_000_000)
}

@Suite struct LedgerTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func failure(_ body: () throws -> Void) -> TeacherError? {
        do {
            try body()
            return nil
        } catch {
            return error as? TeacherError
        }
    }

    @Test func keysAreWhatAShellFinds() {
        // printf 'model-1\0hello' | sha256sum
        let key = LabelKey(teacher: "model-1", request: Array("hello".utf8))
        let digits = "b3fd950b8294ce8a83e5d64f4e16ef4f01210661dd97054d74f7c32ba403c033"
        #expect(key.description == digits)
        #expect(LabelKey(hexadecimal: digits) == key)
        #expect(LabelKey(hexadecimal: "xyz") == nil)
        #expect(LabelKey(hexadecimal: String(repeating: "g", count: 64)) == nil)
        // What belongs to whom is in the key.
        #expect(
            LabelKey(teacher: "a", request: Array("bc".utf8))
                != LabelKey(teacher: "ab", request: Array("c".utf8)))
    }

    @Test func everyFieldComesBack() throws {
        let entries = [
            numbered(1),
            LedgerEntry(
                teacher: "other 'quoted' é", request: [0, 255, 10],
                answer: LabelRecord(
                    id: "é\n\"", choiceProbabilities: [0.1, 0.9], text: "said: \u{1}\n🙂"),
                createdAtMicroseconds: 5),
            LedgerEntry(
                teacher: "t", request: [], answer: LabelRecord(id: "cut", finishReason: "length")),
        ]
        let ledger = try LabelLedger(folder: folder.file("labels/deep"), rank: 7)
        #expect(ledger.path.hasSuffix("labels/deep/rank-00007.sqlite"))
        try ledger.commit(entries)
        try ledger.commit([])
        let contents = try LedgerContents(folder: folder.file("labels/deep"))
        #expect(contents.entries == entries)
        #expect(contents.teachers == ["other 'quoted' é", "t", "teacher"])
        #expect(contents.answer(to: entries[0].key) == entries[0].answer)
        #expect(contents.answer(to: numbered(2).key) == nil)
        #expect(
            try LedgerContents(folder: folder.file("labels/deep"), teacher: "t").entries
                == [entries[2]])
    }

    @Test func whatIsThereStays() throws {
        for round in 0..<3 {
            let ledger = try LabelLedger(folder: folder.path, rank: 0)
            try ledger.commit([numbered(0, text: "round \(round)"), numbered(round + 1)])
        }
        let contents = try LedgerContents(folder: folder.path)
        #expect(contents.entries.map(\.answer.id) == ["id-0", "id-1", "id-2", "id-3"])
        #expect(contents.entries[0].answer.text == "round 0")
    }

    @Test func anyNumberOfRanksIsReadAsOne() throws {
        for rank in 0..<5 {
            let ledger = try LabelLedger(folder: folder.path, rank: rank)
            try ledger.commit((0..<10).map { numbered(rank * 10 + $0) })
        }
        // Two ranks asked for the same: the first file's answer counts.
        let ledger = try LabelLedger(folder: folder.path, rank: 9)
        try ledger.commit([
            numbered(3, text: "later"), numbered(4, id: "same request", text: "later"),
            numbered(99),
        ])
        let contents = try LedgerContents(folder: folder.path)
        #expect(contents.entries.count == 52)
        #expect(contents.duplicates == 2)
        #expect(contents.files.map(\.rows) == [10, 10, 10, 10, 10, 3])
        #expect(contents.answer(to: numbered(3).key)?.text == nil)
        let shared = try #require(contents.entries.first { $0.answer.id == "same request" })
        #expect(shared.answer.text == nil)
        #expect(shared.priceMicro == 4)
        let answers = try contents.answersByRecord()
        #expect(answers.map(\.id) == answers.map(\.id).sorted())
        #expect(answers.count == 52)
    }

    @Test func theNewestAnswerOfARecordCounts() throws {
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        func entry(_ text: String, at time: Int64) -> LedgerEntry {
            LedgerEntry(
                teacher: "t", request: Array(text.utf8), answer: LabelRecord(id: "a", text: text),
                createdAtMicroseconds: time)
        }
        try ledger.commit([entry("old", at: 1), entry("new", at: 3), entry("between", at: 2)])
        #expect(try LedgerContents(folder: folder.path).answersByRecord().map(\.text) == ["new"])
        try ledger.commit([numbered(1, teacher: "another", id: "a")])
        let error = failure { _ = try LedgerContents(folder: folder.path).answersByRecord() }
        #expect(error?.message.contains("two teachers, 't' and 'another'") == true)
    }

    @Test func foldersWithoutALedger() throws {
        #expect(try LedgerContents(folder: folder.file("absent")).entries.isEmpty)
        #expect(try LedgerContents(folder: folder.path).files.isEmpty)
        // Made, and killed before the first commit.
        _ = try folder.write("rank-00000.sqlite", [])
        #expect(try LedgerContents(folder: folder.path).entries.isEmpty)
        try LabelLedger(folder: folder.path, rank: 0).commit([numbered(1)])
        #expect(try LedgerContents(folder: folder.path).entries.count == 1)
    }

    @Test func oneWriterAFile() throws {
        var ledger: LabelLedger? = try LabelLedger(folder: folder.path, rank: 0)
        let error = failure { _ = try LabelLedger(folder: folder.path, rank: 0) }
        #expect(error?.code == .ledgerBusy)
        #expect(error?.message.contains("the same run started twice") == true)
        _ = try LabelLedger(folder: folder.path, rank: 1)
        ledger = nil
        #expect(ledger == nil)
        _ = try LabelLedger(folder: folder.path, rank: 0)
    }

    @Test func readersSeeWholeCommitsOfALivingWriter() throws {
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        let path = folder.path
        let writer = Thread {
            for group in 0..<60 {
                try? ledger.commit((0..<7).map { numbered(group * 7 + $0) })
            }
        }
        writer.start()
        var last = 0
        while last < 420 {
            let count = try LedgerContents(folder: path).entries.count
            #expect(count.isMultiple(of: 7) && count >= last)
            last = count
        }
    }

    @Test func filesOfANewerProgramAreRefused() throws {
        try LabelLedger(folder: folder.path, rank: 0).commit([numbered(1)])
        let path = LabelLedger.path(folder: folder.path, rank: 0)
        try DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = 99") }
        for error in [
            failure { _ = try LabelLedger(folder: folder.path, rank: 0) },
            failure { _ = try LedgerContents(folder: folder.path) },
        ] {
            #expect(error?.code == .ledgerNewer)
            #expect(error?.message.contains("rank-00000.sqlite: written by a newer retort") == true)
        }
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/sqlite3")))
    func theShellReadsIt() throws {
        try LabelLedger(folder: folder.path, rank: 0).commit((1...3).map { numbered($0) })
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/usr/bin/sqlite3")
        shell.arguments = [
            LabelLedger.path(folder: folder.path, rank: 0),
            "SELECT count(*), sum(price_micro), sum(completion_tokens), "
                + "max(json_extract(label_probabilities, '$.yes')) FROM labels",
        ]
        let pipe = Pipe()
        shell.standardOutput = pipe
        try shell.run()
        shell.waitUntilExit()
        let said = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(said == "3|6|6|0.875\n")
    }
}
