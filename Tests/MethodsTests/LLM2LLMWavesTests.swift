// Waves of requests, answered by the tutor in this process: what is taken, what is turned away and why,
// and that nothing depends on anything but the seeds.

import Corpus
import Foundation
import Teacher
import TestSupport
import Testing

@testable import Methods
@testable import teacher_double

/// The tutor as a teacher, with a count of what it was asked.
private final class TutorAtHand {
    private(set) var requests: [TextRequest] = []
    private let tutor: Tutor
    private let solver: Tutor

    /// - Parameter solverErrors: How often it errs when it answers instead of writing.
    init(errors: Double = 0, repeats: Double = 0, breaks: Double = 0, solverErrors: Double = 0) {
        func made(_ errors: Double) -> Tutor {
            var options = TutorOptions()
            options.tutorErrors = errors
            options.tutorRepeats = repeats
            options.tutorBreaks = breaks
            options.tutorLaconic = false
            return Tutor(options: options, seed: 4)
        }
        tutor = made(errors)
        solver = made(solverErrors)
    }

    func answers(to requests: [TextRequest]) -> [TextAnswer] {
        self.requests += requests
        return requests.map { request in
            let message = request.messages[request.messages.count - 1].content
            let bytes = Array("\(request.messages) \(request.attempt)".utf8)
            let key = bytes.withUnsafeBytes { Hash.bytes($0) }
            let tutor = message.contains("Question:") ? tutor : solver
            return .text(
                tutor.reply(to: message, request: key, choice: 0), finishReason: "stop")
        }
    }
}

@Suite struct LLM2LLMWavesTests {
    private let seeds: [WantedSeed]

    init() throws {
        let lines = TutorFiles.problems(.examination, count: 24, seed: 3)
        let folder = try TemporaryFolder()
        try folder.write("seeds.jsonl", lines)
        let corpus = try Corpus.read(
            CorpusSource(
                paths: [folder.file("seeds.jsonl")], textField: "question", labelField: "answer"))
        seeds = try corpus.records.map {
            WantedSeed(item: try LLM2LLMTaskTests.numeric.item($0), said: "#### 1")
        }
    }

    private func waves(
        _ tutor: TutorAtHand, _ change: (inout Recipe.LLM2LLMOptions) -> Void = { _ in }
    ) throws -> AugmentationWaves {
        var options = Recipe.LLM2LLMOptions()
        options.perSeed = 2
        change(&options)
        return AugmentationWaves(
            task: LLM2LLMTaskTests.numeric, options: options,
            prompt: try LLM2LLMPrompt(options, task: LLM2LLMTaskTests.numeric), seed: 7,
            ask: tutor.answers)
    }

    @Test func anHonestTutorNeedsOneWave() throws {
        let tutor = TutorAtHand()
        let (items, tally) = try waves(tutor).items(for: seeds, round: 1, known: [])
        #expect(items.count == 48 && tally.accepted == 48 && tally.unsatisfied == 0)
        #expect(tally.requests == tutor.requests.count && tally.requests < 30)
        for (index, item) in items.enumerated() {
            let seed = seeds[index / 2].item
            #expect(item.seed == seed.id && item.round == 1 && !item.isSeed)
            // The same kind of problem, rightly solved.
            let (old, new) = try (
                #require(TutorProblem(reading: seed.question)),
                #require(TutorProblem(reading: item.question))
            )
            #expect(old.shape == new.shape && old.frame == new.frame)
            #expect(item.answer == new.solution)
        }
        #expect(Set(items.map(\.id)).count == 48)
    }

