// Whole Lion runs with a tiny decoder and recorded teachers: the same files on any number of ranks, after a
// stop at any edge, in several roles; what is counted; and the baseline.

import Foundation
import Methods
import TestSupport
import Testing
import Training

/// A folder with instructions, recorded replies of all roles, and runs.
private struct LionCase {
    let folder: TemporaryFolder
    var recipe = Recipe()

    init() throws {
        folder = try TemporaryFolder()
        try TinyLlama(seed: 1).write(to: folder.file("decoder"))
        let seeds = (0..<8).map { "s\($0)" }
        var numbers = SampleNumbers(seed: 2)
        func words(_ count: Int) -> String {
            (0..<count).map { _ in "w\(numbers.below(60))" }.joined(separator: " ")
        }
        func lines(_ names: [String]) -> String {
            names.map {
                "{\"id\": \"\($0)\", \"instruction\": \"do \(words(5))\", \"output\": \"w1\"}\n"
            }.joined()
        }
        try folder.write("pool.jsonl", lines(seeds))
        try folder.write("test.jsonl", lines(["t0", "t1", "t2"]))
        // Instructions that may come: 3 of each kind in each of two iterations.
        let made = (1...2).flatMap { iteration in
            (1...3).flatMap { ["hard-\(iteration).\($0)", "easy-\(iteration).\($0)"] }
        }
        var replies = ""
        func add(_ name: String, _ text: String, cut: Bool = false) {
            replies +=
                "{\"id\": \"\(name)\", \"text\": \"\(text)\""
                + (cut ? ", \"finish_reason\": \"length\"}\n" : "}\n")
        }
        for (index, name) in (seeds + made).enumerated() {
            for attempt in 0..<4 {
                add(attempt == 0 ? name : "\(name)#\(attempt)", words(3), cut: index == 5)
            }
            // Every second instruction is hard; some judgements come late, one never.
            let scores = index % 2 == 0 ? (9, 3) : (7, 7)
            for (order, pair) in [scores, (scores.1, scores.0)].enumerated() {
                for attempt in 0..<2 {
                    let isMute = index == 3 || index % 4 == 2 && attempt == 0
                    add(
                        "\(name):judge\(order + 1)" + (attempt == 0 ? "" : "#\(attempt)"),
                        isMute
                            ? "Both are fine."
                            : "So.\\nScore of answer 1: \(pair.0)\\nScore of answer 2: \(pair.1)")
                }
            }
            for kind in ["hard", "easy"] {
                for attempt in 0..<40 {
                    let text = attempt % 3 == 1 ? "too short" : "do \(words(6))"
                    add("\(name):\(kind)" + (attempt == 0 ? "" : "#\(attempt)"), text)
                }
            }
        }
        try folder.write("replies.jsonl", replies)
        recipe.name = "test"
        recipe.seed = 7
        recipe.data.pool = [folder.file("pool.jsonl")]
        recipe.data.test = [folder.file("test.jsonl")]
        recipe.data.textField = "instruction"
        recipe.data.labelField = "output"
        recipe.data.inputField = "input"
        recipe.teacher.kind = .recorded
        recipe.teacher.path = folder.file("replies.jsonl")
        recipe.student.model = folder.file("decoder")
        recipe.student.maximumLength = 96
        recipe.student.promptTemplate = "{{prompt}} >"
        recipe.method.name = .lion
        recipe.method.lion.iterations = 2
        recipe.method.lion.perKind = 3
        recipe.method.lion.reAsks = 1
        recipe.method.lion.decoding.student.maximumTokens = 4
        recipe.train.epochs = 2
        recipe.train.globalBatchSize = 4
        recipe.train.microBatches = 4
        recipe.train.learningRate = 1e-3
        recipe.checkpoint.saveSteps = 1
        recipe.evaluate.evaluationSteps = 0
        recipe.evaluate.maximumNewTokens = 4
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

    /// What a run left behind.
    func outcome(_ name: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        let data = folder.file("\(name)/data")
        for file in try FileManager.default.subpathsOfDirectory(atPath: data)
        where file.contains(".json") {
            files[file] = FileManager.default.contents(atPath: "\(data)/\(file)")
        }
        files["student"] = FileManager.default.contents(
            atPath: folder.file("\(name)/student/model.safetensors"))
        return files
    }

    func report(_ name: String) throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("\(name)/report.json")))
        return try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }
}

@Suite struct LionRunTests {
    private let usual: LionCase

    init() throws {
        usual = try LionCase()
    }

