// Fine-tuning of a decoder end to end: a run on any ranks, stopped and resumed, adapters alone, and what
// comes out of it, on a small decoder that learns to add.

import Corpus
import Foundation
import Models
import TestSupport
import Testing
import Training

@testable import Methods

/// A decoder of random weights with the tokenizer of a real one, and sums to learn.
private struct SumCase {
    let folder: TemporaryFolder
    var recipe = Recipe()

    static let tokenizer = SharedData.path("data/stories260k")

    init() throws {
        folder = try TemporaryFolder()
        let sizes = """
            {"model_type": "llama", "vocab_size": 512, "hidden_size": 32, "intermediate_size": 64,
             "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 64,
             "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": true,
             "bos_token_id": 1, "eos_token_id": 2}
            """
        try Data(sizes.utf8).write(to: URL(fileURLWithPath: folder.file("config.json")))
        _ = try FreshDecoder.write(
            configuration: folder.file("config.json"), tokenizer: Self.tokenizer, seed: 3,
            to: folder.file("model"))
        func rows(_ range: Range<Int>) -> Data {
            Data(
                range.map { "{\"q\": \"\($0 % 7)+\($0 / 7)=\", \"a\": \"\($0 % 7 + $0 / 7)\"}\n" }
                    .joined().utf8)
        }
        try rows(0..<42).write(to: URL(fileURLWithPath: folder.file("pool.jsonl")))
        try rows(42..<49).write(to: URL(fileURLWithPath: folder.file("test.jsonl")))
        recipe.data.pool = [folder.file("pool.jsonl")]
        recipe.data.test = [folder.file("test.jsonl")]
        recipe.data.textField = "q"
        recipe.data.labelField = "a"
        recipe.student.model = folder.file("model")
        recipe.student.maximumLength = 32
        recipe.student.promptTemplate = "{{prompt}}"
        recipe.method.name = .fineTune
        recipe.train.epochs = 4
        recipe.train.globalBatchSize = 8
        recipe.train.learningRate = 3e-3
        recipe.evaluate.evaluationSteps = 0
        recipe.evaluate.maximumNewTokens = 4
        recipe.checkpoint.saveSteps = 5
    }

    /// Runs on some ranks, stopping at an edge of training if asked to; true when all is done.
    func run(_ name: String, ranks: Int, stopping: Int? = nil) async throws -> Bool {
        var recipe = recipe
        recipe.outputDirectory = folder.file(name)
        return try await ThreadedRun.carryOut(
            recipe, ranks: ranks, resolved: "a", stopping: stopping
        ).isComplete
    }

    /// What the pool asks, in its order.
    func prompts() throws -> [String] {
        try Corpus.read(CorpusSource(paths: recipe.data.pool, textField: "q")).records.map(\.text)
    }

    func student(_ name: String) throws -> Data {
        try Data(
            contentsOf: URL(fileURLWithPath: folder.file("\(name)/student/model.safetensors")))
    }

    func report(_ name: String, _ key: String) throws -> Double {
        try #require(FinishedReport(folder: RunFolder(path: folder.file(name))).number(key))
    }
}

@Suite(.enabled(if: SharedData.has("data/stories260k"), "no tokenizer at hand"))
struct FineTuningTests {
    @Test func anyRanksAndAResume() async throws {
        let sums = try SumCase()
        #expect(try await sums.run("one", ranks: 1))
        let expected = try sums.student("one")
        #expect(try await sums.run("three", ranks: 3))
        #expect(try sums.student("three") == expected)
        #expect(try await !sums.run("two", ranks: 2, stopping: 9))
        #expect(try await sums.run("two", ranks: 3))
        #expect(try sums.student("two") == expected)
        #expect(try sums.report("two", "student_loss") == sums.report("one", "student_loss"))
        // Done is done.
        #expect(try await sums.run("two", ranks: 1))
    }

