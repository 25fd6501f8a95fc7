// Multiple choice: which of an item's choices a model takes for right.
//
//   encoder for multiple choice   the choice of the (question, choice) pair with the highest score
//   decoder, zero-shot            letters: the most probable letter behind the listed choices;
//                                 texts: the choice with the highest mean log-probability of its tokens
//                                 behind the question alone
//
// Confidences are the choice's share among the item's choices. The classes of the table are letters: a
// model that favours one shows it there.

import Collectives
import Models
import Reporting
import Teacher
import TensorCore
import Tokenizers
import Training

extension ModelEvaluation {
    static func choices(
        _ request: EvaluationRequest, _ communicator: Communicator, _ compute: Compute
    ) throws -> ModelEvaluation {
        let items = try ChoiceItemReader(request.data.test).items
        let rows =
            try DecoderFolder.isDecoder(request.student.model)
            ? decoderChoices(request, items, communicator, compute)
            : encoderChoices(request, items, communicator, compute)
        let letters = Array(
            LLM2LLMTask.letters.prefix(items.reduce(2) { max($0, $1.choices.count) }))
        let judged = zip(items, rows).map { item, row in
            let chosen = row.map(\.mostProbable)
            return Judgement(
                gold: item.answer, chosen: chosen,
                confidence: chosen.flatMap { choice in row.map { $0[choice] } })
        }
        let predictions = zip(zip(items, rows), judged).map { pair, judgement in
            Prediction.choice(id: pair.0.id, judgement, pair.1, letters)
        }
        let figures = ClassFigures(
            judged, labels: letters, bootstrap: bootstrap(request, items.count, communicator))
        return ModelEvaluation(figures: .classes(figures), predictions: predictions)
    }

    private static func encoderChoices(
        _ request: EvaluationRequest, _ items: [ChoiceItem], _ communicator: Communicator,
        _ compute: Compute
    ) throws -> [[Double]?] {
        let student = try MultipleChoiceModel(ModelFolder(path: request.student.model))
        let pairs = ChoicePairs(
            items, try Tokenizer(contentsOf: request.student.model),
            min(request.student.maximumLength, student.configuration.maximumLength))
        return try Inference(student, compute: compute).choiceScores(
            of: items.count, over: communicator
        ) { part in part.map { pairs[$0] } }.map { softmax($0) }
    }

    private static func decoderChoices(
        _ request: EvaluationRequest, _ items: [ChoiceItem], _ communicator: Communicator,
        _ compute: Compute
    ) throws -> [[Double]?] {
        let model = try LocalModel(
            folder: request.student.model, chatTemplate: request.student.chatTemplate,
            compute: compute)
        var options = Recipe.MCQAOptions()
        options.generation = .none
        options.scoring = request.scoring
        // The choices are all there is to choose from, however little the model thinks of them.
        options.minimumLetterMass = 0
        let scoring = ChoiceScoring(
            options: options,
            source: .asked(
                scores: { asked in
                    let scores: [[Double]?] = try communicator.inParts(of: asked.count) { part in
                        try model.scores(of: Array(asked[part])).map { answer in
                            guard case .known(let scores) = answer else { return nil }
                            return scores.compactMap { $0 }
                        }
                    }
                    return scores.map { $0.map { .known($0) } ?? .failed("too long") }
                }, cost: { _ in LedgerTotals() }))
        let scored = try scoring.scored(items).items
        let known = Dictionary(scored.map { ($0.id, $0.probabilities) }) { first, _ in first }
        return items.map { known[$0.id] }
    }
}

extension Prediction {
    /// A choice: `{"id", "gold", "predicted", "confidence", "choice_probabilities"}`, in letters.
    static func choice(
        id: String, _ judgement: Judgement, _ probabilities: [Double]?, _ letters: [String]
    ) -> Prediction {
        Prediction(
            value: .object([
                .init("id", .text(id)), .init("gold", .text(letters[judgement.gold])),
                .init("predicted", judgement.chosen.map { .text(letters[$0]) } ?? .null),
                .init("confidence", judgement.confidence.map { .number($0) } ?? .null),
                .init(
                    "choice_probabilities",
                    probabilities.map { .list($0.map { .number($0) }) } ?? .null),
            ]))
    }
}
