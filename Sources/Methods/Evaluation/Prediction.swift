// What a model said of each text: a line of JSON each, for whoever wants to look closer.

import Corpus
import Reporting

/// What a model said of one text.
struct Prediction: Sendable, Equatable {
    /// The line.
    let value: ReportValue

    /// A class: `{"id", "gold", "predicted", "confidence", "probabilities"}`.
    static func label(
        id: String, _ judgement: Judgement, _ probabilities: [String: Double]?, _ labels: LabelSet
    ) -> Prediction {
        Prediction(
            value: .object([
                .init("id", .text(id)), .init("gold", .text(labels[judgement.gold])),
                .init("predicted", judgement.chosen.map { .text(labels[$0]) } ?? .null),
                .init("confidence", judgement.confidence.map { .number($0) } ?? .null),
                .init(
                    "probabilities",
                    probabilities.map { known in
                        .object(labels.names.map { .init($0, .number(known[$0] ?? 0)) })
                    } ?? .null),
            ]))
    }

    /// An answer in words: `{"id", "gold", "answer", "right"}`.
    static func answer(id: String, gold: String, answer: String, isRight: Bool) -> Prediction {
        Prediction(
            value: .object([
                .init("id", .text(id)), .init("gold", .text(gold)),
                .init("answer", .text(answer)), .init("right", .flag(isRight)),
            ]))
    }

    /// What a label record says, beside the right class: the class that it names, else the most probable
    /// one, the first of equals.
    static func judgement(_ answer: LabelRecord, gold: Int, _ labels: LabelSet) -> Judgement {
        let row = answer.labelProbabilities.map { known in labels.names.map { known[$0] ?? 0 } }
        let named = answer.label.flatMap { label in labels.names.firstIndex(of: label) }
        let chosen = named ?? row.map(\.mostProbable)
        return Judgement(
            gold: gold, chosen: chosen,
            confidence: chosen.flatMap { choice in row.map { $0[choice] } })
    }
}
