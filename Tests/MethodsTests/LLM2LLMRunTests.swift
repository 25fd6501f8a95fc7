// Whole LLM2LLM runs with a tiny classifier: the same files on any number of ranks, after a stop at any
// edge, with every source of new items; a recorded teacher, and what a run says of itself.

import Foundation
import Methods
import TestSupport
import Testing
import Training

/// A folder with seeds, a pool, a recorded teacher and runs.
private struct LLM2LLMCase {
    let folder: TemporaryFolder
    var recipe = Recipe()

    static let labels = ["cat", "dog", "bird"]

    init() throws {
        folder = try TemporaryFolder()
        try TinyBert(seed: 1, width: 32, labels: [], isBare: true).write(
            to: folder.file("encoder"))
        let seeds = Self.sentences(12, seed: 2)
        try folder.write("seeds.jsonl", Self.lines(seeds))
        try folder.write("test.jsonl", Self.lines(Self.sentences(20, seed: 3)))
        try folder.write("pool.jsonl", Self.lines(Self.sentences(60, seed: 4)))
        // Replies to the first attempts of each round: one in five has no form.
        var replies = ""
        for (index, seed) in seeds.enumerated() {
            for attempt in 0..<12 {
                let text = Self.sentences(1, seed: UInt64(100 + 20 * index + attempt))[0].text
                let reply =
                    (index + attempt) % 5 == 0
                    ? "Sorry." : "1. Question: \(text)\\nAnswer: \(Self.labels[seed.label])"
                let id = attempt == 0 ? seed.id : "\(seed.id)#\(attempt)"
                replies += "{\"id\": \"\(id)\", \"text\": \"\(reply)\"}\n"
            }
        }
        try folder.write("replies.jsonl", replies)
        recipe.name = "test"
        recipe.seed = 7
        recipe.data.pool = [folder.file("seeds.jsonl")]
        recipe.data.test = [folder.file("test.jsonl")]
        recipe.teacher.kind = .recorded
        recipe.teacher.path = folder.file("replies.jsonl")
        recipe.student.model = folder.file("encoder")
        recipe.student.maximumLength = 16
        recipe.method.name = .llm2llm
        recipe.method.llm2llm.task = .classification
        recipe.method.llm2llm.rounds = 3
        recipe.method.llm2llm.attempts = 4
        recipe.method.llm2llm.similarity = 0.99
        recipe.method.llm2llm.pool = [folder.file("pool.jsonl")]
        recipe.train.epochs = 2
        recipe.train.globalBatchSize = 8
        recipe.train.microBatches = 4
        recipe.train.learningRate = 5e-4
        recipe.checkpoint.saveSteps = 2
        recipe.evaluate.evaluationSteps = 0
    }

    private static func sentences(
        _ count: Int, seed: UInt64
    ) -> [(id: String, text: String, label: Int)] {
        var numbers = SampleNumbers(seed: seed)
        return (0..<count).map { index in
            let label = numbers.below(3)
            let words = TinyBert.words
            let text =
                "the \(words[numbers.below(3)]) \(labels[label]) \(words[6 + numbers.below(4)]) "
                + "\(words[13 + numbers.below(4)]) \(seed) \(index)"
            return ("\(seed)-\(index)", text, label)
        }
    }

    private static func lines(_ sentences: [(id: String, text: String, label: Int)]) -> String {
        sentences.map {
            "{\"id\": \"\($0.id)\", \"text\": \"\($0.text)\", \"label\": \"\(labels[$0.label])\"}\n"
        }.joined()
    }

    /// Carries the run out, on threads.
    @discardableResult
    func run(
        _ name: String, ranks: Int, stopping: Int? = nil, resume: ResumePoint = .automatic
    ) async throws -> (isComplete: Bool, said: String) {
        var recipe = recipe
        recipe.outputDirectory = folder.file(name)
        return try await ThreadedRun.carryOut(
            recipe, ranks: ranks, stopping: stopping, resume: resume)
    }

    /// What a run left behind, without what depends on the clock or the rank count.
    func outcome(_ name: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        let data = folder.file("\(name)/data")
        for file in try FileManager.default.contentsOfDirectory(atPath: data) {
            files[file] = FileManager.default.contents(atPath: "\(data)/\(file)")
        }
        files["student"] = FileManager.default.contents(
            atPath: folder.file("\(name)/student/model.safetensors"))
        return files
    }

