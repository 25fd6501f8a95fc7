// Measuring a model folder, a run's student or a recipe's teacher on texts with gold labels. All ranks take
// part, each with its part of the texts, and all get the same result.
//
//   encoder with a classifier   the most probable class; for multiple choice: ModelEvaluation+Choices
//   decoder, classify           label words by their log-probabilities behind the prompt
//   decoder, answer             greedy answers, compared with the gold answer
//   a recipe's teacher          its labels, from its ledger where they are there
//
// Intervals are computed by the leader alone: it is the one who speaks.

public import Collectives
import Corpus
import Models
import Teacher
public import TensorCore
import Tokenizers

/// The quality of a model or a teacher on texts with gold labels.
public struct ModelEvaluation: Sendable {
    /// What was measured.
    enum Figures: Sendable, Equatable {
        case classes(ClassFigures)
        case answers(AnswerFigures, AnswerComparison)
    }

    let figures: Figures
    let predictions: [Prediction]

    /// Measures a folder; a collective.
    public static func measure(
        _ request: EvaluationRequest, communicator: Communicator, compute: Compute
    ) throws -> ModelEvaluation {
        let isDecoder = try DecoderFolder.isDecoder(request.student.model)
        let task = try task(request, isDecoder: isDecoder)
        guard task != .choose else { return try choices(request, communicator, compute) }
        let records = try RunInputs.read(request.data.test, request.data, labelRequired: true)
            .records
        switch task {
        case .answer: return try answers(request, records, communicator, compute)
        case .classify where isDecoder:
            return try decoderLabels(request, records, communicator, compute)
        case .classify, .choose: return try classifier(request, records, communicator, compute)
        }
    }

    /// What the model is to do, as asked for or as its folder says.
    private static func task(
        _ request: EvaluationRequest, isDecoder: Bool
    ) throws -> EvaluationRequest.Task {
        let model = request.student.model
        if isDecoder {
            if let task = request.task { return task }
            guard request.labels.isEmpty else { return .classify }
            throw MethodError(
                .invalidRecipe,
                "\(model): is a decoder; say what it is to do: --task classify (its label words are "
                    + "--labels, or those of the data), --task choose or --task answer")
        }
        let architecture = try ModelFolder(path: model).architecture
        let own: EvaluationRequest.Task =
            architecture?.hasSuffix("ForMultipleChoice") == true ? .choose : .classify
        guard request.task == nil || request.task == own else {
            throw MethodError(
                .invalidRecipe,
                "\(model): is an encoder whose task is to \(own.rawValue); leave --task out, or give a "
                    + "decoder's folder")
        }
        return own
    }

    // MARK: - Encoders

    private static func classifier(
        _ request: EvaluationRequest, _ records: [Record], _ communicator: Communicator,
        _ compute: Compute
    ) throws -> ModelEvaluation {
        let folder = try ModelFolder(path: request.student.model)
        let student = try EncoderClassifier(folder)
        let labels = try LabelSet(student.labels)
        let evaluation = try TestEvaluation(
            records, labels: labels, tokenizer: Tokenizer(contentsOf: folder.path),
            maximumLength: min(
                request.student.maximumLength, student.configuration.maximumLength),
            communicator: communicator, compute: compute)
        let rows = try evaluation.probabilities(of: student)
        let answers = zip(records, rows).map { record, row in
            LabelRecord(
                id: record.id, label: labels[row.mostProbable],
                labelProbabilities: Dictionary(uniqueKeysWithValues: zip(labels.names, row)))
        }
        return try judged(request, records, answers, labels, communicator)
    }

    // MARK: - Decoders

    private static func decoderLabels(
        _ request: EvaluationRequest, _ records: [Record], _ communicator: Communicator,
        _ compute: Compute
    ) throws -> ModelEvaluation {
        let labels =
            try request.labels.isEmpty ? LabelSet(discoveredIn: records) : LabelSet(request.labels)
        // Before the model is opened: a label that isn't among them ends it all.
        _ = try GoldLabels.classes(of: records, labels)
        let model = try LocalModel(
            folder: request.student.model, chatTemplate: request.student.chatTemplate,
            compute: compute)
        var options = LabelTaskOptions(model: LocalTeacher.modelName, labels: labels.names)
        options.route = LocalTeacher.route(for: model.template)
        // The labels are all there is to choose from, however little the model thinks of them.
        options.minimumLabelMass = 0
        options.prompts = [
            .init(system: request.student.system, user: request.student.promptTemplate)
        ]
        let teacher = try LocalTeacher(model, task: LabelTask(options))
        let answers = try communicator.inParts(of: records.count) { part in
            try teacher.label(Array(records[part]))
        }
        return try judged(request, records, answers, labels, communicator)
    }

