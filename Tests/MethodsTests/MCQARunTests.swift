// Whole runs of few-shot multiple choice with a tiny encoder: items written and scored by a recorded teacher or
// given with recorded scores; the same files on any number of ranks and after a stop at any edge.

import Foundation
import TestSupport
import Testing
import Training

@testable import Methods

/// A folder with examples, a test, a recorded teacher and runs.
private struct MCQACase {
    let folder: TemporaryFolder
    var recipe = Recipe()

    static let subjects = ["red", "green"]

    init() throws {
        folder = try TemporaryFolder()
        try TinyBert(seed: 1, width: 32, labels: [], isBare: true).write(
            to: folder.file("encoder"))
        var numbers = SampleNumbers(seed: 4)
        try folder.write("examples.jsonl", Self.lines(5, "dev", &numbers))
        try folder.write("test.jsonl", Self.lines(12, "test", &numbers))
        try folder.write("items.jsonl", Self.lines(40, "item", &numbers))
        try folder.write("answers.jsonl", Self.recorded(&numbers))
        recipe.name = "test"
        recipe.seed = 7
        recipe.data.pool = [folder.file("examples.jsonl")]
        recipe.data.test = [folder.file("test.jsonl")]
        recipe.teacher.kind = .recorded
        recipe.teacher.path = folder.file("answers.jsonl")
        recipe.student.model = folder.file("encoder")
        recipe.student.maximumLength = 20
        recipe.method.name = .mcqa
        recipe.method.mcqa.generation = .both
        recipe.method.mcqa.perSubject = 6
        recipe.method.mcqa.attempts = 3
        recipe.method.mcqa.choices = 3
        recipe.method.mcqa.students = [.soft, .hard, .fewShot]
        recipe.method.mcqa.temperature = 2
        recipe.method.mcqa.hardWeight = 0.25
        recipe.train.epochs = 2
        recipe.train.globalBatchSize = 8
        recipe.train.microBatches = 4
        recipe.train.learningRate = 5e-4
        recipe.checkpoint.saveSteps = 2
    }

    /// A question in the words that the encoder knows; its answer is the animal that it names.
    private static func item(
        _ subject: String, _ name: String, _ numbers: inout SampleNumbers
    ) -> (question: String, choices: [String], answer: Int) {
        let animals = ["cat", "dog", "bird"]
        let answer = numbers.below(3)
        let words = (0..<3).map { _ in TinyBert.words[6 + numbers.below(10)] }
        return (
            "the \(subject) \(animals[answer]) \(words.joined(separator: " ")) \(name)", animals,
            answer
        )
    }

    private static func lines(
        _ count: Int, _ name: String, _ numbers: inout SampleNumbers
    ) -> String {
        var lines = ""
        for subject in subjects {
            for index in 0..<count {
                let item = item(subject, "\(name) \(index)", &numbers)
                lines +=
                    "{\"id\": \"\(subject)/\(name)\(index)\", \"subject\": \"\(subject)\", \"question\": "
                    + "\"\(item.question)\", \"choices\": [\"cat\", \"dog\", \"bird\"], \"answer\": "
                    + "\(item.answer)}\n"
            }
        }
        return lines
    }

    /// Texts for both ways, scores for what is made of them, and for the given items and the test.
    private static func recorded(_ numbers: inout SampleNumbers) -> String {
        var lines = ""
        func scores(_ id: String) {
            let weights = (0..<3).map { _ in 0.1 + Double(numbers.below(100)) / 100 }
            let sum = weights.reduce(0, +)
            let shares = weights.map { "\($0 / sum)" }.joined(separator: ", ")
            lines += "{\"id\": \"\(id)\", \"choice_probabilities\": [\(shares)]}\n"
        }
        func text(_ id: String, _ attempt: Int, _ text: String) {
            let words = text.replacingOccurrences(of: "\"", with: "\\\"")
            let name = attempt == 0 ? id : "\(id)#\(attempt)"
            lines += "{\"id\": \"\(name)\", \"text\": \"\(words)\"}\n"
        }
        for subject in subjects {
            for attempt in 0..<18 {
                let item = item(subject, "new \(attempt)", &numbers)
                let json =
                    "{\"question\": \"\(item.question)\", \"choices\": [\"cat\", \"dog\", \"bird\"], "
                    + "\"answer\": \"\(["A", "B", "C"][item.answer])\"}"
                text("direct/\(subject)", attempt, attempt % 5 == 1 ? "Sorry." : json)
                let other = Self.item(subject, "other \(attempt)", &numbers)
                text("question/\(subject)", attempt, other.question)
                text("answer/\(subject)", attempt, other.choices[other.answer])
                let wrong = other.choices.indices.filter { $0 != other.answer }
                    .map { other.choices[$0] }
                text(
                    "distractors/\(subject)", attempt,
                    attempt % 6 == 2 ? "\(wrong[0])\\n\(wrong[0])" : wrong.joined(separator: "\\n"))
                scores("\(subject)/direct-\(attempt)")
                scores("\(subject)/decomposed-\(attempt)")
            }
            for index in 0..<40 where index != 3 { scores("\(subject)/item\(index)") }
            for index in 0..<12 { scores("\(subject)/test\(index)") }
        }
        return lines
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
        for student in ["student", "student/red", "student/green"] {
            files[student] = FileManager.default.contents(
                atPath: folder.file("\(name)/\(student)/model.safetensors"))
        }
        return files
    }

    func number(_ key: String, _ name: String) throws -> Double? {
        try FinishedReport(folder: RunFolder(path: folder.file(name))).number(key)
    }