    @Test func theSameOnAnyRanks() async throws {
        let (isComplete, said) = try await usual.run("on 1", ranks: 1)
        #expect(isComplete && said.contains("student 2:") && said.contains("are hard"))
        let expected = try usual.outcome("on 1")
        // Three pools, lessons and figures; two of answers and verdicts; the student.
        #expect(expected.count == 14 && expected["student"]?.isEmpty == false)
        for ranks in 2...3 {
            try await usual.run("on \(ranks)", ranks: ranks)
            let files = try usual.outcome("on \(ranks)")
            #expect(files.keys == expected.keys)
            for (name, data) in expected { #expect(files[name] == data, "\(name), \(ranks) ranks") }
        }
        let again = try await usual.run("on 1", ranks: 2)
        #expect(again.isComplete && again.said.contains("all is done"))
    }

    @Test func whatIsCounted() async throws {
        try await usual.run("run", ranks: 2)
        let report = try usual.report("run")
        let students = try #require(report["per_student"] as? [[String: Any]])
        func number(_ student: Int, _ key: String) -> Double? {
            (students[student][key] as? NSNumber)?.doubleValue
        }
        #expect(students.count == 3)
        // s5's answer is cut; of the others s3 is never scored and s2, s6 are asked for again.
        #expect(number(0, "lessons") == 7 && number(0, "answers_cut") == 1)
        #expect(number(0, "judged") == 6 && number(0, "judge_left_out") == 1)
        #expect(number(0, "judge_requests") == 14 + 6 && number(0, "judge_unparsed") == 8)
        // s0, s2, s4, s6 of six.
        #expect(number(0, "hard") == 4 && number(0, "hard_share_of_read") == 4.0 / 6)
        #expect(number(0, "from_hard") == 3 && number(0, "from_easy") == 3)
        #expect(number(1, "lessons") == 6)
        let calls = (0..<3).compactMap { number($0, "calls") }.reduce(0, +)
        #expect((report["teacher_calls"] as? NSNumber)?.doubleValue == calls)
        #expect(number(2, "judged") == nil && number(2, "test_accuracy") != nil)
        // The Cache Pool is all lessons, the Train Pool the new ones.
        #expect(number(1, "cache") == 13)
    }

    @Test(arguments: [0, 1, 2, 3, 5, 6, 7, 9])
    func stoppedAnywhereAndResumed(edge: Int) async throws {
        try await usual.run("whole", ranks: 1)
        #expect(try await !usual.run("broken", ranks: 3, stopping: edge).isComplete)
        #expect(try await !usual.run("broken", ranks: 1, stopping: 1).isComplete)
        #expect(try await usual.run("broken", ranks: 2).isComplete)
        #expect(try usual.outcome("broken") == usual.outcome("whole"))
    }

    /// Each role has a teacher of its own: what the referee says comes from its file.
    @Test func rolesAreOthers() async throws {
        var run = usual
        let all = try String(contentsOfFile: run.folder.file("replies.jsonl"), encoding: .utf8)
            .split(separator: "\n").map(String.init)
        let parts: [(String, (String) -> Bool)] = [
            (
                "teacher",
                { !$0.contains(":judge") && !$0.contains(":hard") && !$0.contains(":easy") }
            ),
            ("referee", { $0.contains(":judge") }),
            ("generator", { $0.contains(":hard") || $0.contains(":easy") }),
        ]
        for (name, belongs) in parts {
            try run.folder.write(
                "\(name).jsonl", all.filter(belongs).joined(separator: "\n") + "\n")
        }
        func role(_ name: String) -> Recipe.TeacherOptions {
            var role = run.recipe.teacher
            role.path = run.folder.file("\(name).jsonl")
            return role
        }
        try await run.run("one", ranks: 1)
        run.recipe.teacher = role("teacher")
        let lacking = run
        // The teacher alone has no judgements.
        await #expect(throws: (any Error).self) { try await lacking.run("lacking", ranks: 1) }
        run.recipe.method.lion.referee = role("referee")
        run.recipe.method.lion.generator = role("generator")
        try await run.run("three", ranks: 2)
        #expect(try run.outcome("three") == run.outcome("one"))
    }

    @Test func aPartOfTheCachePoolIsJudged() async throws {
        var run = usual
        run.recipe.method.lion.judgeLimit = 4
        for ranks in [1, 2] { try await run.run("on \(ranks)", ranks: ranks) }
        #expect(try run.outcome("on 1") == run.outcome("on 2"))
        let students = try #require(run.report("on 1")["per_student"] as? [[String: Any]])
        let judged = try #require(students[1]["judged"] as? Int)
        let leftOut = try #require(students[1]["judge_left_out"] as? Int)
        #expect(judged + leftOut == 4)
    }

    @Test func imitationAlone() async throws {
        var run = usual
        run.recipe.method.lion.arm = .imitation
        run.recipe.method.lion.calls = 20
        for ranks in [1, 3] { try await run.run("on \(ranks)", ranks: ranks) }
        #expect(try run.outcome("on 1") == run.outcome("on 3"))
        let report = try run.report("on 1")
        #expect(report["teacher_calls"] as? Int == 20 && report["students"] as? Int == 1)
        // s5 is cut in each of three rounds over eight instructions but the last.
        #expect(report["lessons"] as? Int == 18)
    }

    @Test func withoutAnAnswerNothingIsLearnt() async throws {
        let run = usual
        try run.folder.write(
            "replies.jsonl",
            (0..<8).map {
                "{\"id\": \"s\($0)\", \"text\": \"w1\", \"finish_reason\": \"length\"}\n"
            }.joined())
        let error = await #expect(throws: MethodError.self) { try await run.run("run", ranks: 2) }
        #expect(error?.code == .unusableLabels)
    }
}