    private static func answers(
        _ request: EvaluationRequest, _ records: [Record], _ communicator: Communicator,
        _ compute: Compute
    ) throws -> ModelEvaluation {
        let examples = records.compactMap(TextExample.init)
        // The gold answers are looked at before anything is generated.
        _ = try AnswerScore(examples.map(\.answer), wanted: examples, by: request.comparison)
        let texts = try DecoderAnswers(request, compute: compute).answers(
            to: examples.map(\.prompt), over: communicator)
        let score = try AnswerScore(texts, wanted: examples, by: request.comparison)
        let predictions = zip(zip(examples, texts), score.right).map { pair, isRight in
            Prediction.answer(
                id: pair.0.id, gold: pair.0.answer, answer: pair.1, isRight: isRight)
        }
        let figures = AnswerFigures(
            score.right, bootstrap: bootstrap(request, predictions.count, communicator))
        return ModelEvaluation(
            figures: .answers(figures, request.comparison), predictions: predictions)
    }

    // MARK: - Teachers

    /// Measures a recipe's teacher on the request's data; a collective.
    ///
    /// What it answers is kept in the run's ledger, and what is there isn't asked again. A teacher on
    /// servers is asked for nothing here: its answers have to be there.
    public static func teacher(
        of recipe: Recipe, _ request: EvaluationRequest, communicator: Communicator,
        compute: Compute, console: RunConsole
    ) throws -> ModelEvaluation {
        let records = try RunInputs.read(request.data.test, request.data, labelRequired: true)
            .records
        let teacher = try TeacherFactory.make(recipe, compute: compute)
        let folder = RunFolder(path: recipe.outputDirectory, labels: recipe.labelDirectory)
        if console.isLeader { try folder.create() }
        try communicator.barrier()
        let isPaid = recipe.teacher.kind == .openai
        let quiet = RunConsole(
            isLeader: false, isTerminal: false, write: { _ in }, warn: console.warn)
        let result = try LabelStage(
            recipe: recipe, teacher: teacher, folder: folder, communicator: communicator,
            console: quiet, mayAsk: !isPaid, isStopRequested: { false }
        ).run(records)
        guard result.missing < records.count else {
            throw MethodError(
                .unusableLabels,
                "\(folder.labels): no answer of the teacher to any of the \(records.count) texts; "
                    + (isPaid
                        ? "ask it by `retort labels make` with --set data.pool=FILE"
                        : "its answers are of other texts"))
        }
        let answers = zip(records, result.answers).map { record, answer in
            answer ?? LabelRecord(id: record.id)
        }
        return try judged(request, records, answers, labels(of: recipe, answers), communicator)
    }

    private static func labels(
        of recipe: Recipe, _ answers: [LabelRecord]
    ) throws -> LabelSet {
        if !recipe.teacher.labels.isEmpty { return try LabelSet(recipe.teacher.labels) }
        guard recipe.teacher.kind != .encoder else {
            return try LabelSet(recipe.teacher.labelSentences.map(\.label))
        }
        return try LabelSet(discoveredIn: answers)
    }

    // MARK: - Judging

    private static func judged(
        _ request: EvaluationRequest, _ records: [Record], _ answers: [LabelRecord],
        _ labels: LabelSet, _ communicator: Communicator
    ) throws -> ModelEvaluation {
        let gold = try GoldLabels.classes(of: records, labels).map { $0 ?? 0 }
        let judged = zip(gold, answers).map { gold, answer in
            Prediction.judgement(answer, gold: gold, labels)
        }
        let predictions = zip(zip(records, answers), judged).map { pair, judgement in
            Prediction.label(id: pair.0.id, judgement, pair.1.labelProbabilities, labels)
        }
        let figures = ClassFigures(
            judged, labels: labels.names,
            bootstrap: bootstrap(request, judged.count, communicator))
        return ModelEvaluation(figures: .classes(figures), predictions: predictions)
    }

    static func bootstrap(
        _ request: EvaluationRequest, _ count: Int, _ communicator: Communicator
    ) -> Bootstrap? {
        guard communicator.rank == 0, request.replicates > 0, count > 0 else { return nil }
        return Bootstrap(count: count, seed: request.seed, replicates: request.replicates)
    }
}
