// Recorded answers: served by id, refused where they belong to other data.

import Corpus
import Foundation
import TestSupport
import Testing

@testable import Teacher

@Suite struct RecordedTeacherTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func record(_ id: String) -> Record {
        Record(id: id, text: "t", source: Place(file: "pool.jsonl", line: 4))
    }

    @Test func answersById() throws {
        let lines = [
            #"{"id":"b","label_probabilities":{"x":0.5,"y.z":0.5},"votes":[1],"usage":{"prompt_tokens":3}}"#,
            #"{"id":"a","label_probabilities":{"x":1}}"#,
        ]
        let path = try folder.write("t.jsonl", lines.joined(separator: "\n").utf8)
        let teacher = try RecordedTeacher(path: path)
        #expect(try teacher.label([record("a"), record("b")]).map(\.id) == ["a", "b"])
        #expect(try teacher.labelSet().names == ["x", "y.z"])
        #expect(teacher.requestBytes(for: record("a")) == [97])
        #expect(teacher.description == "recorded answers of \(path) (2)")
        // The same answers in another order, at another place, are the same teacher.
        let other = try folder.write("u.jsonl", lines.reversed().joined(separator: "\r\n").utf8)
        #expect(try RecordedTeacher(path: other).identity == teacher.identity)
        let changed = try folder.write("v.jsonl", lines[1].utf8)
        #expect(try RecordedTeacher(path: changed).identity != teacher.identity)
        let error = #expect(throws: TeacherError.self) {
            try teacher.label([record("a"), record("q"), record("w")])
        }
        #expect(error?.code == .noAnswer)
        #expect(
            error?.message.contains(
                "no answer is recorded for 2 of 3 records, the first: id 'q' (pool.jsonl:4)")
                == true)
    }

    @Test func whatCannotBeRead() throws {
        #expect(throws: CorpusError.self) { try RecordedTeacher(path: folder.file("absent")) }
        let error = #expect(throws: TeacherError.self) { try RecordedTeacher(path: folder.path) }
        #expect(error?.message.contains("no label ledger (rank-*.sqlite) here") == true)
        #expect(throws: TeacherError.self) {
            try LabelExport.write(folder: folder.path, to: folder.file("x.jsonl"))
        }
        #expect(throws: TeacherError.self) {
            try LabelExport.write(folder: folder.file("absent"), to: folder.file("x.jsonl"))
        }
        #expect(try folder.names() == [])
    }

    @Test func oneOfSeveralTeachersIsChosen() throws {
        let ledger = try LabelLedger(folder: folder.path, rank: 0)
        try ledger.commit([numbered(1), numbered(2), numbered(1, teacher: "second", text: "hi")])
        #expect(throws: TeacherError.self) { try RecordedTeacher(path: folder.path) }
        let chosen = try RecordedTeacher(path: folder.path, ledgerTeacher: "second")
        #expect(chosen.answer(forID: "id-1")?.text == "hi")
        #expect(chosen.answer(forID: "id-2") == nil)
        let stranger = #expect(throws: TeacherError.self) {
            try LabelExport.write(folder: folder.path, teacher: "other", to: folder.file("y"))
        }
        #expect(stranger?.message.contains("'second', 'teacher'") == true)
        let file = folder.file("x.jsonl")
        #expect(try LabelExport.write(folder: folder.path, teacher: "teacher", to: file) == 2)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        try LabelExport.write(folder: folder.path, teacher: "teacher", to: file)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == bytes)
    }

    @Test(
        .enabled(if: SharedData.has("data/babe")),
        arguments: ["babe/pool", "newsgroups/pool"])
    func realTeachersAnswerTheirPools(name: String) throws {
        let pool = try Corpus.read(
            CorpusSource(
                paths: [SharedData.path("data/\(name).jsonl.gz")], labelField: "label",
                onBadRow: .skip)
        ).records
        let file = name.replacing("pool", with: "teacher")
        let teacher = try RecordedTeacher(path: SharedData.path("data/\(file).jsonl.gz"))
        let labels = try teacher.labelSet()
        var right = 0
        for (record, answer) in zip(pool, try teacher.label(pool)) {
            let values = try labels.probabilities(of: answer)
            let best = values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
            if labels[best] == record.label { right += 1 }
        }
        let accuracy = Double(right) / Double(pool.count)
        #expect(abs(accuracy - (name.hasPrefix("babe") ? 0.821 : 0.9206)) < 0.001, "\(accuracy)")
    }
}
