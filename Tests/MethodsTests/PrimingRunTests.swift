// Priming end to end on tiny decoders: all arms by one call, the same bits on any ranks and after stops at
// any stage, what is refused before anything is asked.

import Foundation
import TestSupport
import Testing
import Training

@testable import Methods

/// A teacher, a student of the same tokenizer, and sums.
private struct PrimingCase {
    let folder: TemporaryFolder
    var recipe = Recipe()

    init() throws {
        folder = try TemporaryFolder()
        try TinyLlama(seed: 1, width: 16, maximumLength: 900, isChat: true)
            .write(to: folder.file("teacher"))
        try TinyLlama(seed: 2, width: 8, layers: 1, isChat: true).write(to: folder.file("student"))
        func rows(_ range: Range<Int>) -> String {
            range.map { "{\"q\": \"the car \($0)\", \"a\": \"in the \($0) #### \($0)\"}\n" }
                .joined()
        }
        try folder.write("pool.jsonl", rows(0..<24))
        try folder.write("test.jsonl", rows(24..<30))
        recipe.data.pool = [folder.file("pool.jsonl")]
        recipe.data.test = [folder.file("test.jsonl")]
        recipe.data.textField = "q"
        recipe.data.labelField = "a"
        recipe.teacher.kind = .local
        recipe.teacher.model = folder.file("teacher")
        recipe.student.model = folder.file("student")
        recipe.student.maximumLength = 96
        recipe.method.name = .priming
        recipe.method.priming.arms = [.none, .teacher]
        recipe.method.priming.topCount = 8
        recipe.method.priming.validationRatio = 0.25
        recipe.train.epochs = 2
        recipe.train.globalBatchSize = 8
        recipe.train.microBatches = 4
        recipe.train.learningRate = 1e-2
        recipe.evaluate.evaluationSteps = 0
        recipe.evaluate.maximumNewTokens = 6
        recipe.evaluate.compare = .number
        recipe.checkpoint.saveSteps = 2
    }

    /// Runs on some ranks; with `stopping`, stops when it is asked for the time that many times whether
    /// it should.
    func run(
        _ name: String, ranks: Int, stopping: Int? = nil
    ) async throws -> (isComplete: Bool, said: String) {
        var recipe = recipe
        recipe.outputDirectory = folder.file(name)
        return try await ThreadedRun.carryOut(
            recipe, ranks: ranks, resolved: "a", stopping: stopping)
    }

    func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: folder.file(path)))
    }

    /// What a run came to: the tables, and the weights of all students.
    func outcome(_ name: String) throws -> [Data] {
        try [bytes("\(name)/comparison.md"), bytes("\(name)/student/model.safetensors")]
            + ["fine-tuned", "none", "teacher"].map {
                try bytes("\(name)/arms/\($0)/seed-0/student/model.safetensors")
            }
    }
}

@Suite struct PrimingRunTests {
    @Test func anyRanksAndStops() async throws {
        let sums = try PrimingCase()
        let first = try await sums.run("one", ranks: 1)
        #expect(first.isComplete && first.said.contains("chosen: "))
        let expected = try sums.outcome("one")
        #expect(Set(expected.dropFirst(2)).count == 3)
        #expect(try await sums.run("three", ranks: 3).isComplete)
        #expect(try sums.outcome("three") == expected)
        // Stopped in one stage after the other, on other ranks each time.
        var calls = 0
        while try await !sums.run("stops", ranks: 1 + calls % 3, stopping: 4).isComplete {
            calls += 1
            #expect(calls < 40)
            if calls >= 40 { return }
        }
        #expect(calls >= 3, "stopped \(calls) times")
        #expect(try sums.outcome("stops") == expected)
        #expect(try await sums.run("stops", ranks: 2).said.contains("all is done"))
    }

    /// With its own answers as targets; random ones, so that any is taken.
    @Test func texts() async throws {
        var sums = try PrimingCase()
        sums.recipe.method.priming.signal = .text
        sums.recipe.method.priming.correctOnly = false
        sums.recipe.method.priming.teacherTokens = 500
        sums.recipe.method.priming.teacherTemperature = 1
        sums.recipe.student.maximumLength = 160
        #expect(try await sums.run("one", ranks: 1).isComplete)
        #expect(try await sums.run("two", ranks: 2).isComplete)
        #expect(try sums.outcome("one") == sums.outcome("two"))
        // A random teacher is never right.
        sums.recipe.method.priming.correctOnly = true
        do {
            _ = try await sums.run("none", ranks: 1)
            Issue.record("learnt from nothing")
        } catch {
            #expect("\(error)".contains("can be learnt from"), "\(error)")
        }
    }

    @Test func severalSeeds() async throws {
        var sums = try PrimingCase()
        sums.recipe.method.priming.seeds = 2
        sums.recipe.method.priming.arms = [.none]
        sums.recipe.method.priming.judgesAnswers = false
        #expect(try await sums.run("one", ranks: 1).isComplete)
        let first = try sums.bytes("one/arms/none/seed-0/student/model.safetensors")
        #expect(try sums.bytes("one/arms/none/seed-1/student/model.safetensors") != first)
        let table = String(decoding: try sums.bytes("one/comparison.txt"), as: UTF8.self)
        #expect(!table.contains("right") && table.contains("nats a token"))
    }

    @Test func refusals() async throws {
        func message(_ change: (inout PrimingCase) throws -> Void) async throws -> String {
            var sums = try PrimingCase()
            try change(&sums)
            do {
                _ = try await sums.run("bad", ranks: 1)
                return "nothing"
            } catch {
                return "\(error)"
            }
        }
        let other = try await message { sums in
            let path = sums.folder.file("teacher/tokenizer.json")
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try Data(text.replacing("<|endoftext|>", with: "<|end|>").utf8)
                .write(to: URL(fileURLWithPath: path))
        }
        #expect(other.contains("vocabular"), "\(other)")
        let long = try await message { $0.recipe.student.maximumLength = 8 }
        #expect(long.contains("longer"), "\(long)")
        let custom = try await message { $0.recipe.method.priming.arms = [.custom] }
        #expect(custom.contains("method.prompts.custom"), "\(custom)")
        let share = try await message { $0.recipe.method.priming.validationRatio = 1 }
        #expect(share.contains("validation_ratio"), "\(share)")
        let alpha = try await message { $0.recipe.method.priming.loss.alpha = 2 }
        #expect(alpha.contains("alpha"), "\(alpha)")
    }
}
