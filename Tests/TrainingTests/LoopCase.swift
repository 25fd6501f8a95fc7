// A training loop over a few sentences, which tests stop, break and resume: a method with a state of
// its own, every event noted.

import Autograd
import Checkpoint
import Collectives
import Foundation
import Models
import Synchronization
import TensorCore
import TestSupport
import Tokenizers
import Training

/// A method that keeps samples by a rule with memory: it answers differently if its state is lost.
struct RememberingSelector: BatchSelector {
    struct State: Codable {
        var memory: UInt64 = 1
        var uncertainty = 0.0
    }

    var state = State()
    var needsUncertainty: Bool { true }

    mutating func select(_ batch: GlobalBatch) -> BatchSelection {
        let entropies = batch.uncertainty ?? []
        state.uncertainty += entropies.reduce(0, +)
        var kept: [Int] = []
        for (place, sample) in batch.samples.enumerated() {
            state.memory = state.memory &* 6_364_136_223_846_793_005 &+ UInt64(sample) &+ 1
            if state.memory >> 62 != 0 { kept.append(place) }
        }
        // Every fourth batch is dropped whole.
        if batch.step % 4 == 2 { kept = [] }
        return BatchSelection(
            kept: kept, weights: kept.map { _ in 1 },
            metrics: [("memory", state.uncertainty)])
    }
}

/// What a loop did, as text with all digits.
struct LoopOutcome: Equatable, Sendable {
    /// One line a step and an evaluation, in order.
    var lines: [String] = []
    var isComplete = false
    var weights: [UInt32] = []
    var progress = ""
    var resumedAt: Int?
    var skipped: [String] = []
}

/// A test's own error, thrown to break a run off like a kill.
struct Broken: Error {}

/// A loop over 21 sentences, 2 epochs of batches of 4: 12 steps.
struct LoopCase: Sendable {
    static let totalSteps = 12
    static let texts = (0..<21).map { index in
        let words = TinyBert.words
        return "the \(words[index % 3]) \(words[3 + index % 3]) \(words[6 + index % 4]) "
            + String(repeating: "very ", count: index % 5) + words[13 + index % 4]
    }

    let model: String
    let checkpoints: String
    var fingerprint = "a run"
    var saveSteps = 5
    var evaluationSteps = 3

    /// Runs the loop on some ranks.
    ///
    /// - Parameters:
    ///   - stopping: The step, and the rank, at which the loop is asked to stop.
    ///   - breaking: The step whose event throws.
    func run(
        ranks: Int, resume: ResumePoint = .automatic, stopping: (step: Int, rank: Int)? = nil,
        breaking: Int? = nil
    ) throws -> LoopOutcome {
        let outcomes = try ThreadWorld.run(ranks: ranks) { communicator in
            try runRank(communicator, resume, stopping, breaking)
        }
        precondition(outcomes.allSatisfy { $0 == outcomes[0] }, "ranks differ: \(outcomes)")
        return outcomes[0]
    }

    private func runRank(
        _ communicator: Communicator, _ resume: ResumePoint, _ stopping: (step: Int, rank: Int)?,
        _ breaking: Int?
    ) throws -> LoopOutcome {
        var options = TrainingOptions()
        options.learningRate = 2e-3
        options.microBatches = 4
        let trainer = ParallelStudent(
            ClassificationTask(try EncoderClassifier(ModelFolder(path: model))), options: options,
            seed: 3, communicator: communicator, compute: Compute(threads: 1))
        let texts = TokenizedTexts(
            Self.texts, tokenizer: try Tokenizer(contentsOf: model), maximumLength: 16)
        let notes = Mutex(LoopOutcome())
        let reached = Mutex(0)
        let loop = TrainingLoop(
            trainer: trainer,
            order: BatchOrder(poolSize: 21, batchSize: 4, epochs: 2, seed: 8),
            selector: RememberingSelector(), store: CheckpointStore(directory: checkpoints),
            points: TrainingSchedulePoints(
                evaluationSteps: evaluationSteps, saveSteps: saveSteps),
            fingerprint: fingerprint,
            hooks: .init(
                sample: { index, weight, isOwn in
                    TrainingSample(
                        tokens: isOwn ? texts[index] : TokenSequence(ids: []),
                        target: (0..<3).map { $0 == index % 3 ? 1 : 0 }, weight: weight,
                        sample: UInt32(index))
                },
                uncertainties: { samples in
                    try Inference(trainer.task.student, compute: trainer.compute)
                        .probabilities(of: samples.count, over: communicator) { part in
                            samples[part].map { texts[$0] }
                        }.map(normalizedEntropy)
                },
                evaluate: { step in
                    let rows = try Inference(trainer.task.student, compute: trainer.compute)
                        .probabilities(of: texts.count, over: communicator) {
                            $0.map { texts[$0] }
                        }
                    let sure = rows.reduce(0) { $0 + ($1.max() ?? 0) } / 21
                    notes.withLock { $0.lines.append("evaluate \(step) \(sure)") }
                    return sure
                },
                event: { event in
                    notes.withLock { $0.note(event) }
                    if case .step(let record) = event {
                        reached.withLock { $0 = record.step }
                        if record.step == breaking { throw Broken() }
                    }
                    if case .resumed(let step, _) = event { reached.withLock { $0 = step } }
                },
                isStopRequested: {
                    guard let stopping, stopping.rank == communicator.rank else { return false }
                    return reached.withLock { $0 } == stopping.step
                }))
        let isComplete = try loop.run(resume: resume)
        var outcome = notes.withLock { $0 }
        outcome.isComplete = isComplete
        outcome.weights = trainer.task.student.parameters.values.toArray().map(\.bitPattern)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        outcome.progress = String(decoding: try encoder.encode(loop.progress), as: UTF8.self)
        return outcome
    }
}

extension LoopOutcome {
    mutating func note(_ event: TrainingEvent) {
        switch event {
        case .resumed(let step, _): resumedAt = step
        case .skippedCheckpoint(let path, _): skipped.append(path)
        case .saved: break
        case .step(let record):
            let report = record.report.map { "\($0.loss) \($0.gradientNorm)" } ?? "nothing"
            lines.append(
                "step \(record.step) of \(record.totalSteps) epoch \(record.epoch) \(report) "
                    + "rate \(record.learningRate) kept \(record.kept) of \(record.offered) "
                    + "\(record.metrics)")
        }
    }
}