    @Test func itLearns() async throws {
        var sums = try SumCase()
        sums.recipe.train.epochs = 1
        sums.recipe.train.learningRate = 0
        #expect(try await sums.run("still", ranks: 1))
        sums.recipe.train.epochs = 20
        sums.recipe.train.learningRate = 3e-3
        #expect(try await sums.run("moved", ranks: 1))
        let (before, after) = (
            try sums.report("still", "student_loss"), try sums.report("moved", "student_loss")
        )
        // Random scores over 512 tokens cost log 512 = 6.2 nats.
        #expect(before > 5.5 && after < 3, "\(before) to \(after)")
    }

    @Test func theAnswersOfATeacher() async throws {
        var sums = try SumCase()
        sums.recipe.method.name = .sequence
        sums.recipe.method.sequence.maximumTokens = 3
        sums.recipe.method.sequence.system = "Be brief."
        sums.recipe.teacher.kind = .local
        sums.recipe.teacher.model = SumCase.tokenizer
        sums.recipe.data.labelField = nil
        sums.recipe.data.test = []
        // Whatever a teacher of stories says to a sum, it doesn't end after three tokens.
        await #expect(throws: MethodError.self) { _ = try await sums.run("cut", ranks: 1) }
        let answers = try sums.prompts().enumerated().map { place, prompt in
            let end = place == 7 ? "length" : "stop"
            let text = place == 8 ? " " : "It is \(place)."
            return "{\"id\": \"\(ContentHash.id(of: prompt))\", \"text\": \"\(text)\", "
                + "\"finish_reason\": \"\(end)\"}\n"
        }.joined()
        sums.recipe.teacher.kind = .recorded
        sums.recipe.teacher.path = sums.folder.file("answers.jsonl")
        try Data(answers.utf8).write(to: URL(fileURLWithPath: sums.recipe.teacher.path))
        #expect(try await sums.run("one", ranks: 1))
        #expect(try await sums.run("two", ranks: 2))
        #expect(try sums.student("one") == sums.student("two"))
        #expect(try sums.report("one", "examples") == 40)
        #expect(try sums.report("one", "answers_cut") == 1)
        #expect(try sums.report("one", "answers_empty") == 1)
        // LLKD's gate lets through what the student doesn't expect.
        sums.recipe.method.sequence.selection = SelectionOptions(rule: .uncertainty)
        #expect(try await sums.run("gated", ranks: 1))
        #expect(try await sums.run("gated by two", ranks: 2))
        let gated = try sums.student("gated")
        #expect(try gated == sums.student("gated by two") && gated != sums.student("one"))
    }

    @Test func adaptersAlone() async throws {
        var sums = try SumCase()
        sums.recipe.student.lora = LoRAOptions(rank: 4, alpha: 8)
        #expect(try await sums.run("one", ranks: 1))
        #expect(try await sums.run("two", ranks: 2))
        #expect(try sums.student("one") == sums.student("two"))
        let folder = sums.folder.file("one")
        #expect(
            FileManager.default.fileExists(
                atPath: "\(folder)/student-adapter/adapter_model.safetensors"))
        // What is exported by itself is the same student.
        var recipe = sums.recipe
        recipe.outputDirectory = folder
        _ = try StudentExport.write(
            recipe: recipe, checkpoint: nil, to: sums.folder.file("again"))
        let again = try Data(
            contentsOf: URL(fileURLWithPath: sums.folder.file("again/model.safetensors")))
        #expect(try again == sums.student("one"))
    }

    @Test func refusals() async throws {
        func message(_ change: (inout Recipe) -> Void) async throws -> String {
            var sums = try SumCase()
            change(&sums.recipe)
            do {
                _ = try await sums.run("bad", ranks: 1)
                return "nothing"
            } catch {
                return "\(error)"
            }
        }
        #expect(
            try await message { $0.student.promptTemplate = "no place" }.contains(
                "{{prompt}} 0 times"))
        #expect(
            try await message { $0.student.promptTemplate = nil }.contains("student.chat_template"))
        #expect(try await message { $0.student.maximumLength = 4 }.contains("max_seq_length"))
        #expect(try await message { $0.student.maximumLength = 65 }.contains("64 positions"))
        #expect(try await message { $0.data.labelField = nil }.contains("data.label_field"))
    }
}
