// Whole runs: the same figures, metrics and student on any number of ranks, after a stop, with labels of
// another rank count; and folders that are another run's.

import Foundation
import Methods
import TestSupport
import Testing
import Training

@Suite struct DistillationRunTests {
    private let usual: RunCase

    init() throws {
        usual = try RunCase()
    }

    @Test(arguments: ["encoder", "recorded"])
    func anyRankCount(teacher: String) async throws {
        var run = usual
        if teacher == "recorded" { run.useRecording() }
        #expect(try await run.run("on 1", ranks: 1).isComplete)
        let expected = try run.outcome("on 1")
        // Enough is kept for every step to matter.
        let updates = try #require(try run.number("updates", "on 1"))
        #expect(updates >= 10)
        #expect(expected.report["steps"] == "16" && expected.metrics.count == 16 + 4)
        #expect(try run.number("student_accuracy", "on 1") != nil)
        let asked = teacher == "encoder" ? 80 : 60
        #expect(try run.number("labels_asked", "on 1") == Double(asked))
        for ranks in 2...4 {
            #expect(try await run.run("on \(ranks)", ranks: ranks).isComplete)
            let outcome = try run.outcome("on \(ranks)")
            #expect(outcome.report == expected.report, "\(ranks) ranks")
            #expect(outcome.metrics == expected.metrics, "\(ranks) ranks")
            #expect(outcome.student == expected.student, "\(ranks) ranks")
        }
    }

    @Test(arguments: SelectionRule.allCases)
    func everyRule(rule: SelectionRule) async throws {
        var run = usual
        run.useRecording()
        run.recipe.method.selection.rule = rule
        run.recipe.method.selection.randomRatio = 0.4
        run.recipe.method.target = .soft
        run.recipe.method.temperature = 2
        for ranks in [1, 3] { try await run.run("on \(ranks)", ranks: ranks) }
        #expect(try run.outcome("on 1") == run.outcome("on 3"))
        let visits = try #require(try run.number("sample_visits", "on 1"))
        #expect(visits > 0 && (visits == 120) == (rule == .all))
    }

    @Test func aSecondCallSaysDone() async throws {
        try await usual.run("run", ranks: 2)
        let before = try Data(
            contentsOf: URL(fileURLWithPath: usual.folder.file("run/report.json")))
        let again = try await usual.run("run", ranks: 3)
        #expect(again.isComplete && again.said.contains("all is done"))
        #expect(again.said.contains("student accuracy"))
        let after = try Data(
            contentsOf: URL(fileURLWithPath: usual.folder.file("run/report.json")))
        #expect(before == after)
    }

    @Test(arguments: [0, 1, 4, 5, 9, 15])
    func stoppedAndResumedOnOtherRanks(step: Int) async throws {
        var run = usual
        run.useRecording()
        try await run.run("unbroken", ranks: 1)
        let first = try await run.run("broken", ranks: 3, stopping: step)
        #expect(!first.isComplete && first.said.contains("stopped after step \(step)"))
        let second = try await run.run("broken", ranks: 2)
        #expect(second.isComplete)
        let (ours, theirs) = try (run.outcome("broken"), run.outcome("unbroken"))
        #expect(ours.report["labels_asked"] == "0" && ours.report["labels_cached"] == "60")
        #expect(ours.withoutLabelCounts.report == theirs.withoutLabelCounts.report)
        #expect(ours.metrics == theirs.metrics)
        #expect(ours.student == theirs.student)
    }

    @Test func labelsOfAnotherRankCountAreUsed() async throws {
        try await usual.run("run", ranks: 3, labelsOnly: true)
        #expect(try await usual.run("run", ranks: 2).isComplete)
        #expect(try usual.number("labels_asked", "run") == 0)
        #expect(try usual.number("labels_cached", "run") == 80)
        try await usual.run("apart", ranks: 1)
        #expect(
            try usual.outcome("run").withoutLabelCounts
                == usual.outcome("apart").withoutLabelCounts)
    }

    // MARK: - Folders

    private func expectRefused(
        _ run: RunCase, ranks: Int = 2, _ place: SourceLocation = #_sourceLocation
    ) async {
        let error = await #expect(throws: MethodError.self, sourceLocation: place) {
            try await run.run("run", ranks: ranks)
        }
        #expect(error?.code == .unusableFolder, sourceLocation: place)
    }

    @Test func anotherRecipesFolder() async throws {
        try await usual.run("run", ranks: 1, stopping: 2)
        var other = usual
        other.resolvedRecipe = "seed: 8\n"
        await expectRefused(other)
    }

    @Test(arguments: ["pool", "test"])
    func otherTexts(set: String) async throws {
        try await usual.run("run", ranks: 1)
        let path = usual.folder.file("\(set).jsonl")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try usual.folder.write(
            "\(set).jsonl", text.replacingOccurrences(of: "the red", with: "a red"))
        await expectRefused(usual)
    }

    /// Gold labels decide the figures: with others the folder isn't done.
    @Test func otherGoldLabels() async throws {
        try await usual.run("run", ranks: 1)
        let path = usual.folder.file("test.jsonl")
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try usual.folder.write(
            "test.jsonl",
            text.replacingOccurrences(of: "\"label\": \"cat\"", with: "\"label\": \"dog\""))
        await expectRefused(usual)
    }

    @Test func notARunsStatus() async throws {
        try FileManager.default.createDirectory(
            atPath: usual.folder.file("run"), withIntermediateDirectories: true)
        try usual.folder.write("run/run.json", "[]")
        await expectRefused(usual)
    }

    /// Begun again on request: what another recipe's run left doesn't come back at the next call.
    @Test func begunAgainOverAnotherRun() async throws {
        var run = usual
        run.useRecording()
        try await run.run("run", ranks: 2)
        run.resolvedRecipe = "seed: 9\n"
        run.recipe.seed = 9
        let begun = try await run.run("run", ranks: 2, resume: .never, stopping: 3)
        #expect(!begun.isComplete)
        #expect(try await run.run("run", ranks: 3).isComplete)
        try await run.run("apart", ranks: 1)
        let (ours, theirs) = try (run.outcome("run"), run.outcome("apart"))
        #expect(ours.withoutLabelCounts == theirs.withoutLabelCounts)
    }
}
