// Multiple choice measured: the forms in which items are published, encoders that score pairs, and decoders
// that were never taught.

import Collectives
import Foundation
import Models
import Reporting
import TensorCore
import TestSupport
import Testing

@testable import Methods

@Suite struct EvaluationChoiceTests {
    /// The same item as eight kinds of files have it.
    private static let forms: [(name: String, text: String)] = [
        ("mmlu", #"{"question": "the cat", "choices": ["dog", "bird"], "answer": 1}"#),
        ("letter", #"{"question": "the cat", "choices": ["dog", "bird"], "answer": "B"}"#),
        ("words", #"{"question": "the cat", "choices": ["dog", "bird"], "answer": "bird"}"#),
        (
            "csqa",
            """
            {"question": {"stem": "the cat", "choices": [{"label": "A", "text": "dog"}, {"label": \
            "B", "text": "bird"}]}, "answerKey": "B"}
            """
        ),
        (
            "arc",
            """
            {"question": "the cat", "choices": {"text": ["dog", "bird"], "label": ["1", "2"]}, \
            "answerKey": "2"}
            """
        ),
        (
            "agieval",
            """
            {"passage": "", "question": "the cat", "options": ["(A)dog", "(B)bird"], "label": "B", \
            "answer": null}
            """
        ),
        ("bbh", #"{"input": "the cat\nOptions:\n(A) dog\n(B) bird", "target": "(B)"}"#),
        (
            "bbh-file",
            "{\n\"canary\": \"x\",\n\"examples\": [\n{\"input\": \"the cat\\nOptions:\\n(A) dog\\n(B) "
                + "bird\",\n\"target\": \"(B)\"}\n]\n}"
        ),
    ]

    @Test(arguments: forms.indices)
    func publishedForms(index: Int) throws {
        let folder = try TemporaryFolder()
        try folder.write("items.jsonl", Self.forms[index].text + "\n")
        let items = try ChoiceItemReader([folder.file("items.jsonl")]).items
        #expect(items.count == 1)
        #expect(items[0].question == "the cat" && items[0].choices == ["dog", "bird"])
        #expect(items[0].answer == 1)
    }

    @Test func passagesAndListsWithoutLetters() throws {
        let folder = try TemporaryFolder()
        try folder.write(
            "items.jsonl",
            """
            {"passage": "A cat sat.", "question": "Who sat?", "options": ["(A) (B) dog", "(B) cat"], "label": "B"}
            {"input": "Is it so?\\nOptions:\\n- Yes\\n- No", "target": "No"}
            """)
        let items = try ChoiceItemReader([folder.file("items.jsonl")]).items
        #expect(
            items[0].question == "A cat sat.\n\nWho sat?" && items[0].choices == ["(B) dog", "cat"])
        #expect(items[1].choices == ["Yes", "No"] && items[1].answer == 1)
        #expect(ChoiceRow.withoutLetters(["(A)x", "y"]) == ["(A)x", "y"])
        #expect(ChoiceRow.listed("no list") == nil)
        #expect(ChoiceRow.listed("q\nOptions:\n(B) first") == nil)
    }

    private struct Sent: @unchecked Sendable { let request: EvaluationRequest }

    private func measure(_ request: EvaluationRequest, ranks: Int) async throws -> ModelEvaluation {
        let sent = Sent(request: request)
        let results: [ModelEvaluation] = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try ThreadWorld.run(ranks: ranks) { communicator in
                            try ModelEvaluation.measure(
                                sent.request, communicator: communicator,
                                compute: Compute(threads: 1))
                        }
                    })
            }
        }
        return results[0]
    }

    /// Items of two to four choices.
    private func items(_ folder: TemporaryFolder) throws -> String {
        let words = ["cat", "dog", "bird", "red"]
        try folder.write(
            "items.jsonl",
            (0..<15).map { index in
                let choices = words.prefix(2 + index % 3).map { "\"\($0)\"" }
                return
                    "{\"id\": \"i\(index)\", \"question\": \"the \(words[index % 4]) \(index)\", "
                    + "\"choices\": [\(choices.joined(separator: ", "))], \"answer\": \(index % 2)}\n"
            }.joined())
        return folder.file("items.jsonl")
    }

    private func figures(_ evaluation: ModelEvaluation) throws -> ClassFigures {
        guard case .classes(let figures) = evaluation.figures else {
            throw MethodError(.invalidRecipe, "no classes: \(evaluation.figures)")
        }
        return figures
    }

    @Test func anEncoderScoresPairs() async throws {
        let run = try RunCase()
        let model = run.folder.file("chooser")
        try MultipleChoiceModel(ModelFolder(path: run.folder.file("encoder")), seed: 3)
            .export(to: model)
        var data = Recipe.DataOptions()
        data.test = [try items(run.folder)]
        var request = EvaluationRequest(data: data)
        request.student.model = model
        request.replicates = 50
        let one = try await measure(request, ranks: 1)
        let three = try await measure(request, ranks: 3)
        #expect(one.json == three.json && one.predictions == three.predictions)
        let found = try figures(one)
        #expect(found.classes.map(\.label) == ["A", "B", "C", "D"])
        #expect(found.count == 15 && found.unanswered == 0)
        #expect(found.calibrationError != nil)
        request.task = .classify
        await #expect(throws: MethodError.self) { try await measure(request, ranks: 1) }
    }

    @Test(arguments: [Recipe.MCQAOptions.Scoring.letters, .texts])
    func aDecoderChooses(scoring: Recipe.MCQAOptions.Scoring) async throws {
        let run = try RunCase()
        let model = run.folder.file("decoder")
        try TinyLlama(maximumLength: 400, isChat: true).write(to: model)
        var data = Recipe.DataOptions()
        data.test = [try items(run.folder)]
        var request = EvaluationRequest(data: data)
        request.student.model = model
        request.task = .choose
        request.scoring = scoring
        request.replicates = 0
        let one = try await measure(request, ranks: 1)
        let two = try await measure(request, ranks: 2)
        #expect(one.json == two.json && one.predictions == two.predictions)
        let found = try figures(one)
        #expect(found.count == 15 && found.unanswered == 0)
        #expect(found.accuracy.interval == nil)
        #expect(one.predictions.allSatisfy { $0.value.json.contains("choice_probabilities\":[0.") })
    }
}
