// What training, generation and export want of a decoder that learns, whichever of its weights do: all of
// them (`DecoderModel`) or adapters beside frozen ones (`LoRAModel`). Not here: layers, ranks, optimisers.
//
// Shape legend: N tokens, M of them that predict something, D width, V vocabulary.

public import Autograd
public import TensorCore

/// A decoder that learns to predict next tokens.
public protocol CausalStudent: AnyObject, Sendable {
    /// The weights that are trained, and no others: what has gradients, moments and a place in
    /// checkpoints. A tape that is handed to this model is one over this set.
    var parameters: ParameterSet { get }
    /// What the folder's `config.json` says.
    var configuration: DecoderConfiguration { get }
    /// The folder that the model came from; of adapters, the base's.
    var folder: DecoderFolder { get }

    /// The states after the last normalisation, `N x D`.
    ///
    /// - Parameters:
    ///   - tape: A tape over the batch's layout and `parameters`.
    ///   - batch: The texts, checked by `check(_:labels:)`.
    ///   - recomputesLayers: Keeps one state a layer and runs each layer again in the backward pass.
    ///   - dropout: The step's dropout; nil for none.
    func lastState(
        _ tape: Tape, _ batch: DecoderBatch, recomputesLayers: Bool, dropout: DropoutPlan?
    ) -> Variable

    /// Runs the output layer and a loss over some rows of states, some rows at a time.
    ///
    /// - Parameters:
    ///   - tape: The tape that made the states.
    ///   - state: What `lastState` gave, `N x D`.
    ///   - chosen: The token rows that have a target, rising; M of them.
    ///   - loss: Gets a range of `chosen` and their scores (`rows x V`), which it replaces by the loss's
    ///     gradient; see `ScoreLoss`.
    /// - Returns: The gradient by `state`, for `Tape.backward(from:gradient:)`; nil on a tape that
    ///   doesn't record.
    func headLoss(
        _ tape: Tape, _ state: Variable, chosen: [Int], loss: @escaping ScoreLoss
    ) -> Matrix?

    /// A decoder for inference with the weights as they are now; of no use when they have changed.
    ///
    /// - Throws: `ModelError` where a tensor of the folder can't be read.
    func decoder(compute: Compute) throws(ModelError) -> Decoder

    /// Writes a folder that `transformers` loads with `from_pretrained`: the whole model.
    ///
    /// The folder appears whole or not at all; one that is there already is replaced.
    ///
    /// - Throws: `ModelError` where a tensor can't be read or the system refuses to write.
    func export(to target: String) throws(ModelError)
}

/// The sum of a batch's losses.
public struct TokenLoss: Sendable {
    /// The sum of cross-entropies, in nats.
    public let sum: Double
    /// The count of predicted tokens.
    public let count: Int
}

extension CausalStudent {
    /// Names of the tables whose gradient holds the rows of a batch's tokens alone: the token table,
    /// unless it is the output layer too.
    public var rowTables: [String] {
        configuration.tiesEmbeddings ? [] : [DecoderLayout.tokens]
    }

    /// Refuses texts and targets that the model has no rows or positions for.
    ///
    /// - Throws: `ModelError.invalidInput`.
    public func check(_ texts: [[Int32]], labels: [[Int32]]) throws(ModelError) {
        for (text, labels) in zip(texts, labels) {
            guard !text.isEmpty else { throw ModelError(.invalidInput, "a text of 0 tokens") }
            try configuration.check(text, after: 0)
            try configuration.check(labels.filter { $0 != DecoderBatch.ignored }, after: 0)
        }
    }

    /// Runs the model and any loss of the predicting rows' scores; on a tape that records, its gradient by
    /// all of `parameters` too.
    ///
    /// - Parameters:
    ///   - tape: A tape over the batch's layout and `parameters`.
    ///   - batch: The texts, checked by `check(_:labels:)`.
    ///   - recomputesLayers: Keeps one state a layer and runs each layer again in the backward pass.
    ///   - dropout: The step's dropout; nil for none.
    ///   - loss: Gets a range of places in `batch.predicting` and the scores of those rows (`rows x V`),
    ///     and replaces them by the loss's gradient. It may be called twice for a row and must do the
    ///     same both times, so sums belong in a place for each row.
    public func scoreLoss(
        _ tape: Tape, _ batch: DecoderBatch, recomputesLayers: Bool = false,
        dropout: DropoutPlan? = nil, loss: @escaping ScoreLoss
    ) {
        let state = lastState(
            tape, batch, recomputesLayers: recomputesLayers, dropout: dropout)
        if let gradient = headLoss(tape, state, chosen: batch.predicting, loss: loss) {
            tape.backward(from: state, gradient: gradient)
        }
    }

    /// The cross-entropy of the predicted tokens; on a tape that records, its gradient by all of
    /// `parameters` too.
    ///
    /// - Parameters:
    ///   - tape: A tape over the batch's layout and `parameters`.
    ///   - batch: The texts, checked by `check(_:labels:)`.
    ///   - gradientScale: Factor on the gradients: 1 over the global count of predicted tokens.
    ///   - recomputesLayers: Keeps one state a layer and runs each layer again in the backward pass.
    ///   - dropout: The step's dropout; nil for none.
    public func tokenLoss(
        _ tape: Tape, _ batch: DecoderBatch, gradientScale: Float,
        recomputesLayers: Bool = false, dropout: DropoutPlan? = nil
    ) -> TokenLoss {
        let chosen = batch.predicting
        let losses = LossOfTokens(count: chosen.count)
        let compute = tape.compute
        scoreLoss(tape, batch, recomputesLayers: recomputesLayers, dropout: dropout) {
            part, scores in
            var some = [Double](repeating: 0, count: part.count)
            compute.crossEntropy(
                scores, targets: chosen[part].map { batch.targets[$0] },
                gradientScale: gradientScale, into: scores, losses: &some)
            losses.values.replaceSubrange(part, with: some)
        }
        return TokenLoss(sum: losses.values.reduce(0, +), count: chosen.count)
    }
}

/// The losses of tokens, filled part by part.
private final class LossOfTokens {
    var values: [Double]

    init(count: Int) { values = [Double](repeating: 0, count: count) }
}