    func number(_ key: String, _ name: String) throws -> Double? {
        try FinishedReport(folder: RunFolder(path: folder.file(name))).number(key)
    }
}

@Suite struct LLM2LLMRunTests {
    private let usual: LLM2LLMCase

    init() throws {
        usual = try LLM2LLMCase()
    }

    @Test func theSameOnAnyRanks() async throws {
        let (isComplete, said) = try await usual.run("on 1", ranks: 1)
        #expect(isComplete && said.contains("round 2:") && said.contains("wrong seeds"))
        let expected = try usual.outcome("on 1")
        // Items and figures of three rounds, and the student.
        #expect(expected.count == 7 && expected["student"] != nil)
        let items = try #require(try usual.number("items", "on 1"))
        #expect(items > 12)
        #expect(try usual.number("seeds", "on 1") == 12)
        #expect(try usual.number("teacher_calls", "on 1") ?? 0 > items - 12)
        for ranks in 2...3 {
            try await usual.run("on \(ranks)", ranks: ranks)
            #expect(try usual.outcome("on \(ranks)") == expected, "\(ranks) ranks")
        }
        let again = try await usual.run("on 1", ranks: 2)
        #expect(again.isComplete && again.said.contains("all is done"))
    }

    @Test(arguments: [0, 1, 3, 4, 6, 8, 10])
    func stoppedAnywhereAndResumed(edge: Int) async throws {
        try await usual.run("whole", ranks: 1)
        #expect(try await !usual.run("broken", ranks: 3, stopping: edge).isComplete)
        #expect(try await !usual.run("broken", ranks: 1, stopping: 2).isComplete)
        #expect(try await usual.run("broken", ranks: 2).isComplete)
        #expect(try usual.outcome("broken") == usual.outcome("whole"))
        #expect(
            try usual.number("teacher_calls", "broken") == usual.number("teacher_calls", "whole"))
    }

    @Test(arguments: Recipe.LLM2LLMOptions.Augmentation.allCases)
    func everySourceOfItems(source: Recipe.LLM2LLMOptions.Augmentation) async throws {
        var run = usual
        run.recipe.method.llm2llm.augmentation = source
        run.recipe.method.llm2llm.additions = source == .eda ? 2 : 9
        run.recipe.method.llm2llm.edits = [.swap, .deletion]
        run.recipe.method.llm2llm.editShare = 0.3
        run.recipe.method.llm2llm.calls = 20
        for ranks in [1, 3] { try await run.run("on \(ranks)", ranks: ranks) }
        #expect(try run.outcome("on 1") == run.outcome("on 3"))
        let items = try #require(try run.number("items", "on 1"))
        switch source {
        case .none: #expect(items == 12)
        case .eda: #expect((20...36).contains(items))
        case .random: #expect(items == 21)
        case .bulk: #expect((22...32).contains(items))
        case .nearest, .llm2llm: #expect(items > 12)
        }
        #expect(try run.number("rounds", "on 1") == (source.hasRounds ? 3 : 1))
    }

    @Test func anEncoderGivesLabelsAlone() async throws {
        var run = usual
        run.recipe.method.llm2llm.task = .choice
        run.recipe.method.llm2llm.choices = ["a", "b"]
        let wrong = run
        await #expect(throws: (any Error).self) { try await wrong.run("run", ranks: 1) }
    }

    @Test func anotherRunsFolderIsRefusedOrBegunAgain() async throws {
        try await usual.run("run", ranks: 1)
        var other = usual
        try other.folder.write(
            "replies.jsonl", "{\"id\": \"nobody\", \"text\": \"x\"}\n")
        let foreign = other
        let error = await #expect(throws: MethodError.self) {
            try await foreign.run("run", ranks: 2)
        }
        #expect(error?.code == .unusableFolder)
        other.recipe.method.llm2llm.augmentation = .none
        #expect(try await other.run("run", ranks: 2, resume: .never).isComplete)
        #expect(try other.number("items", "run") == 12)
        #expect(try other.outcome("run").count == 3)
    }
}
