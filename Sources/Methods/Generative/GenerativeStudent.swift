// A decoder student on all ranks: trained on prompts with answers, asked for answers, measured. Every call
// is a collective, and what it gives is the same on all ranks and for any count of them.
//
// Not here: what it is trained on and what its answers are for; that is a method's.

import Autograd
import Checkpoint
import Collectives
import Corpus
import Foundation
import Models
import Reporting
import TensorCore
import Tokenizers
import Training

/// A decoder that learns to answer.
final class GenerativeStudent {
    let session: RunSession
    let tokenizer: Tokenizer
    /// How prompts and answers become tokens.
    let format: ExampleFormat
    /// The student with its weights as they are now.
    private(set) var model: any CausalStudent
    /// Where its original weights are.
    var folder: DecoderFolder { model.folder }

    /// Opens the recipe's student at its original weights.
    init(_ session: RunSession) throws {
        self.session = session
        let options = session.recipe.student
        model = try options.decoder(seed: session.recipe.seed)
        tokenizer = try Tokenizer(contentsOf: options.model)
        let folder = model.folder
        guard tokenizer.idBound <= folder.configuration.vocabularySize else {
            throw MethodError(
                .invalidRecipe,
                "\(folder.path): the tokenizer has ids up to \(tokenizer.idBound - 1), the model has "
                    + "rows for \(folder.configuration.vocabularySize); they don't belong together")
        }
        format = try ExampleFormat(options, folder: folder, tokenizer: tokenizer)
    }

    /// One line for people.
    var description: String {
        let configuration = folder.configuration
        let trained = NumberText.grouped(model.parameters.weightCount)
        return "\(folder.path), \(configuration.layerCount) layers of \(configuration.hiddenSize), "
            + "\(trained) weights to train, \(format.description), on "
            + "\(session.communicator.size) ranks x \(session.compute.threadCount) threads, "
            + "\(session.compute.instructionSet)"
    }

    /// Goes back to the original weights.
    func reset() throws {
        model = try session.recipe.student.decoder(seed: session.recipe.seed)
    }

    // MARK: - Training

    /// What a training stage is about.
    struct Lessons {
        /// What is learnt.
        var examples: [TextExample]
        /// Passes, rates and batches.
        var options: TrainingOptions
        /// Where checkpoints and metrics go.
        var folder: RunFolder
        /// What its checkpoints are known by.
        var fingerprint: String
        /// Where the order and dropout start.
        var seed: UInt64
        /// The loss of a token.
        var rule: any TokenLossRule = TokenCrossEntropy()
        /// Which examples of a batch are learnt.
        var selection = SelectionOptions(rule: .all)
    }

    /// What a training stage came to.
    struct Outcome {
        let isComplete: Bool
        /// Examples left out because they are longer than the student reads.
        let tooLong: Int
        let samplesPerSecond: Double
    }

    /// Trains from the weights as they are now, or goes on from the stage's checkpoint.
    ///
    /// - Parameters:
    ///   - lessons: What is learnt, and where the stage rests.
    ///   - resume: Where to go on.
    ///   - measure: The accuracy of the weights of a step, if it is wanted on the way.
    func train(
        _ lessons: Lessons, resume: ResumePoint,
        measure: @escaping (_ step: Int) throws -> Double? = { _ in nil }
    ) throws -> Outcome {
        let recipe = session.recipe
        var examples: [TextExample] = []
        var samples: [LanguageSample] = []
        for (index, example) in lessons.examples.enumerated() {
            guard let sample = try format.sample(example, index: index) else { continue }
            examples.append(example)
            samples.append(sample)
        }
        let tooLong = lessons.examples.count - samples.count
        guard !samples.isEmpty else {
            throw MethodError(
                .invalidRecipe,
                "all of the \(tooLong) examples are longer than student.max_seq_length "
                    + "\(format.maximumLength); raise it")
        }
        if tooLong > 0, session.console.isLeader {
            session.console.warn(
                "\(tooLong) of \(lessons.examples.count) examples are longer than "
                    + "student.max_seq_length \(format.maximumLength) and are left out")
        }
        let log = TrainingLog(
            folder: lessons.folder, console: session.console,
            loggingSteps: recipe.evaluate.loggingSteps)
        let isComplete =
            lessons.selection.rule == .all
            ? try learn(
                lessons, samples, EverySample(), log, resume, measure, uncertainties: { _ in [] })
            : try learn(
                lessons, samples, selector(lessons, samples.count), log, resume, measure,
                uncertainties: { [self] chosen in try surprise(of: chosen.map { examples[$0] }) })
        try log.close()
        return Outcome(
            isComplete: isComplete, tooLong: tooLong, samplesPerSecond: log.samplesPerSecond)
    }

    private func learn<Selector: BatchSelector>(
        _ lessons: Lessons, _ samples: [LanguageSample], _ selector: Selector, _ log: TrainingLog,
        _ resume: ResumePoint, _ measure: @escaping (_ step: Int) throws -> Double?,
        uncertainties: @escaping (_ samples: [Int]) throws -> [Double]
    ) throws -> Bool {
        let recipe = session.recipe
        let trainer = ParallelStudent(
            LanguageTask(
                model, rule: lessons.rule, recomputesLayers: lessons.options.recomputesLayers),
            options: lessons.options, seed: lessons.seed, communicator: session.communicator,
            compute: session.compute)
        let loop = TrainingLoop(
            trainer: trainer,
            order: BatchOrder(
                poolSize: samples.count, batchSize: lessons.options.globalBatchSize,
                epochs: lessons.options.epochs, seed: lessons.seed),
            selector: selector,
            store: CheckpointStore(
                directory: lessons.folder.checkpoints, keep: recipe.checkpoint.keepLatest),
            points: TrainingSchedulePoints(
                evaluationSteps: recipe.evaluate.evaluationSteps,
                saveSteps: recipe.checkpoint.saveSteps),
            fingerprint: lessons.fingerprint,
            hooks: .init(
                sample: { index, _, _ in samples[index] }, uncertainties: uncertainties,
                evaluate: measure, event: log.note, isStopRequested: session.isStopRequested))
        return try loop.run(resume: resume)
    }

    /// LLKD's gates over texts, which have no classes; a token's weight in the loss is always 1.
    private func selector(_ lessons: Lessons, _ count: Int) -> LLKDSelector {
        var options = lessons.selection
        options.weighted = false
        return LLKDSelector(
            options: options, seed: lessons.seed, teacher: Array(repeating: [1], count: count),
            gold: Array(repeating: nil, count: count), classes: 0)
    }

    /// Takes the weights that a finished stage ended with.
    ///
    /// - Returns: False where the stage has no good checkpoint.
    func restore(_ stage: RunFolder) throws -> Bool {
        let store = CheckpointStore(
            directory: stage.checkpoints, keep: session.recipe.checkpoint.keepLatest)
        guard let reader = try store.latest(communicator: session.communicator) else {
            return false
        }
        try model.parameters.restore(from: reader)
        return true
    }

    /// Writes the student as a model folder, on the leader; a collective.
    ///
    /// Adapters are merged into the model, and lie beside it as `peft` writes them.
    func export(to path: String) throws {
        try session.byLeader {
            try model.export(to: path)
            if let adapters = model as? LoRAModel {
                try adapters.saveAdapter(to: "\(path)-adapter")
            }
        }
    }
}