    @Test func aPoorTutorIsAskedAgain() throws {
        let tutor = TutorAtHand(repeats: 0.3, breaks: 0.3)
        let (items, tally) = try waves(tutor).items(for: seeds, round: 1, known: [])
        #expect(
            tally.count(of: .similar) > 0 && tally.count(of: .form) + tally.count(of: .noItem) > 0)
        #expect(items.count + tally.unsatisfied >= 48 - tally.unsatisfied)
        var gate = SimilarityGate(threshold: 0.95)
        for seed in seeds { gate.add(seed.item.question) }
        for item in items {
            let isRefused = gate.refuses(item.question)
            #expect(!isRefused)
            gate.add(item.question)
        }
        // No two requests ask the same: a repeated reply would be paid for and thrown away.
        #expect(Set(tutor.requests).count == tutor.requests.count)
        let again = try waves(TutorAtHand(repeats: 0.3, breaks: 0.3))
            .items(for: seeds, round: 1, known: [])
        #expect(again.items == items && again.tally == tally)
        let later = try waves(TutorAtHand(repeats: 0.3, breaks: 0.3))
            .items(for: seeds, round: 2, known: items.map(\.question))
        #expect(Set(later.items.map(\.question)).isDisjoint(with: items.map(\.question)))
    }

    @Test func attemptsEnd() throws {
        let tutor = TutorAtHand(breaks: 1)
        let (items, tally) = try waves(tutor) { $0.attempts = 3 }
            .items(for: seeds, round: 1, known: [])
        #expect(items.isEmpty && tally.unsatisfied == 24 && tally.requests == 72)
        let none = try waves(tutor).items(for: [], round: 1, known: [])
        #expect(none.items.isEmpty && none.tally == AugmentationTally())
    }

    @Test func agreementKeepsWrongAnswersOut() throws {
        func wrong(_ items: [LLM2LLMItem]) -> Int {
            items.count { TutorProblem(reading: $0.question)?.solution != $0.answer }
        }
        let loose = try waves(TutorAtHand(errors: 0.5)).items(for: seeds, round: 1, known: [])
        #expect(wrong(loose.items) > 10)
        let tutor = TutorAtHand(errors: 0.5)
        let (items, tally) = try waves(tutor) {
            $0.agreementSamples = 3
            $0.agreementCount = 2
        }.items(for: seeds, round: 1, known: [])
        #expect(wrong(items) == 0 && items.count > 30)
        #expect(tally.count(of: .disagreement) > 10)
        #expect(tally.checks == 3 * (tally.accepted + tally.count(of: .disagreement)))
        #expect(tally.calls == tutor.requests.count)
    }

    @Test func bulkAsksForAllSeedsAlike() throws {
        let tutor = TutorAtHand(breaks: 0.1)
        let (items, tally) = try waves(tutor).bulk(seeds, requests: 60)
        #expect(tally.requests == 60 && tutor.requests.count == 60)
        #expect(items.count == tally.accepted && items.count > 90)
        let bySeed = seeds.map { seed in items.count { $0.seed == seed.item.id } }
        #expect(bySeed.allSatisfy { $0 >= 1 } && bySeed.reduce(0, +) == items.count)
        #expect(Set(tutor.requests).count == 60)
    }

    @Test func failedAndCutReplies() throws {
        let answers: [TextAnswer] = [
            .failed("refused"), .text(" \n", finishReason: "stop"),
            .cut("1. Question: a b c?\nAnswer: #### 1\n2. Question: d"),
        ]
        let options = Recipe.LLM2LLMOptions()
        var asked = 0
        let waves = AugmentationWaves(
            task: LLM2LLMTaskTests.numeric, options: options,
            prompt: try LLM2LLMPrompt(options, task: LLM2LLMTaskTests.numeric), seed: 7
        ) { requests in
            defer { asked += 1 }
            return requests.indices.map { answers[min(asked + $0, 2)] }
        }
        let (items, tally) = try waves.items(for: Array(seeds.prefix(1)), round: 1, known: [])
        #expect(asked == 3 && items.map(\.question) == ["a b c?"])
        #expect(tally.count(of: .noReply) == 2 && tally.count(of: .cut) == 1)
    }
}
