// Teachers' answers: the recorded form read and written, probabilities checked, classes named.

import Foundation
import Testing

@testable import Corpus

@Suite struct LabelTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func read(_ lines: String...) throws -> [LabelRecord] {
        try LabelReader.readAll(path: folder.write("l.jsonl", lines.joined(separator: "\n").utf8))
    }

    private func failure(_ lines: String...) -> CorpusError? {
        do {
            _ = try LabelReader.readAll(
                path: folder.write("l.jsonl", lines.joined(separator: "\n").utf8))
            return nil
        } catch {
            return error as? CorpusError
        }
    }

    @Test func theRecordedForm() throws {
        let answers = try read(
            #"{"id": "a", "label_probabilities": {"rec.autos": 0.25, "sci.med": 0.75}, "votes": {"x": [1]}}"#,
            #"{"id": "b", "choice_probabilities": [0.5, 0.5, 0], "confidence_method": "letter_logprob"}"#,
            #"{"id": "c", "text": "an answer\n", "finish_reason": "stop", "label_probabilities": null, "#
                + #""usage": {"prompt_tokens": 7, "completion_tokens": 3, "details": {"cached": 1}}}"#,
            "")
        #expect(
            answers == [
                LabelRecord(id: "a", labelProbabilities: ["rec.autos": 0.25, "sci.med": 0.75]),
                LabelRecord(
                    id: "b", choiceProbabilities: [0.5, 0.5, 0],
                    confidenceMethod: "letter_logprob"),
                LabelRecord(
                    id: "c", text: "an answer\n",
                    usage: .init(promptTokens: 7, completionTokens: 3), finishReason: "stop"),
            ])
    }

    @Test func sumsAreMadeOne() throws {
        let answer = try read(#"{"id":"a","label_probabilities":{"x":0.33,"y":0.66}}"#)[0]
        #expect(answer.labelProbabilities?["x"] == 0.33 * (1 / 0.99))
        // What adds up already keeps its bits.
        let exact = try read(#"{"id":"a","label_probabilities":{"x":0.1,"y":0.2,"z":0.7}}"#)[0]
        #expect(exact.labelProbabilities == ["x": 0.1, "y": 0.2, "z": 0.7])
    }

    @Test func whatCannotBeUsedIsNamed() {
        for (line, words) in [
            (#"{"id":"a","label_probabilities":{"x":0.5,"y":0.4}}"#, "add up to 0.9"),
            (#"{"id":"a","label_probabilities":{"x":-0.1,"y":1.1}}"#, "probability of 'x' is -0.1"),
            (#"{"id":"a","label_probabilities":{}}"#, "add up to 0.0"),
            (#"{"id":"a","label_probabilities":{"x":1e400}}"#, "beyond a Double"),
            (#"{"id":"a","label_probabilities":{"x":"1"}}"#, "not JSON"),
            (#"{"id":"a","label_probabilities":{"x":1,"x":0}}"#, "'x' stands twice"),
            (#"{"id":"a","label_probabilities":[1]}"#, "an object"),
            (#"{"id":"a"}"#, "neither label_probabilities"),
            (#"{"label_probabilities":{"x":1}}"#, "no \"id\""),
            (#"{"id":"","label_probabilities":{"x":1}}"#, "the id is empty"),
            (#"{"id":null,"label_probabilities":{"x":1}}"#, "a string is wanted"),
            (#"{"id":"a","choice_probabilities":[0.02,0.02]}"#, "add up to 0.04"),
            (#"{"id":"a","choice_probabilities":[0.7,0.7]}"#, "add up to 1.4"),
            (#"{"id":"a","text":"x","usage":{"prompt_tokens":-1}}"#, "count of tokens"),
            ("nonsense", "not JSON"),
        ] {
            let error = failure(#"{"id":"first","text":"fine"}"#, line)
            #expect(error?.code == .badLabel, "\(line)")
            #expect(
                error?.message.contains("l.jsonl:2: ") == true, "\(error?.message ?? "nothing")")
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "nothing")")
        }
        #expect(failure(#"{"id":"a","text":"x"}"#, #"{"id":"a","text":"y"}"#)?.code == .conflict)
        #expect(failure("")?.code == .empty)
        #expect(throws: Never.self) {
            try read(#"{"id":"a","text":"x"}"#, #"{"id":"a","text":"x"}"#)
        }
    }

    @Test func writingIsTheSameBytesInAnyOrder() throws {
        let answers = [
            LabelRecord(
                id: "é", labelProbabilities: ["z": 0.1, "a.b": 0.9], confidenceMethod: "vote_share"),
            LabelRecord(
                id: "b\"\n", text: "said\u{1}", usage: .init(promptTokens: 1, completionTokens: 2),
                finishReason: "stop"),
            LabelRecord(id: "c", choiceProbabilities: [1, 0]),
        ]
        let wanted = #"""
            {"id":"b\"\n","text":"said\u0001","usage":{"prompt_tokens":1,"completion_tokens":2},"finish_reason":"stop"}
            {"id":"c","choice_probabilities":[1.0,0.0]}
            {"id":"é","label_probabilities":{"a.b":0.9,"z":0.1},"confidence_method":"vote_share"}

            """#
        for order in [answers, answers.reversed()] {
            try LabelFile.write(order, to: folder.file("out.jsonl"))
            #expect(try String(contentsOfFile: folder.file("out.jsonl"), encoding: .utf8) == wanted)
        }
        try LabelFile.write(answers, to: folder.file("out.jsonl.gz"))
        let packed = try Data(contentsOf: URL(fileURLWithPath: folder.file("out.jsonl.gz")))
        try LabelFile.write(answers.reversed(), to: folder.file("out.jsonl.gz"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.file("out.jsonl.gz"))) == packed)
        for name in ["out.jsonl", "out.jsonl.gz"] {
            let back = try LabelReader.readAll(path: folder.file(name))
            #expect(Set(back) == Set(answers))
        }
        #expect(try folder.names() == ["out.jsonl", "out.jsonl.gz"])
        #expect(throws: CorpusError.self) {
            try LabelFile.write(answers + answers, to: folder.file("out.jsonl"))
        }
        #expect(try String(contentsOfFile: folder.file("out.jsonl"), encoding: .utf8) == wanted)
    }

    @Test func theLineIsWhatCodableReads() throws {
        let answer = LabelRecord(
            id: "a/b", labelProbabilities: ["x": 0.1, "y.z": 0.9], choiceProbabilities: [1e-7, 1],
            text: "é\n\u{2028}", confidenceMethod: "m",
            usage: .init(promptTokens: 1, completionTokens: 2), finishReason: "stop")
        let data = Data(answer.jsonLine.utf8)
        #expect(try JSONDecoder().decode(LabelRecord.self, from: data) == answer)
        let encoded = String(decoding: try JSONEncoder().encode(answer), as: UTF8.self)
        #expect(try read(encoded).map(\.id) == ["a/b"])
    }

    @Test func numbersKeepTheirBits() throws {
        let random = CounterRandom(seed: 1, 2)
        let values = (0..<500).map { Double($0 == 0 ? 0 : random[UInt64($0)] >> 12) * 0x1p-52 }
        let text = JSONText.object(
            Dictionary(
                uniqueKeysWithValues: values.enumerated().map { ("k\($0.offset)", $0.element) }))
        let back = try JSONText.numbers(inObject: text)
        for (index, value) in values.enumerated() { #expect(back["k\(index)"] == value) }
        #expect(try JSONText.numbers(inArray: "[1,2.5,1e-3]") == [1, 2.5, 0.001])
        #expect(throws: CorpusError.self) { try JSONText.numbers(inArray: "[1,]") }
        #expect(throws: CorpusError.self) { try JSONText.numbers(inObject: "{} x") }
    }

    @Test func classes() throws {
        let set = try LabelSet(["no", "yes", "may.be"])
        #expect(set.index(of: "may.be") == 2)
        #expect(set[1] == "yes")
        let answer = LabelRecord(id: "a", labelProbabilities: ["may.be": 0.25, "no": 0.75])
        #expect(try set.probabilities(of: answer) == [0.75, 0, 0.25])
        let strange = LabelRecord(id: "r7", labelProbabilities: ["maybe": 1])
        let error = #expect(throws: CorpusError.self) { try set.probabilities(of: strange) }
        #expect(
            error?.message
                == "record 'r7': the label 'maybe' isn't among the 3 classes: 'no', 'yes', 'may.be'"
        )
        #expect(throws: CorpusError.self) {
            try set.probabilities(of: LabelRecord(id: "a", text: "t"))
        }
        #expect(try LabelSet(discoveredIn: [answer, strange]).names == ["may.be", "maybe", "no"])
        for names in [[], [""], ["a", "a"]] {
            #expect(throws: CorpusError.self) { try LabelSet(names) }
        }
    }

    @Test(
        .enabled(if: SharedData.has("data/babe")),
        arguments: [
            ("babe/teacher", 3020, 2), ("newsgroups/teacher", 6032, 20),
            ("mmlu/teacher-llama3.1-8B", 14040, 0), ("mmlu/teacher-gemma2-9b-it", 14041, 0),
        ])
    func recordedTeachers(name: String, rows: Int, classes: Int) throws {
        let answers = try LabelReader.readAll(path: SharedData.path("data/\(name).jsonl.gz"))
        #expect(answers.count == rows)
        for answer in answers {
            let values =
                answer.choiceProbabilities
                ?? answer.labelProbabilities.map { Array($0.values) } ?? []
            #expect(abs(values.reduce(0, +) - 1) < 1e-9)
        }
        if classes > 0 { #expect(try LabelSet(discoveredIn: answers).count == classes) }
        // Written, read and written again: nothing moves.
        try LabelFile.write(answers, to: folder.file("a.jsonl.gz"))
        let again = try LabelReader.readAll(path: folder.file("a.jsonl.gz"))
        #expect(Set(again) == Set(answers))
    }
}
