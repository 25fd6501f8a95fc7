// The student of a run on all ranks: an encoder that gives each (question, choice) pair one score. Trained from
// its original weights on items with probabilities of their choices, asked for the probabilities of others.
// Every call is a collective, and what it gives is the same on all ranks and for any count of them.

import Checkpoint
import Collectives
import Models
import TensorCore
import Tokenizers
import Training

/// An item with what a student is to learn of it.
struct ChoiceLesson {
    let item: ChoiceItem
    /// Wanted probabilities of the choices.
    let target: [Double]
    /// The choice of the hard part of the loss; nil where there is none.
    var label: Int?
}

/// A multiple-choice student.
final class ChoiceStudent {
    private let session: RunSession
    private let source: ClassifierSource
    private var model: MultipleChoiceModel
    private var recipe: Recipe { session.recipe }

    init(_ session: RunSession) throws {
        self.session = session
        source = try ClassifierSource(session.recipe)
        model = try Self.original(source, session.recipe)
    }

    /// One line for people.
    var description: String {
        "\(source.folder.path), \(fixed(Double(model.weightCount) / 1e6, 1)) million weights, on "
            + "\(session.communicator.size) ranks x \(session.compute.threadCount) threads, "
            + "\(session.compute.instructionSet)"
    }

    private static func original(
        _ source: ClassifierSource, _ recipe: Recipe
    ) throws -> MultipleChoiceModel {
        try MultipleChoiceModel(
            source.folder, seed: recipe.seed, newHead: recipe.student.newHead)
    }

    /// What a student learns, and how.
    struct Course {
        let lessons: [ChoiceLesson]
        let loss: ChoiceLoss
        let epochs: Int
        /// Which items of a batch are learnt.
        let selection: SelectionOptions
    }

    /// Trains from the original weights, or goes on from the folder's newest checkpoint.
    ///
    /// - Returns: False when stopped, after a checkpoint was saved.
    func train(_ course: Course, in folder: RunFolder, fingerprint: String) throws -> Bool {
        model = try Self.original(source, recipe)
        guard course.selection.rule != .all else {
            return try train(course, EverySample(), in: folder, fingerprint)
        }
        // Choices aren't classes: the first of one item has nothing to do with the first of another.
        let selector = LLKDSelector(
            options: course.selection, seed: recipe.seed, teacher: course.lessons.map(\.target),
            gold: course.lessons.map { _ in nil }, classes: 0)
        return try train(course, selector, in: folder, fingerprint)
    }

    private func train<Selector: BatchSelector>(
        _ course: Course, _ selector: Selector, in folder: RunFolder, _ fingerprint: String
    ) throws -> Bool {
        let lessons = course.lessons
        var options = recipe.train
        options.epochs = course.epochs
        let pairs = ChoicePairs(lessons.map(\.item), source.tokenizer, recipe.student.maximumLength)
        let trainer = ParallelStudent(
            MultipleChoiceTask(model, loss: course.loss), options: options, seed: recipe.seed,
            communicator: session.communicator, compute: session.compute)
        let inference = Inference(model, compute: session.compute, memory: trainer.memory)
        let log = TrainingLog(
            folder: folder, console: session.console, loggingSteps: recipe.evaluate.loggingSteps)
        let loop = TrainingLoop(
            trainer: trainer,
            order: BatchOrder(
                poolSize: lessons.count, batchSize: options.globalBatchSize, epochs: course.epochs,
                seed: recipe.seed),
            selector: selector,
            store: CheckpointStore(
                directory: folder.checkpoints, keep: recipe.checkpoint.keepLatest),
            points: TrainingSchedulePoints(
                evaluationSteps: 0, saveSteps: recipe.checkpoint.saveSteps),
            fingerprint: fingerprint,
            hooks: .init(
                sample: { index, weight, isOwn in
                    MultipleChoiceSample(
                        choices: isOwn ? pairs[index] : pairs.without(index),
                        target: lessons[index].target, label: lessons[index].label,
                        weight: weight, sample: UInt32(index))
                },
                uncertainties: { [communicator = session.communicator] samples in
                    try inference.choiceScores(of: samples.count, over: communicator) { part in
                        samples[part].map { pairs[$0] }
                    }.map { normalizedEntropy(softmax($0)) }
                },
                evaluate: { _ in nil }, event: log.note, isStopRequested: session.isStopRequested))
        let isComplete = try loop.run(resume: .automatic)
        try log.close()
        return isComplete
    }

    /// The student's answers to items.
    func answers(to items: [ChoiceItem]) throws -> [ChoiceAnswer] {
        let pairs = ChoicePairs(items, source.tokenizer, recipe.student.maximumLength)
        let scores = try Inference(model, compute: session.compute).choiceScores(
            of: items.count, over: session.communicator
        ) { part in part.map { pairs[$0] } }
        return zip(items, scores).map { ChoiceAnswer($0, softmax($1)) }
    }

    /// Writes the student as a model folder, by the leading rank; a collective.
    func export(to path: String) throws {
        try session.byLeader { try model.export(to: path) }
    }
}

/// Questions with each of their choices as token ids, made when first asked for: a rank only ever tokenises
/// what it computes on.
///
/// As BERT and its kind read pairs: `[CLS] question [SEP] choice [SEP]`; what is too long is cut as the
/// tokenizer says, the longer of both first where it says nothing.
final class ChoicePairs {
    private let items: [ChoiceItem]
    private let tokenizer: Tokenizer
    private let maximumLength: Int
    private var known: [[TokenSequence]?]

    init(_ items: [ChoiceItem], _ tokenizer: Tokenizer, _ maximumLength: Int) {
        self.items = items
        self.tokenizer = tokenizer
        self.maximumLength = maximumLength
        known = Array(repeating: nil, count: items.count)
    }

    /// The pairs of an item.
    subscript(index: Int) -> [TokenSequence] {
        if let known = known[index] { return known }
        let made = items[index].choices.map { choice in
            let encoding = tokenizer.encode(
                items[index].question, pair: choice, maximumLength: maximumLength, padding: .none)
            return TokenSequence(ids: encoding.ids, typeIDs: encoding.typeIDs)
        }
        known[index] = made
        return made
    }

    /// Their count, without their words.
    func without(_ index: Int) -> [TokenSequence] {
        items[index].choices.map { _ in TokenSequence(ids: []) }
    }
}
