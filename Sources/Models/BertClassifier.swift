// BERT for sequence classification: the encoder, a pooled vector a sequence, one linear layer.
// Reference: transformers, `BertForSequenceClassification`.
//
// Shape legend: S sequences, D width, C classes.

public import Autograd
import Foundation
import Safetensors
import TensorCore

/// A BERT student: token ids in, class scores out.
public final class BertClassifier: @unchecked Sendable {
    /// What the folder's `config.json` says.
    public let configuration: BertConfiguration
    /// The class names, by index.
    public let labels: [String]
    /// All weights.
    public let parameters: ParameterSet
    /// The folder that the weights came from.
    public let folder: ModelFolder
    private let encoder: BertEncoder
    private let pooler: BertEncoder.Linear?
    private let classifier: BertEncoder.Linear

    private static let prefix = "bert."

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
        configuration = folder.configuration
        self.folder = folder
        let labels = labels ?? folder.configuration.labels
        guard labels.count >= 2 else {
            throw ModelError(
                .missing, "\(folder.path)/config.json: no id2label; name the task's labels")
        }
        self.labels = labels
        let width = configuration.hiddenSize
        var layout = BertEncoder.layout(configuration, prefix: Self.prefix)
        if configuration.pooling == .pooler {
            layout.append(("\(Self.prefix)pooler.dense.weight", [width, width]))
            layout.append(("\(Self.prefix)pooler.dense.bias", [width]))
        }
        layout.append(("classifier.weight", [labels.count, width]))
        layout.append(("classifier.bias", [labels.count]))
        parameters = ParameterSet(
            layout, joined: BertEncoder.joined(configuration, prefix: Self.prefix))

        let find = NamedWeights(parameters: parameters, prefix: "")
        encoder = BertEncoder(configuration, prefix: Self.prefix, in: parameters)
        pooler =
            configuration.pooling == .pooler ? find.linear("\(Self.prefix)pooler.dense") : nil
        classifier = find.linear("classifier")
        try folder.load(
            parameters, bare: Self.prefix,
            optional: ["bert.pooler.dense", "classifier"],
            fresh: newHead ? ["classifier"] : [],
            initializer: FreshWeights(
                seed: seed, deviation: configuration.initializerRange))
    }

    /// The count of weights.
    public var weightCount: Int { parameters.weightCount }

    /// The class scores of a batch, `S x C`.
    public func logits(_ tape: Tape, _ batch: TokenBatch, dropout: DropoutPlan?) -> Variable {
        head(encoder.lastState(tape, batch, dropout), tape, dropout)
    }

    /// As `logits(_:_:dropout:)`, with the token rows after the embeddings and every layer.
    public func logitsAndHiddenStates(
        _ tape: Tape, _ batch: TokenBatch
    ) -> (logits: Variable, hiddenStates: [Variable]) {
        let states = encoder.hiddenStates(tape, batch, nil)
        return (head(states[states.count - 1], tape, nil), states)
    }

    private func head(_ last: Variable, _ tape: Tape, _ dropout: DropoutPlan?) -> Variable {
        let pooled: Variable
        if let pooler {
            pooled = tape.tanh(tape.linear(tape.firstToken(last), pooler))
        } else {
            pooled = tape.meanPool(last)
        }
        let site = dropout?.site(encoder.classifierSite, configuration.classifierDropout)
        return tape.linear(tape.dropout(pooled, site), classifier)
    }

    /// Writes a folder that `transformers` loads with `from_pretrained`.
    ///
    /// The folder appears whole or not at all; one that is there already is replaced.
    public func export(to path: String) throws(ModelError) {
        try folder.export(parameters, labels: labels, to: path)
    }
}
