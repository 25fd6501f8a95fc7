// Measuring models and teachers: the same on any number of ranks, and what is wrong with data in one line.

import Collectives
import Corpus
import Foundation
import Reporting
import TensorCore
import TestSupport
import Testing

@testable import Methods

@Suite struct ModelEvaluationTests {
    private struct Sent: @unchecked Sendable {
        let request: EvaluationRequest
        var teacherOf: Recipe?
    }

    /// The leader's result, after all ranks took part.
    private func measure(_ sent: Sent, ranks: Int) async throws -> ModelEvaluation {
        let results: [ModelEvaluation] = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try ThreadWorld.run(ranks: ranks) { communicator in
                            let compute = Compute(threads: 1)
                            guard let recipe = sent.teacherOf else {
                                return try ModelEvaluation.measure(
                                    sent.request, communicator: communicator, compute: compute)
                            }
                            return try ModelEvaluation.teacher(
                                of: recipe, sent.request, communicator: communicator,
                                compute: compute,
                                console: RunConsole(
                                    isLeader: communicator.rank == 0, isTerminal: false,
                                    write: { _ in }, warn: { _ in }))
                        }
                    })
            }
        }
        #expect(results.allSatisfy { $0.predictions == results[0].predictions })
        return results[0]
    }

    private func request(_ run: RunCase, model: String) -> EvaluationRequest {
        var request = EvaluationRequest(data: run.recipe.data)
        request.student.model = model
        request.student.maximumLength = 16
        request.replicates = 100
        return request
    }

    @Test func aClassifierOnAnyRanks() async throws {
        let run = try RunCase()
        let model = run.folder.file("classifier")
        try TinyBert(seed: 4, width: 32, labels: RunCase.labels, isBare: false).write(to: model)
        let request = request(run, model: model)
        let one = try await measure(Sent(request: request), ranks: 1)
        let three = try await measure(Sent(request: request), ranks: 3)
        #expect(one.json == three.json && one.text == three.text)
        #expect(one.predictions.count == 20)
        guard case .classes(let figures) = one.figures else {
            Issue.record("no classes: \(one.figures)")
            return
        }
        #expect(figures.classes.map(\.label) == RunCase.labels && figures.count == 20)
        #expect(figures.confusion.flatMap { $0 }.reduce(0, +) == 20)
        #expect(
            one.json.hasPrefix("{\"accuracy\":") && one.json.contains("\"macro_f1_interval\":["))
        // The figure is that of the predictions.
        let right = one.predictions.map(\.value).count { value in
            guard case .object(let members) = value else { return false }
            return members[1].value == members[2].value
        }
        #expect(figures.accuracy.value == Double(right) / 20)

        let path = run.folder.file("predictions.jsonl")
        try one.writePredictions(to: path)
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 20 && lines[0].hasPrefix("{\"id\":"))
        #expect(throws: MethodError.self) {
            try one.writeFigures(to: run.folder.file("nowhere/figures.json"))
        }
    }

    @Test func aDecoderChoosesLabels() async throws {
        let run = try RunCase()
        let model = run.folder.file("decoder")
        try TinyLlama(isChat: true).write(to: model)
        var request = request(run, model: model)
        await #expect(throws: MethodError.self, "a decoder has to be told what to do") {
            try await measure(Sent(request: request), ranks: 1)
        }
        request.task = .classify
        let found = try await measure(Sent(request: request), ranks: 1)
        let shared = try await measure(Sent(request: request), ranks: 2)
        #expect(found.json == shared.json)
        guard case .classes(let figures) = found.figures else {
            Issue.record("no classes: \(found.figures)")
            return
        }
        // The labels are those of the data, in the order of their bytes, and each text gets one.
        #expect(figures.classes.map(\.label) == RunCase.labels.sorted() && figures.unanswered == 0)
        request.labels = RunCase.labels + ["fish"]
        let more = try await measure(Sent(request: request), ranks: 1)
        #expect(more.json.contains("\"label\":\"fish\",\"support\":0"))
        request.labels = ["cat"]
        await #expect(throws: CorpusError.self, "a gold label that isn't among them") {
            try await measure(Sent(request: request), ranks: 1)
        }
    }

    @Test func aDecoderAnswers() async throws {
        let run = try RunCase()
        let model = run.folder.file("decoder")
        try TinyLlama(isChat: true).write(to: model)
        var request = request(run, model: model)
        request.task = .answer
        request.answerTokens = 5
        let one = try await measure(Sent(request: request), ranks: 1)
        let two = try await measure(Sent(request: request), ranks: 2)
        #expect(one.json == two.json && one.predictions == two.predictions)
        #expect(one.json.contains("\"compare\":\"exact\",\"samples\":20"))
        request.comparison = .number
        await #expect(throws: MethodError.self, "gold answers without a number") {
            try await measure(Sent(request: request), ranks: 1)
        }
    }

    @Test func aRecipesTeacher() async throws {
        var run = try RunCase()
        run.recipe.outputDirectory = run.folder.file("run")
        let request = request(run, model: "")
        let sent = Sent(request: request, teacherOf: run.recipe)
        let first = try await measure(sent, ranks: 2)
        // The ledger has it all now, and one rank reads what two wrote.
        let again = try await measure(sent, ranks: 1)
        #expect(first.json == again.json && first.json.contains("\"unanswered\":0"))
    }

    @Test func badData() async throws {
        let run = try RunCase()
        let model = run.folder.file("classifier")
        try TinyBert(seed: 4, width: 32, labels: RunCase.labels, isBare: false).write(to: model)
        var request = request(run, model: model)
        let files = [
            (
                "unknown.jsonl", "{\"text\": \"a\", \"label\": \"whale\"}\n",
                CorpusError.Code.badLabel
            ),
            ("missing.jsonl", "{\"text\": \"a\"}\n", .badRow), ("empty.jsonl", "", .empty),
        ]
        for (name, text, code) in files {
            try run.folder.write(name, text)
            request.data.test = [run.folder.file(name)]
            let sent = Sent(request: request)
            await #expect {
                try await measure(sent, ranks: 1)
            } throws: { error in
                (error as? CorpusError)?.code == code
            }
        }
        request.data = run.recipe.data
        request.task = .answer
        let sent = Sent(request: request)
        await #expect(throws: MethodError.self, "an encoder answers nothing in words") {
            try await measure(sent, ranks: 1)
        }
    }
}
