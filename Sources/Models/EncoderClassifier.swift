// An encoder for sequence classification: scores of the classes for each text.
// Reference: transformers, `BertForSequenceClassification` and its kind.
//
// Shape legend: S sequences, C classes.

public import Autograd

/// A classifier: token ids in, class scores out.
public final class EncoderClassifier: EncoderStudent {
    /// The class names, by index.
    public let labels: [String]
    private let model: HeadedEncoder

    /// What the folder's `config.json` says.
    public var configuration: EncoderConfiguration { model.configuration }
    /// All weights.
    public var parameters: ParameterSet { model.parameters }
    /// The folder that the weights came from.
    public var folder: ModelFolder { model.folder }

    /// Loads a student from a folder.
    ///
    /// A folder without a classifier (a bare encoder) gets a new one: normal weights with the
    /// folder's `initializer_range`, drawn from `seed`, and zero biases; the pooler likewise.
    ///
    /// - Parameters:
    ///   - folder: An opened model folder.
    ///   - labels: The task's classes; nil takes those of the folder.
    ///   - seed: Seed of new weights.
    ///   - newHead: Replaces a classifier that the folder has.
    /// - Throws: `ModelError` naming each missing, unknown or misshapen tensor.
    public init(
        _ folder: ModelFolder, labels: [String]? = nil, seed: UInt64 = 0, newHead: Bool = false
    ) throws(ModelError) {
        let labels = labels ?? folder.configuration.labels
        guard labels.count >= 2 else {
            throw ModelError(
                .missing, "\(folder.path)/config.json: no id2label; name the task's labels")
        }
        self.labels = labels
        model = try HeadedEncoder(
            folder, task: .classification(classes: labels.count), seed: seed, newHead: newHead)
    }

    /// The class scores of a batch, `S x C`.
    public func logits(_ tape: Tape, _ batch: TokenBatch, dropout: DropoutPlan?) -> Variable {
        model.logits(tape, batch, dropout: dropout)
    }

    /// As `logits(_:_:dropout:)`, with the token rows after the embeddings and every layer.
    public func logitsAndHiddenStates(
        _ tape: Tape, _ batch: TokenBatch
    ) -> (logits: Variable, hiddenStates: [Variable]) {
        model.logitsAndHiddenStates(tape, batch)
    }

    /// Writes a folder that `transformers` loads with `from_pretrained`.
    ///
    /// The folder appears whole or not at all; one that is there already is replaced.
    public func export(to path: String) throws(ModelError) {
        try folder.export(
            parameters, task: .classification(classes: labels.count), labels: labels, to: path)
    }
}
