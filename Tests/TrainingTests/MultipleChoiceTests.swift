// Multiple choice: the loss by its formula and its gradient, the same bits on any rank count with items of
// different counts of choices, and choice scores over ranks.

import Autograd
import Collectives
import Foundation
import Models
import TensorCore
import TestSupport
import Testing

@testable import Training

@Suite struct MultipleChoiceTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        let model = TinyBert(
            seed: 11, width: 64, heads: 4, inner: 128, dropout: 0.2, labels: [])
        try model.write(to: folder.file("bert"))
        try model.deberta().write(to: folder.file("deberta-v2"))
        try model.roberta().write(to: folder.file("roberta"))
    }

    private func items(_ count: Int, seed: UInt64) -> [[TokenSequence]] {
        var numbers = SampleNumbers(seed: seed)
        return (0..<count).map { place in
            (0..<2 + place % 4).map { _ in
                // Ids from 1: in RoBERTa's positions padding doesn't count.
                TokenSequence(
                    ids: (0..<1 + numbers.below(20)).map { _ in
                        Int32(1 + numbers.below(TinyBert.vocabularyCount - 1))
                    })
            }
        }
    }

    private func batch(_ step: Int) -> [MultipleChoiceSample] {
        var numbers = SampleNumbers(seed: 50 + UInt64(step))
        return items(11, seed: 70 + UInt64(step)).enumerated().map { place, choices in
            let chances = choices.map { _ in 0.1 + abs(Double(numbers.signed())) }
            let sum = chances.reduce(0, +)
            return MultipleChoiceSample(
                choices: choices, target: chances.map { $0 / sum },
                label: place % 3 == 0 ? nil : place % choices.count,
                weight: Float(1 + 0.5 * numbers.signed()), sample: UInt32(numbers.below(1000)))
        }
    }

    private func outcome(_ family: String, ranks: Int, threads: Int = 1) throws -> [[UInt32]] {
        try ThreadWorld.run(ranks: ranks) { communicator in
            let student = try MultipleChoiceModel(ModelFolder(path: folder.file(family)), seed: 3)
            var options = TrainingOptions()
            options.learningRate = 1e-3
            let trainer = ParallelStudent(
                MultipleChoiceTask(student, loss: ChoiceLoss(temperature: 2, alpha: 0.3)),
                options: options, seed: 42, communicator: communicator,
                compute: Compute(threads: threads))
            for step in 0..<3 {
                var batch = batch(step)
                let share = trainer.share(of: batch.count)
                for place in batch.indices where !share.contains(place) {
                    let sample = batch[place]
                    batch[place] = MultipleChoiceSample(
                        choices: sample.choices.map { _ in TokenSequence(ids: []) },
                        target: sample.target, label: sample.label, weight: sample.weight,
                        sample: sample.sample)
                }
                _ = try trainer.train(on: batch, step: step, rate: 1e-3)
            }
            return student.parameters.values.toArray().map(\.bitPattern)
        }
    }

    @Test(arguments: ["bert", "roberta", "deberta-v2"])
    func anyRankCount(family: String) throws {
        let expected = try outcome(family, ranks: 1)[0]
        for ranks in 2...4 {
            let all = try outcome(family, ranks: ranks, threads: ranks == 3 ? 2 : 1)
            #expect(all.allSatisfy { $0 == expected }, "\(ranks) ranks")
        }
        let student = try MultipleChoiceModel(ModelFolder(path: folder.file(family)), seed: 3)
        #expect(student.parameters.values.toArray().map(\.bitPattern) != expected)
    }

    /// The reported loss, out of the student's own scores.
    @Test func loss() throws {
        let student = try MultipleChoiceModel(ModelFolder(path: folder.file("bert")), seed: 3)
        let samples = batch(0)
        let scores = try Inference(student, compute: Compute(threads: 1))
            .choiceScores(samples.map(\.choices))
        let (temperature, alpha) = (2.0, 0.3)
        let expected = zip(samples, scores).reduce(0.0) { sum, item in
            let (sample, scores) = item
            let soft = softmax(scores.map { $0 / temperature })
            let wanted = softmax(sample.target.map { log($0) / temperature })
            let divergence = zip(wanted, soft).reduce(0.0) { $0 + $1.0 * log($1.0 / $1.1) }
            let hard = sample.label.map { -log(softmax(scores)[$0]) }
            let share = hard == nil ? 0 : alpha
            return sum + Double(sample.weight)
                * ((1 - share) * temperature * temperature * divergence + share * (hard ?? 0))
        }
        let reported = try ThreadWorld.run(ranks: 1) { communicator in
            let student = try MultipleChoiceModel(
                ModelFolder(path: folder.file("bert")), seed: 3)
            return try ParallelStudent(
                MultipleChoiceTask(
                    student, loss: ChoiceLoss(temperature: temperature, alpha: alpha)),
                options: TrainingOptions(), seed: 1, communicator: communicator,
                compute: Compute(threads: 1), appliesDropout: false
            ).train(on: samples, step: 0, rate: 1e-3).loss
        }[0]
        let mean = expected / Double(samples.count)
        #expect(abs(reported - mean) <= 1e-5 * abs(mean))
    }

    /// A teacher that the student equals leaves nothing but the hard part.
    @Test func lossOfEqualDistributions() {
        let scores = [0.5, -1, 2]
        let equal = ChoiceLoss(temperature: 3).of(scores, target: softmax(scores), label: nil)
        #expect(abs(equal.loss) < 1e-12 && equal.gradient.allSatisfy { abs($0) < 1e-12 })
        let certain = ChoiceLoss().of(scores, target: [0, 0, 1], label: nil)
        #expect(abs(certain.loss + log(softmax(scores)[2])) < 1e-12)
    }

    @Test(arguments: [(1.0, 0.0), (2.5, 0.0), (4.0, 0.4), (1.0, 1.0)])
    func numericGradient(temperature: Double, alpha: Double) {
        let loss = ChoiceLoss(temperature: temperature, alpha: alpha)
        let (scores, target) = ([0.3, -2, 1.5, 0.1], [0.1, 0, 0.7, 0.2])
        for label in [nil, 2] {
            let gradient = loss.of(scores, target: target, label: label).gradient
            for index in scores.indices {
                let sides = [1e-5, -1e-5].map { step in
                    var moved = scores
                    moved[index] += step
                    return loss.of(moved, target: target, label: label).loss
                }
                #expect(abs(gradient[index] - (sides[0] - sides[1]) / 2e-5) < 1e-8)
            }
        }
    }

    @Test(arguments: 1...4)
    func scoresOverRanks(ranks: Int) throws {
        let student = try MultipleChoiceModel(ModelFolder(path: folder.file("deberta-v2")))
        for count in [0, 1, 7] {
            let items = items(count, seed: 8)
            let expected = try Inference(student, compute: Compute(threads: 1))
                .choiceScores(items)
            #expect(expected.map(\.count) == items.map(\.count))
            let all = try ThreadWorld.run(ranks: ranks) { communicator in
                try Inference(
                    student, compute: Compute(threads: 1), maximumTokensPerPass: 30
                ).choiceScores(of: count, over: communicator) { Array(items[$0]) }
            }
            #expect(all.allSatisfy { $0 == expected }, "\(count) items")
        }
    }

    /// Choices of an item don't drop the same elements; the first choice's key is the item's index.
    @Test func dropoutKeys() throws {
        let samples = batch(0)
        let student = try MultipleChoiceModel(ModelFolder(path: folder.file("bert")))
        let layout = try MultipleChoiceTask(student).layout(
            samples[...], leafOffsets: [0, 4, samples.count], leaves: 0..<2)
        #expect(layout.leafOffsets == [0, 14, layout.sequenceCount])
        #expect(layout.samples[0] == samples[0].sample)
        #expect(Set(layout.samples[0..<2]).count == 2)
    }
}
