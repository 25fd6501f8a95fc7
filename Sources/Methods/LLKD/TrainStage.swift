// The training stage: the student learns from the teacher's answers, on the samples that the method
// selects, and is evaluated on the way.

import Checkpoint
import Collectives
import Corpus
import Foundation
import Models
import Reporting
import Teacher
import TensorCore
import Tokenizers
import Training

/// What the training stage learns from: the part of the pool that the teacher answered.
struct LabelledPool {
    let records: [Record]
    /// The teacher's class probabilities of each record.
    let teacher: [[Double]]
    /// The gold class of each record, where it is known.
    let gold: [Int?]
    let labels: LabelSet
    /// Labels whose confidence isn't known.
    let unknown: Int

    /// - Parameter needsConfidence: Leaves out labels of unknown confidence: unknown is neither 0 nor 1.
    ///   Otherwise they count as the teacher's one choice.
    init(
        _ records: [Record], _ answers: [LabelRecord?], labels: LabelSet, needsConfidence: Bool
    ) throws {
        var kept: [Record] = []
        var teacher: [[Double]] = []
        var unknown = 0
        for (record, answer) in zip(records, answers) {
            guard let answer else { continue }
            if answer.labelProbabilities != nil {
                teacher.append(try labels.probabilities(of: answer))
            } else {
                guard let label = answer.label else { continue }
                unknown += 1
                if needsConfidence { continue }
                let chosen = try labels.index(of: label, at: record.source)
                teacher.append((0..<labels.count).map { $0 == chosen ? 1 : 0 })
            }
            kept.append(record)
        }
        guard !kept.isEmpty else {
            throw MethodError(
                .unusableLabels,
                unknown > 0
                    ? "none of the pool's \(unknown) labels has a confidence, which this selection "
                        + "needs: set teacher.confidence, or method.selection to all"
                    : "none of the pool's \(records.count) texts has an answer")
        }
        self.unknown = unknown
        self.records = kept
        self.teacher = teacher
        self.labels = labels
        gold = try GoldLabels.classes(of: kept, labels)
    }
}

/// Gold labels as classes.
enum GoldLabels {
    /// The gold class of each record; a label that the teacher doesn't know is an error.
    static func classes(of records: [Record], _ labels: LabelSet) throws -> [Int?] {
        try records.map { record in
            try record.label.map { try labels.index(of: $0, at: record.source) }
        }
    }
}

/// What training ended with.
struct TrainStageResult {
    let isComplete: Bool
    let progress: TrainingProgress<LLKDSelector.State>
    /// Samples that went through selection and training, by second of this call.
    let samplesPerSecond: Double
}

/// Trains a student on a labelled pool.
struct TrainStage {
    let recipe: Recipe
    let folder: RunFolder
    let fingerprint: String
    let communicator: Communicator
    let compute: Compute
    let console: RunConsole
    let student: EncoderClassifier
    let tokenizer: Tokenizer
    let evaluation: TestEvaluation?

    func run(
        _ pool: LabelledPool, resume: ResumePoint, isStopRequested: @escaping () -> Bool
    ) throws -> TrainStageResult {
        let options = recipe.train
        let trainer = ParallelStudent(
            ClassificationTask(
                student, temperature: recipe.method.target == .soft ? recipe.method.temperature : 1),
            options: options, seed: recipe.seed, communicator: communicator, compute: compute)
        let texts = TokenizedTexts(
            pool.records.map(\.text), tokenizer: tokenizer,
            maximumLength: recipe.student.maximumLength)
        let inference = Inference(
            student, compute: compute, memory: trainer.memory, precision: options.precision)
        let order = BatchOrder(
            poolSize: pool.records.count, batchSize: options.globalBatchSize,
            epochs: options.epochs, seed: recipe.seed)
        let targets = pool.teacher.map { DistillationTarget.of($0, recipe.method) }
        let log = TrainingLog(
            folder: folder, console: console, loggingSteps: recipe.evaluate.loggingSteps)
        let loop = TrainingLoop(
            trainer: trainer, order: order,
            selector: LLKDSelector(
                options: recipe.method.selection, seed: recipe.seed, teacher: pool.teacher,
                gold: pool.gold, classes: pool.labels.count),
            store: CheckpointStore(
                directory: folder.checkpoints, keep: recipe.checkpoint.keepLatest),
            points: TrainingSchedulePoints(
                evaluationSteps: recipe.evaluate.evaluationSteps,
                saveSteps: recipe.checkpoint.saveSteps),
            fingerprint: fingerprint,
            hooks: .init(
                sample: { index, weight, isOwn in
                    TrainingSample(
                        tokens: isOwn ? texts[index] : TokenSequence(ids: []),
                        target: targets[index], weight: weight, sample: UInt32(index))
                },
                uncertainties: { samples in
                    try inference.probabilities(of: samples.count, over: communicator) { part in
                        samples[part].map { texts[$0] }
                    }.map(normalizedEntropy)
                },
                evaluate: { step in
                    guard let evaluation else { return nil }
                    let confusion = try evaluation.confusion(of: student)
                    try log.evaluated(step: step, confusion)
                    return confusion.accuracy
                },
                event: log.note, isStopRequested: isStopRequested))
        let isComplete = try loop.run(resume: resume)
        try log.close()
        return TrainStageResult(
            isComplete: isComplete, progress: loop.progress,
            samplesPerSecond: log.samplesPerSecond)
    }
}
