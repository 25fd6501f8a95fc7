// Training in a world of threads: the same few steps on any number of ranks, and what came of them as
// bits.

import Autograd
import Checkpoint
import Collectives
import Foundation
import Models
import TensorCore
import TestSupport

@testable import Training

/// What a training came to.
struct TrainingOutcome: Equatable, Sendable {
    var weights: [UInt32] = []
    var losses: [UInt64] = []
    var norms: [UInt64] = []
}

/// A few steps on random samples.
struct TrainingCase: Sendable {
    /// The tiny BERT's weights fill several blocks of the flat buffer, so that ranks own parts of it.
    static var model: TinyBert {
        TinyBert(seed: 11, width: 64, heads: 4, inner: 128, dropout: 0.2)
    }

    let folder: String
    var options: TrainingOptions
    var batchSize = 13
    var appliesDropout = true
    var threads = 1
    var lossTemperature = 1.0
    /// Ids that texts are made of.
    var vocabularyCount = TinyBert.vocabularyCount
    /// Elements from which embedding tables are kept by rows.
    var smallestRowTable = EmbeddingTables.smallestCount

    /// A case with defaults: 8 leaves, AdamW, a rate that moves every weight.
    init(folder: String) {
        self.folder = folder
        options = TrainingOptions()
        options.learningRate = 1e-3
    }

    /// The global batch of a step: ragged texts, soft targets, uneven weights.
    func batch(_ step: Int) -> [TrainingSample] {
        var numbers = SampleNumbers(seed: 100 + UInt64(step))
        return (0..<batchSize).map { place in
            let length = place % 4 == 1 ? 1 : 1 + numbers.below(22)
            let chance = Float(abs(numbers.signed()))
            return TrainingSample(
                tokens: TokenSequence(
                    ids: (0..<length).map { _ in
                        Int32(numbers.below(vocabularyCount))
                    }),
                target: [chance, (1 - chance) / 4, 3 * (1 - chance) / 4],
                weight: Float(1 + 0.5 * numbers.signed()),
                sample: UInt32(numbers.below(1000)))
        }
    }

    /// A trainer at its start.
    func trainer(_ communicator: Communicator) throws -> ParallelStudent<ClassificationTask> {
        ParallelStudent(
            ClassificationTask(
                try EncoderClassifier(ModelFolder(path: folder)), temperature: lossTemperature),
            options: options, seed: 42,
            communicator: communicator, compute: Compute(threads: threads),
            appliesDropout: appliesDropout, smallestRowTable: smallestRowTable)
    }

    /// Takes steps and adds to the outcome.
    func train(
        _ trainer: ParallelStudent<ClassificationTask>, _ steps: Range<Int>,
        _ outcome: inout TrainingOutcome
    ) throws {
        let schedule = options.schedule(totalSteps: 10)
        for step in steps {
            var batch = batch(step)
            // A rank is given the texts of its own share alone.
            let share = trainer.share(of: batch.count)
            for place in batch.indices where !share.contains(place) {
                let sample = batch[place]
                batch[place] = TrainingSample(
                    tokens: TokenSequence(ids: []), target: sample.target,
                    weight: sample.weight, sample: sample.sample)
            }
            let report = try trainer.train(on: batch, step: step, rate: schedule.rate(at: step))
            outcome.losses.append(report.loss.bitPattern)
            outcome.norms.append(report.gradientNorm.bitPattern)
        }
        outcome.weights = trainer.task.student.parameters.values.toArray().map(\.bitPattern)
    }

    /// What each rank has after some steps.
    func outcomes(ranks: Int, steps: Int = 4) throws -> [TrainingOutcome] {
        try ThreadWorld.run(ranks: ranks) { communicator in
            var outcome = TrainingOutcome()
            try train(try trainer(communicator), 0..<steps, &outcome)
            return outcome
        }
    }

    /// Saves a trainer at its start, with the given state.
    func saved(to store: CheckpointStore, state: String) throws {
        _ = try ThreadWorld.run(ranks: 1) { communicator in
            try trainer(communicator).save(to: store, step: 1, state: Data(state.utf8))
        }
    }
}