    func scored(_ name: String) throws -> [ScoredItem] {
        try ItemFile.read(folder.file("\(name)/data/scored.jsonl"), as: ScoredItem.self) ?? []
    }
}

@Suite struct MCQARunTests {
    private let usual: MCQACase

    init() throws {
        usual = try MCQACase()
    }

    @Test func theSameOnAnyRanks() async throws {
        let (isComplete, said) = try await usual.run("on 1", ranks: 1)
        #expect(isComplete && said.contains("calls per accepted item"), "\(said)")
        let expected = try usual.outcome("on 1")
        // Items and counts of two ways, scores and their counts, three students' answers, the weights.
        #expect(expected.count == 10 && expected["student"] != nil, "\(expected.keys.sorted())")
        let items = try usual.scored("on 1")
        #expect(items.count == 24)
        #expect(try usual.number("items", "on 1") == 24)
        #expect(Set(items.map(\.id)).count == 24)
        for ranks in 2...3 {
            try await usual.run("on \(ranks)", ranks: ranks)
            #expect(try usual.outcome("on \(ranks)") == expected, "\(ranks) ranks")
        }
        let again = try await usual.run("on 1", ranks: 2)
        #expect(again.isComplete && again.said.contains("all is done"))
    }

    @Test(arguments: [0, 1, 2, 4, 5, 7, 9])
    func stoppedAnywhereAndResumed(edge: Int) async throws {
        try await usual.run("whole", ranks: 1)
        #expect(try await !usual.run("broken", ranks: 3, stopping: edge).isComplete)
        _ = try await usual.run("broken", ranks: 1, stopping: 2)
        #expect(try await usual.run("broken", ranks: 2).isComplete)
        #expect(try usual.outcome("broken") == usual.outcome("whole"))
    }

    /// Given items and recorded scores: cut into training and test by their words.
    @Test func givenItemsAreDivided() async throws {
        var run = usual
        run.recipe.method.mcqa.generation = .none
        run.recipe.method.mcqa.items = [run.folder.file("items.jsonl")]
        run.recipe.data.test = []
        run.recipe.method.mcqa.testRatio = 0.3
        run.recipe.method.mcqa.students = [.soft]
        try await run.run("run", ranks: 2)
        let data = try MCQAData(run.recipe)
        #expect(data.items.count + data.test.count + data.overlapping.items == 80)
        #expect((10...38).contains(data.test.count))
        let tested = Set(data.test.map { OverlapGate.key($0) })
        #expect(!data.items.contains { tested.contains(OverlapGate.key($0)) })
        // One item of each subject has no recorded scores.
        let missing = data.items.count { $0.id.hasSuffix("/item3") }
        #expect(try run.number("unscored", "run") == Double(missing))
        #expect(try run.scored("run").count == data.items.count - missing)
        #expect(try run.number("teacher_accuracy", "run") != nil)
        // The same items under other ids and in another order lie on the same sides.
        let text = try String(contentsOfFile: run.folder.file("items.jsonl"), encoding: .utf8)
        let renamed = text.split(separator: "\n").reversed()
            .map { $0.replacingOccurrences(of: "/item", with: "/other") + "\n" }.joined()
        try run.folder.write("renamed.jsonl", renamed)
        run.recipe.method.mcqa.items = [run.folder.file("renamed.jsonl")]
        let other = try MCQAData(run.recipe)
        #expect(Set(other.test.map(\.question)) == Set(data.test.map(\.question)))
    }

    @Test func aStudentForEachSubject() async throws {
        var run = usual
        run.recipe.method.mcqa.isJoint = false
        run.recipe.method.mcqa.students = [.soft, .fewShot]
        for ranks in [1, 3] { try await run.run("on \(ranks)", ranks: ranks) }
        let files = try run.outcome("on 1")
        #expect(try run.outcome("on 3") == files)
        #expect(files["student"] == nil && files["student/red"] != nil)
        #expect(files["student/red"] != files["student/green"])
        #expect(
            files["answers-soft-red.jsonl"] != nil && files["answers-few_shot-green.jsonl"] != nil)
        #expect(try run.number("test_size", "on 1") == 24)
    }

    /// Another loss is another student; the scores stay.
    @Test func theLossDecides() async throws {
        try await usual.run("mixed", ranks: 1)
        var run = usual
        run.recipe.method.mcqa.hardWeight = 0
        try await run.run("pure", ranks: 1)
        let (mixed, pure) = (try usual.outcome("mixed"), try run.outcome("pure"))
        #expect(mixed["scored.jsonl"] == pure["scored.jsonl"])
        #expect(mixed["answers-soft.jsonl"] != pure["answers-soft.jsonl"])
        #expect(mixed["answers-hard.jsonl"] == pure["answers-hard.jsonl"])
        run.recipe.method.mcqa.hardLabel = .teacher
        try await run.run("teacher", ranks: 1)
        #expect(try run.outcome("teacher")["answers-hard.jsonl"] != pure["answers-hard.jsonl"])
    }

    @Test func whatCannotBeIsRefused() async throws {
        var run = usual
        try run.folder.write(
            "strange.jsonl", "{\"id\": \"red/item1\", \"choice_probabilities\": [0.5, 0.5]}\n")
        run.recipe.teacher.path = run.folder.file("strange.jsonl")
        run.recipe.method.mcqa.generation = .none
        run.recipe.method.mcqa.items = [run.folder.file("items.jsonl")]
        let wrong = run
        await #expect(throws: MethodError.self) { try await wrong.run("run", ranks: 2) }
        run.recipe.method.mcqa.subjects = ["blue"]
        let none = run
        await #expect(throws: MethodError.self) { try await none.run("none", ranks: 1) }
    }
}
