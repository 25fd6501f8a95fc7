// What a plan finds before anything is asked: files that aren't there, folders, caps, answers never recorded.

import Foundation
import Teacher
import TestSupport
import Testing

@testable import Methods

@Suite struct LabellingChecksTests {
    private let world: RunCase

    init() throws { world = try RunCase() }

    private func plan(_ change: (inout Recipe) throws -> Void) throws -> String {
        var recipe = world.recipe
        recipe.outputDirectory = world.folder.file("planned")
        try change(&recipe)
        return try RunPlan(recipe, ranks: 1).text
    }

    @Test func answersThatWereNeverRecorded() async throws {
        #expect(
            try plan {
                $0.teacher.kind = .recorded
                $0.teacher.path = world.folder.file("answers.jsonl")
            }.contains("60 to ask"))
        let lines = try String(contentsOfFile: world.folder.file("answers.jsonl"), encoding: .utf8)
        let few = lines.split(separator: "\n").dropLast(7).joined(separator: "\n")
        let path = try world.folder.write("few.jsonl", few)
        let error = #expect(throws: TeacherError.self) {
            try plan {
                $0.teacher.kind = .recorded
                $0.teacher.path = path
            }
        }
        #expect(error?.message.contains("no answer is recorded for 7 of 60 records") == true)
    }

    @Test func foldersThatCannotBeWritten() async throws {
        let file = try world.folder.write("a-file", "x")
        let error = #expect(throws: MethodError.self) {
            try plan { $0.outputDirectory = "\(file)/runs/x" }
        }
        #expect(error?.code == .unusableFolder && error?.message.contains("is a file") == true)
        try LabellingChecks.checkFolder(world.folder.file("not/there/yet"))
        #expect(!FileManager.default.fileExists(atPath: world.folder.file("not")))
    }

    @Test func goldTextsThatAreNotThere() async throws {
        #expect(throws: (any Error).self) {
            try plan { $0.teacher.calibration = [world.folder.file("absent.jsonl")] }
        }
    }

    @Test func capsThatWillBeMet() {
        var spent = LedgerTotals()
        spent.responses = 10
        spent.chargedTokens = 500
        func lines(_ change: (inout Recipe.BudgetOptions) -> Void) -> [String] {
            var budget = Recipe.BudgetOptions()
            change(&budget)
            return LabellingChecks.budget(
                budget, spent: spent, likely: (micro: nil, tokens: 1000, requests: 20))
        }
        #expect(lines { _ in }.isEmpty)
        #expect(lines { $0.requests = 30 }.isEmpty && lines { $0.tokens = 1500 }.isEmpty)
        #expect(lines { $0.usd = 0 }.isEmpty)
        #expect(lines { $0.requests = 29 } == ["requests 29 will be reached before the end"])
        #expect(
            lines { $0.tokens = 0 } == [
                "tokens 0 is spent already: nothing can be asked until it is raised"
            ])
    }
}
