// An encoder for multiple choice: each (question, choice) pair is encoded alone and gets one score; the
// softmax over an item's choices is taken by whoever knows which sequences are one item's.
// Reference: transformers, `BertForMultipleChoice` and its kind.
//
// Shape legend: S sequences, the choices of all items one behind another.

public import Autograd

/// A model that scores choices: token ids of a question with one choice in, one score out.
public final class MultipleChoiceModel: EncoderStudent {
    private let model: HeadedEncoder

    /// What the folder's `config.json` says.
    public var configuration: EncoderConfiguration { model.configuration }
    /// All weights.
    public var parameters: ParameterSet { model.parameters }
    /// The folder that the weights came from.
    public var folder: ModelFolder { model.folder }

    /// Loads a student from a folder.
    ///
    /// A folder without a head (a bare encoder) gets a new one: normal weights with the folder's
    /// `initializer_range`, drawn from `seed`, and zero biases; the pooler likewise.
    ///
    /// - Parameters:
    ///   - folder: An opened model folder.
    ///   - seed: Seed of new weights.
    ///   - newHead: Replaces a head that the folder has, of whichever task.
    /// - Throws: `ModelError` naming each missing, unknown or misshapen tensor.
    public init(
        _ folder: ModelFolder, seed: UInt64 = 0, newHead: Bool = false
    ) throws(ModelError) {
        model = try HeadedEncoder(
            folder, task: .multipleChoice, seed: seed, newHead: newHead)
    }

    /// The score of each sequence of a batch, `S x 1`.
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
        try folder.export(parameters, task: .multipleChoice, labels: [], to: path)
    }
}
