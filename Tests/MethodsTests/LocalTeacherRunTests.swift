// Runs with a decoder in the process as teacher: labelling, and texts, the same on any number of ranks.

import Collectives
import Foundation
import Methods
import Teacher
import TensorCore
import TestSupport
import Testing

private let stories = "data/stories260k"

@Suite struct LocalTeacherRunTests {
    /// Asks over ranks on threads of their own, as a command's ranks would.
    private func onRanks<Value: Sendable>(
        _ ranks: Int, _ body: @escaping @Sendable (Communicator) throws -> Value
    ) async throws -> [Value] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try ThreadWorld.run(ranks: ranks, body) })
            }
        }
    }

    private static func requests(_ count: Int) -> [TextRequest] {
        (0..<count).map {
            TextRequest(
                id: "q\($0)", messages: [.init(.user, "the cat \($0 % 9) in")],
                sampling: .init(temperature: 0.8, seed: 2), maximumTokens: 10)
        }
    }

    private func ask(
        _ recipe: Recipe, ranks: Int, stops: Bool = false
    ) async throws -> [([TextAnswer], TextFigures)] {
        let sent = SentRecipe(recipe: recipe)
        return try await onRanks(ranks) { communicator in
            let teacher = try TextTeacher(
                sent.recipe, folder: RunFolder(path: sent.recipe.outputDirectory),
                communicator: communicator, compute: Compute(threads: 1),
                console: RunConsole(
                    isLeader: communicator.rank == 0, isTerminal: false, write: { _ in },
                    warn: { _ in }), isStopRequested: { stops })
            let first = try teacher.answers(to: Self.requests(20))
            let second = try teacher.answers(to: Self.requests(24))
            #expect(Array(second[..<20]) == first)
            return (second, teacher.figures)
        }
    }

    private struct SentRecipe: @unchecked Sendable {
        let recipe: Recipe
    }

    @Test func textsAreTheSameOnAnyRanksAndAskedOnce() async throws {
        let folder = try TemporaryFolder()
        try TinyLlama(isChat: true).write(to: folder.file("model"))
        var recipe = Recipe()
        recipe.teacher.kind = .local
        recipe.teacher.model = folder.file("model")
        var found: [[TextAnswer]] = []
        for ranks in [1, 3] {
            recipe.outputDirectory = folder.file("run\(ranks)")
            let results = try await ask(recipe, ranks: ranks)
            for (answers, figures) in results {
                found.append(answers)
                // 9 different questions, asked once.
                #expect((figures.wanted, figures.cached, figures.requests) == (44, 35, 9))
                #expect(figures.failed == 0 && figures.completionTokens > 9)
            }
            // Another process finds everything.
            let again = try await ask(recipe, ranks: 2)
            #expect(again.allSatisfy { $0.0 == results[0].0 && $0.1.requests == 0 })
        }
        #expect(found.allSatisfy { $0 == found[0] })
        #expect(Set(found[0]).count > 5)
        // And so does a recorded teacher, of its ledgers.
        recipe.teacher.kind = .recorded
        recipe.teacher.path = folder.file("run3/labels")
        recipe.outputDirectory = folder.file("replay")
        #expect(try await ask(recipe, ranks: 2)[1].0 == found[0])
    }

    @Test func aSignalEndsItOnAllRanks() async throws {
        let folder = try TemporaryFolder()
        try TinyLlama().write(to: folder.file("model"))
        var recipe = Recipe()
        recipe.teacher.kind = .local
        recipe.teacher.model = folder.file("model")
        recipe.outputDirectory = folder.file("run")
        let stopping = recipe
        await #expect(throws: (any Error).self) {
            try await ask(stopping, ranks: 2, stops: true)
        }
        #expect(try await ask(recipe, ranks: 2)[0].0.count == 24)
    }

    /// A silly teacher, but a trained one, and the whole way from texts to a student.
    @Test(
        .enabled(if: SharedData.has("\(stories)/model.safetensors"), "no stories260k in ../shared"))
    func aRunLearnsFromADecodersLabels() async throws {
        var world = try RunCase()
        world.recipe.teacher.kind = .local
        world.recipe.teacher.model = SharedData.path(stories)
        world.recipe.teacher.labels = RunCase.labels
        world.recipe.teacher.task.minimumLabelMass = 0
        for ranks in [1, 2] { try await world.run("run\(ranks)", ranks: ranks) }
        let outcome = try world.outcome("run1")
        #expect(try world.outcome("run2") == outcome)
        #expect(outcome.report["labels_asked"] == "60")
        #expect(outcome.student.count == 3)
    }
}
