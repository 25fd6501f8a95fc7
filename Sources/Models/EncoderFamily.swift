// The kinds of encoders, and what they call their parts in a model folder.
// Reference: transformers, models/{bert,roberta,deberta_v2}.

/// A kind of encoder, under the `model_type` of its `config.json`.
public enum EncoderFamily: String, Sendable, CaseIterable {
    /// Devlin et al. 2019, arXiv 1810.04805.
    case bert
    /// Liu et al. 2019, arXiv 1907.11692.
    case roberta
    /// DeBERTa v2 and v3: He et al. 2021, arXiv 2006.03654 and 2111.09543.
    case deberta = "deberta-v2"

    /// What stands before the encoder's names where a head stands beside it.
    var prefix: String {
        switch self {
        case .bert: "bert."
        case .roberta: "roberta."
        case .deberta: "deberta."
        }
    }

    /// What the class names of `transformers` begin with.
    var architecture: String {
        switch self {
        case .bert: "Bert"
        case .roberta: "Roberta"
        case .deberta: "DebertaV2"
        }
    }

    /// The names of queries', keys' and values' projections in a layer.
    var projections: [String] {
        let names = ["query", "key", "value"]
        return names.map { "attention.self.\($0)\(self == .deberta ? "_proj" : "")" }
    }

    /// Name prefixes of pre-training heads that files carry and that no task here uses.
    var pretrainingHeads: [String] {
        switch self {
        case .bert: ["cls."]
        case .roberta: ["lm_head."]
        case .deberta: ["cls.", "lm_predictions.", "mask_predictions."]
        }
    }
}

/// What a head makes of an encoder.
public enum EncoderTask: Sendable, Equatable {
    /// Scores of so many classes for each text.
    case classification(classes: Int)
    /// One score for each (question, choice) pair.
    case multipleChoice

    /// Scores of one sequence.
    var outputs: Int {
        switch self {
        case .classification(let classes): classes
        case .multipleChoice: 1
        }
    }

    /// What the class names of `transformers` end with.
    var architecture: String {
        switch self {
        case .classification: "ForSequenceClassification"
        case .multipleChoice: "ForMultipleChoice"
        }
    }
}
