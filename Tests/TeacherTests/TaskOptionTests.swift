// Options that can't be, and what makes two tasks the same.

import Corpus
import Foundation
import Testing

@testable import Teacher

@Suite struct TaskOptionTests {
    private typealias Change = @Sendable (inout LabelTaskOptions) -> Void

    private func options(_ change: Change = { _ in }) -> LabelTaskOptions {
        var options = LabelTaskOptions(model: "m", labels: ["yes", "no"])
        change(&options)
        return options
    }

    @Test func whatCannotBeIsRefusedWithItsKey() {
        let changes: [(Change, String)] = [
            ({ $0.model = "" }, "teacher.model"), ({ $0.topLogprobs = 21 }, "top_logprobs is 21"),
            ({ $0.topLogprobs = 0 }, "top_logprobs"), ({ $0.reAsk = 6 }, "re_ask is 6"),
            ({ $0.samples = 0 }, "samples"), ({ $0.maximumTokens = 0 }, "max_tokens"),
            ({ $0.minimumLabelMass = .nan }, "min_label_mass"), ({ $0.temperature = -1 }, "temper"),
            ({ $0.temperature = .infinity }, "temperature"), ({ $0.topP = 0 }, "top_p"),
            ({ $0.labels = ["yes"] }, "at least two"),
            ({ $0.labels = ["Yes", "yes "] }, "the same"),
            ({ $0.labels = ["yes", " "] }, "empty"), ({ $0.labels = ["a\nb", "c"] }, "control"),
            ({ $0.confidence = .votes }, "more than one vote"),
            ({ $0.confidence = .verbalized }, "wants teacher.answer: json"),
            ({ $0.samples = 2 }, "at temperature 0"), ({ $0.prompts = [] }, "empty list"),
            ({ $0.prompts = [.init(), .init()] }, "teacher.prompts[1] stands twice"),
            (
                { $0.prompts = [.init(), .init(user: "{{text}}")] },
                "teacher.prompts[1] asks what an earlier one asks"
            ),
            (
                {
                    $0.answer = .text; $0.confidence = .logprobs
                }, "wants labels"
            ),
            (
                {
                    $0.answer = .text; $0.samples = 2; $0.temperature = 1
                }, "one answer a record"
            ),
            ({ $0.examples = .init(path: "e.csv", count: 0) }, "examples.count"),
            ({ $0.examples = .init(path: "/absent/e.csv") }, "/absent/e.csv"),
            ({ $0.extraBody = "[]" }, "one JSON object"),
            ({ $0.extraBody = "{" }, "one JSON object"),
            ({ $0.extraBody = #"{"stream":true}"# }, "'stream'"),
            ({ $0.extraBody = #"{"n":2}"# }, "set teacher.samples"),
            ({ $0.extraBody = #"{"a":1,"a":2}"# }, "'a' twice"),
            ({ $0.extraBody = #"{"max_completion_tokens":"x"}"# }, "max_completion_tokens"),
        ]
        for (change, words) in changes {
            do {
                _ = try LabelTask(options(change))
                Issue.record("taken: \(words)")
            } catch let error as TeacherError {
                #expect(error.code == (words.hasPrefix("/absent") ? .noInput : .configuration))
                #expect(error.message.contains(words), "\(error.message)")
                #expect(!error.message.contains("\n"))
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    @Test func theFingerprintHoldsWhatShapesALabel() throws {
        let plain = try LabelTask(options()).fingerprint
        #expect(plain.count == 16)
        #expect(try LabelTask(options()).fingerprint == plain)
        let changes: [Change] = [
            { $0.model = "n" }, { $0.labels = ["no", "yes"] }, { $0.labels = ["yesno", "x"] },
            { $0.prompts = [.init(user: "{{text}}!")] }, { $0.prompts.append(.init(system: "")) },
            { $0.confidence = LabelTaskOptions.Confidence.none }, { $0.minimumLabelMass = 0.4 },
            { $0.reAsk = 0 }, { $0.answer = .json }, { $0.route = .completions }, { $0.seed = 1 },
            { $0.topLogprobs = 5 }, { $0.temperature = 0.5 }, { $0.extraBody = #"{"a":1}"# },
        ]
        let others = try changes.map { try LabelTask(options($0)).fingerprint }
        #expect(Set(others + [plain]).count == changes.count + 1)
        // The default said is the default.
        #expect(try LabelTask(options { $0.confidence = .logprobs }).fingerprint == plain)
        #expect(
            try LabelTask(options { $0.prompts = [.init(user: "{{text}}")] }).fingerprint == plain)
    }

    @Test func textIsKeptAsItIs() throws {
        let task = try LabelTask(
            options {
                $0.answer = .text
                $0.labels = []
            })
        let record = TaskBodies.record("t", id: "r")
        let request = task.firstRequests(for: record)[0]
        #expect(request.completionTokenBound == 256)
        #expect(try TaskBodies.object(request)["logprobs"] == nil)
        #expect(try TaskBodies.messages(request) == ["user: t"])
        let answer = task.next(for: record) { _ in TaskBodies.chat(" words\n") }.labelled
        #expect(answer?.text == " words\n")
        #expect(answer?.label == nil && answer?.labelProbabilities == nil)
        #expect(answer?.confidenceMethod == nil)
    }

    @Test func everyCharacterIsQuotedAsJSON() throws {
        let all = String(String.UnicodeScalarView((0...0x2FF).compactMap(Unicode.Scalar.init)))
        for text in [all, "", "\"", "a\\", "\u{1F600}\u{2028}", "plain"] {
            let quoted = JSONText.quoted(text)
            let read =
                try JSONSerialization.jsonObject(
                    with: Data("[\(quoted)]".utf8)) as? [String]
            #expect(read == [text])
            var bytes: [UInt8] = []
            JSONText.append(quoted: text, to: &bytes)
            #expect(bytes == Array(quoted.utf8))
        }
        #expect(JSONText.quoted("\u{1}\n\u{1F}/\u{7F}") == "\"\\u0001\\n\\u001f/\u{7F}\"")
    }

    @Test func theRecordedFormHoldsTheLabel() throws {
        let answer = LabelRecord(
            id: "r", label: "y\"es", confidenceMethod: "label_logprob", finishReason: "stop")
        #expect(
            answer.jsonLine
                == #"{"id":"r","label":"y\"es","confidence_method":"label_logprob","finish_reason":"stop"}"#
        )
        let folder = try TemporaryFolder()
        let path = try folder.write("l.jsonl", answer.jsonLine.utf8)
        #expect(try LabelReader.readAll(path: path) == [answer])
        #expect(try LabelSet(discoveredIn: [answer]).names == ["y\"es"])
        #expect(throws: CorpusError.self) { try LabelRecord(id: "r", label: "").validated() }
    }
}
