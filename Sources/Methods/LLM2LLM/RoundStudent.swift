// The student of one round, whatever it is: trained from its original weights on a data set, asked for one
// answer an item, exported. Every round has a folder of its own for checkpoints and metrics.

import Collectives
import Corpus
import Models
import Teacher
import TensorCore
import Tokenizers
import Training

/// A student that is begun anew each round.
protocol RoundStudent: AnyObject {
    /// One line for people.
    var description: String { get }

    /// Trains from the original weights, or goes on from the folder's newest checkpoint.
    ///
    /// - Returns: False when stopped, after a checkpoint was saved.
    func train(
        on items: [LLM2LLMItem], in folder: RunFolder, fingerprint: String
    ) throws -> Bool

    /// One answer an item by the trained student; a collective, the same on all ranks.
    func answers(to items: [LLM2LLMItem]) throws -> [String]

    /// Writes the trained student as a model folder, by the leading rank; a collective.
    func export(to path: String) throws
}

/// An encoder with a classifier: its answer is its most probable label.
final class ClassifierOfRound: RoundStudent {
    let description: String
    private let recipe: Recipe
    private let labels: LabelSet
    private let source: ClassifierSource
    private let session: RunSession
    private var student: EncoderClassifier?

    init(_ session: RunSession, labels: LabelSet) throws {
        self.session = session
        var recipe = session.recipe
        // An item is learnt for its one label.
        recipe.method.selection = recipe.method.llm2llm.selection
        recipe.method.target = .hard
        self.recipe = recipe
        self.labels = labels
        source = try ClassifierSource(recipe)
        description = "\(source.folder.path), a classifier of \(labels.count) labels"
    }

    func train(
        on items: [LLM2LLMItem], in folder: RunFolder, fingerprint: String
    ) throws -> Bool {
        let student = try EncoderClassifier(
            source.folder, labels: labels.names, seed: recipe.seed, newHead: recipe.student.newHead)
        self.student = student
        let records = items.map {
            Record(id: $0.id, text: $0.question, source: Place(file: $0.source, line: 0))
        }
        let pool = try LabelledPool(
            records, items.map { LabelRecord(id: $0.id, label: $0.answer) }, labels: labels,
            needsConfidence: false)
        return try TrainStage(
            recipe: recipe, folder: folder, fingerprint: fingerprint,
            communicator: session.communicator, compute: session.compute,
            console: session.console, student: student, tokenizer: source.tokenizer, evaluation: nil
        ).run(pool, resume: .automatic, isStopRequested: session.isStopRequested).isComplete
    }

    func answers(to items: [LLM2LLMItem]) throws -> [String] {
        guard let student else { preconditionFailure("asked before it was trained") }
        let texts = TokenizedTexts(
            items.map(\.question), tokenizer: source.tokenizer,
            maximumLength: recipe.student.maximumLength)
        return try Inference(student, compute: session.compute)
            .probabilities(of: items.count, over: session.communicator) { $0.map { texts[$0] } }
            .map { labels.names[$0.mostProbable] }
    }

    func export(to path: String) throws {
        guard let student else { preconditionFailure("exported before it was trained") }
        try session.byLeader { try student.export(to: path) }
    }
}

/// A decoder: its answer is what it says, greedily, to the prompt that it was trained with.
final class DecoderOfRound: RoundStudent {
    var description: String { student.description }
    private let session: RunSession
    private let task: LLM2LLMTask
    private let student: GenerativeStudent

    init(_ session: RunSession, task: LLM2LLMTask) throws {
        self.session = session
        self.task = task
        student = try GenerativeStudent(session)
    }

    func train(
        on items: [LLM2LLMItem], in folder: RunFolder, fingerprint: String
    ) throws -> Bool {
        try student.reset()
        return try student.train(
            GenerativeStudent.Lessons(
                examples: items.map {
                    TextExample(id: $0.id, prompt: task.prompt($0), answer: $0.answer)
                }, options: session.recipe.train, folder: folder, fingerprint: fingerprint,
                seed: session.recipe.seed, selection: session.recipe.method.llm2llm.selection),
            resume: .automatic
        ).isComplete
    }

    func answers(to items: [LLM2LLMItem]) throws -> [String] {
        try student.answers(
            to: items.map { task.prompt($0) },
            AnswerOptions(maximumTokens: session.recipe.evaluate.maximumNewTokens))
    }

    func export(to path: String) throws { try student.export(to: path) }
}
