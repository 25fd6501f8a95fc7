// LLM2LLM: Boosting LLMs with Novel Iterative Data Enhancement (Lee et al., arXiv 2403.15042, Findings of
// ACL 2024). A student is trained on a few seeds; a teacher writes new data from what it gets wrong.
//
//   for i in 0 ..< n:
//     1. train from the ORIGINAL student on D_i, never from the last one: going on over-fits the seeds
//     2. evaluate on all of D_i and on the test, one answer an item
//     3. keep the items that are wrong and belong to the seeds; generated items never become sources
//     4. ask the teacher until each wrong seed has `per_seed` accepted items           AugmentationWaves
//     5. D_{i+1} = D_i + new items, shuffled with a fixed seed
//
// So n students and n - 1 rounds of new items.
//
// Our choices: greedy answers by the prompt of training with enough tokens (published: sampled at 0.7, 100
// tokens, another prompt); attempts are counted and end; near-duplicates of all rounds, the teacher's
// agreement with itself, and showing it the student's answer are options. The exported student is that of
// the last round: the test chooses nothing.
//
// The baselines are the same run with another source of items: none, EDA, one bulk of the teacher's, or
// real items of a pool.

import Corpus
import Foundation
import Teacher
import Training

/// The rounds of a run, from what is read to the last student.
struct LLM2LLM {
    let session: RunSession
    let data: LLM2LLMData
    let files: LLM2LLMFiles
    let fingerprint: String
    let student: any RoundStudent
    let augmenter: Augmenter
    /// Money spent so far, as the ledgers say; the same on all ranks.
    let spent: () throws -> Int64

    /// How a call ended.
    enum Outcome {
        case stopped(String)
        /// With the last round's student at hand.
        case complete([LLM2LLMRound])
    }

    private var options: Recipe.LLM2LLMOptions { session.recipe.method.llm2llm }
    private var console: RunConsole { session.console }

    func run() throws -> Outcome {
        var rounds: [LLM2LLMRound] = []
        var (items, firstTally) = try firstItems()
        let count = options.augmentation.hasRounds ? options.rounds : 1
        for round in 0..<count {
            var figures: LLM2LLMRound
            if let known = try files.read(round), round < count - 1, !known.wrong.isEmpty {
                figures = known
            } else {
                guard try train(round, items) else { return .stopped("training round \(round)") }
                figures = try measure(round, items)
                if let firstTally {
                    figures.tally = firstTally
                    figures.spentMicro = try spent()
                }
                try write(figures)
                say(figures)
            }
            if round < count - 1, figures.wrong.isEmpty {
                console.say("no seed is wrong: the rounds to come would repeat this one")
                return .complete(rounds + [figures])
            }
            if round < count - 1 {
                items = try extended(items, &figures)
                try session.byLeader { try files.removeCheckpoints(round) }
            }
            rounds.append(figures)
        }
        return .complete(rounds)
    }

    /// `D_0`: the seeds; of the baselines that add items once, with those, and what they took.
    private func firstItems() throws -> ([LLM2LLMItem], AugmentationTally?) {
        if options.augmentation.hasRounds || options.augmentation == .none {
            try store(data.seeds, as: 0)
            return (data.seeds, nil)
        }
        let (added, tally) = try augmenter.items(
            at: 1, for: data.seeds.map { WantedSeed(item: $0, said: nil) }, among: data.seeds)
        console.say(
            "\(options.augmentation.rawValue): \(added.count) new items"
                + (tally.calls > 0 ? " of \(tally.calls) requests" : ""))
        let items = shuffled(data.seeds + added, round: 0)
        try store(items, as: 0)
        return (items, tally)
    }

    /// Step 1.
    private func train(_ round: Int, _ items: [LLM2LLMItem]) throws -> Bool {
        console.say("round \(round): \(items.count) items")
        try session.byLeader { try files.createTraining(round) }
        return try student.train(
            on: items, in: files.training(round), fingerprint: "\(fingerprint)-\(round)")
    }

    /// Steps 2 and 3.
    private func measure(_ round: Int, _ items: [LLM2LLMItem]) throws -> LLM2LLMRound {
        let answers = try student.answers(to: items + data.test)
        let isRight = zip(answers, items + data.test).map { data.task.isRight($0, $1) }
        let own = items.indices
        return LLM2LLMRound(
            round: round, items: items.count, seeds: items.count(where: \.isSeed),
            seedsRight: own.count { items[$0].isSeed && isRight[$0] },
            addedRight: own.count { !items[$0].isSeed && isRight[$0] },
            tests: data.test.count, testsRight: isRight[items.count...].count { $0 },
            wrong: own.filter { items[$0].isSeed && !isRight[$0] }.map {
                .init(id: items[$0].id, said: answers[$0])
            })
    }

    /// Steps 4 and 5.
    private func extended(
        _ items: [LLM2LLMItem], _ figures: inout LLM2LLMRound
    ) throws -> [LLM2LLMItem] {
        let round = figures.round
        if figures.tally != nil { return try LLM2LLMItemFile.read(files.items(round + 1)) }
        let seeds = Dictionary(
            items.filter(\.isSeed).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let wrong = figures.wrong.compactMap { wrong in
            seeds[wrong.id].map { WantedSeed(item: $0, said: wrong.said) }
        }
        let (added, tally) = try augmenter.items(at: round + 1, for: wrong, among: items)
        let next = shuffled(items + added, round: round + 1)
        try store(next, as: round + 1)
        figures.tally = tally
        figures.spentMicro = try spent()
        try write(figures)
        console.say(
            "round \(round): \(wrong.count) wrong seeds, \(added.count) new items"
                + (tally.calls > 0
                    ? " of \(tally.calls) requests, \(tally.unsatisfied) seeds with too few" : ""))
        return next
    }

    private func shuffled(_ items: [LLM2LLMItem], round: Int) -> [LLM2LLMItem] {
        let order = Permutation(count: items.count, seed: session.recipe.seed, epoch: round)
        return (0..<order.count).map { items[order[$0]] }
    }

    private func say(_ figures: LLM2LLMRound) {
        var line =
            "round \(figures.round): right on \(percentText(figures.trainAccuracy)) of its items"
        if let accuracy = figures.testAccuracy {
            line += ", \(percentText(accuracy)) of \(figures.tests) test items"
        }
        console.say(line)
    }

    // MARK: - Files

    private func store(_ items: [LLM2LLMItem], as round: Int) throws {
        let text = try LLM2LLMItemFile.text(items)
        try session.byLeader { try files.folder.write(text, to: files.items(round)) }
    }

    private func write(_ figures: LLM2LLMRound) throws {
        try session.byLeader { try files.write(figures) }
    }
}
