// Data-parallel training: the same bits of weights, losses and norms on any number of ranks, threads
// and passes, and the arithmetic of loss, clipping and SGD by hand.

import Autograd
import Collectives
import Foundation
import Models
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct ParallelStudentTests {
    private let folder: TemporaryFolder
    private let usual: TrainingCase

    init() throws {
        folder = try TemporaryFolder()
        usual = TrainingCase(folder: try TrainingCase.model.write(to: folder.path))
    }

    private func expectSameBits(
        _ training: TrainingCase, ranks: [Int] = [2, 3, 4, 5],
        _ place: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try training.outcomes(ranks: 1)[0]
        #expect(Set(expected.losses).count == expected.losses.count, sourceLocation: place)
        for ranks in ranks {
            for (rank, outcome) in try training.outcomes(ranks: ranks).enumerated() {
                #expect(
                    outcome.weights == expected.weights, "weights of rank \(rank) of \(ranks)",
                    sourceLocation: place)
                #expect(
                    outcome.losses == expected.losses && outcome.norms == expected.norms,
                    "figures of rank \(rank) of \(ranks)", sourceLocation: place)
            }
        }
    }

    @Test func anyRankCount() throws { try expectSameBits(usual) }

    @Test(arguments: [1, 2, 4, 16])
    func anyRankCountWithOtherLeaves(leaves: Int) throws {
        var training = usual
        training.options.microBatches = leaves
        try expectSameBits(training, ranks: [2, 3])
    }

    /// Some leaves, and with them some ranks, have no samples.
    @Test(arguments: [1, 3, 5])
    func fewerSamplesThanLeaves(samples: Int) throws {
        var training = usual
        training.batchSize = samples
        try expectSameBits(training)
    }

    @Test func sgd() throws {
        var training = usual
        training.options.optimizer = .sgd
        training.options.learningRate = 0.05
        training.options.maximumGradientNorm = 0
        try expectSameBits(training, ranks: [2, 3])
    }

    /// Products in bfloat16: the same bits on any number of ranks and in any passes, and losses near
    /// those of float32.
    @Test func bfloat16() throws {
        let exact = try usual.outcomes(ranks: 1)[0]
        var training = usual
        training.options.precision = .bfloat16
        try expectSameBits(training, ranks: [2, 3])
        let rounded = try training.outcomes(ranks: 1)[0]
        #expect(rounded.weights != exact.weights)
        for (ours, theirs) in zip(rounded.losses, exact.losses) {
            let (ours, theirs) = (Double(bitPattern: ours), Double(bitPattern: theirs))
            #expect(abs(ours - theirs) <= 0.02 * theirs, "\(ours) and \(theirs)")
        }
        training.options.maximumTokensPerPass = 40
        #expect(try training.outcomes(ranks: 1)[0] == rounded)
    }

    /// One text a pass, a few, all at once: passes bound memory and change nothing.
    @Test(arguments: [1, 40, 100])
    func anyPassSize(tokens: Int) throws {
        let expected = try usual.outcomes(ranks: 1)[0]
        var training = usual
        training.options.maximumTokensPerPass = tokens
        for ranks in [1, 3] {
            #expect(try training.outcomes(ranks: ranks).allSatisfy { $0 == expected })
        }
    }

    @Test func anyThreadCount() throws {
        let expected = try usual.outcomes(ranks: 2)[0]
        var training = usual
        training.threads = 3
        #expect(try training.outcomes(ranks: 2)[0] == expected)
    }

    // MARK: - Arithmetic

    /// The loss by the formula, in double precision, out of the student's own scores.
    @Test(arguments: [1.0, 2.5])
    func loss(temperature: Double) throws {
        var training = usual
        training.appliesDropout = false
        training.lossTemperature = temperature
        let reported = Double(bitPattern: try training.outcomes(ranks: 1, steps: 1)[0].losses[0])
        let student = try EncoderClassifier(ModelFolder(path: folder.path))
        let samples = training.batch(0)
        let rows = try Inference(student, compute: Compute(threads: 1))
            .probabilities(samples.map(\.tokens))
        let losses = zip(samples, rows).map { sample, row in
            // softmax(z / T) out of softmax(z): powers of 1/T, scaled to sum 1 again.
            let powers = row.map { pow($0, 1 / temperature) }
            let sum = powers.reduce(0, +)
            return zip(sample.target, powers).reduce(0.0) {
                $0 - Double($1.0) * log($1.1 / sum) * Double(sample.weight)
            }
        }
        let expected =
            temperature * temperature * losses.reduce(0, +) / Double(samples.count)
        #expect(abs(reported - expected) <= 1e-5 * expected)
    }

    /// The step of plain SGD is rate x gradient: clipping makes its length rate x limit.
    @Test(arguments: [0.01, 0.5, 1e6, 0])
    func clipping(limit: Double) throws {
        var training = usual
        training.options.optimizer = .sgd
        training.options.momentum = 0
        training.options.weightDecay = 0
        training.options.schedule = .constant
        training.options.warmupSteps = 0
        training.options.learningRate = 0.125
        training.options.maximumGradientNorm = limit
        let outcome = try training.outcomes(ranks: 2, steps: 1)[0]
        let norm = Double(bitPattern: outcome.norms[0])
        // Held by a name: `values` is a view that doesn't keep its memory alive.
        let start = try EncoderClassifier(ModelFolder(path: folder.path))
        let before = start.parameters.values.toArray()
        let moved = zip(before, outcome.weights).reduce(0.0) {
            let difference = Double($1.0) - Double(Float(bitPattern: $1.1))
            return $0 + difference * difference
        }.squareRoot()
        let expected = limit > 0 ? min(norm, limit) : norm
        // Each of some 70,000 weights is rounded once: their errors have a length of their own.
        let rounding = 0x1p-24 * Double(before.count).squareRoot()
        #expect(abs(moved / 0.125 - expected) <= 1e-5 * expected + rounding / 0.125)
    }

    /// A step of loss and gradient that are no numbers ends training on all ranks, and says so.
    @Test(arguments: [1, 3])
    func divergence(ranks: Int) throws {
        let training = usual
        let messages = try ThreadWorld.run(ranks: ranks) { communicator in
            let trainer = try training.trainer(communicator)
            trainer.task.student.parameters.value(0).fill(.nan)
            do {
                var outcome = TrainingOutcome()
                try training.train(trainer, 3..<4, &outcome)
                return "no error"
            } catch let error as TrainingError {
                return error.code == .diverged ? error.message : "another code"
            }
        }
        #expect(messages.allSatisfy { $0 == messages[0] && $0.contains("step 3") })
        #expect(messages[0].contains("learning_rate"), "\(messages[0])")
    }

    /// Training learns: twenty steps on one batch bring its loss down.
    @Test func lossFalls() throws {
        let training = usual
        let losses = try ThreadWorld.run(ranks: 2) { communicator in
            let trainer = try training.trainer(communicator)
            return try (0..<20).map { step in
                try trainer.train(on: training.batch(0), step: step, rate: 1e-3).loss
            }
        }
        #expect(losses[0][19] < 0.8 * losses[0][0], "\(losses[0])")
    }
}
