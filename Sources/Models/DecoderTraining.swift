// A decoder on the tape: its layers forward, and the loss of predicting each next token, fused with the
// output layer.
//
// Shape legend: N tokens, S sequences, D width, V vocabulary.
// Reference: transformers, models/llama/modeling_llama.py.

public import Autograd
public import TensorCore

/// Texts with the tokens that are to be predicted.
public struct DecoderBatch: Sendable {
    /// Vocabulary id of each token row.
    public let ids: [Int32]
    /// What each token row is to predict: the label of the token after it, or `ignored`.
    public let targets: [Int32]
    /// Where each sequence and each leaf begins.
    public let layout: BatchLayout

    /// A target that takes no part in the loss, in labels too (transformers writes it so).
    public static let ignored: Int32 = -100

    /// Packs texts in order.
    ///
    /// - Parameters:
    ///   - texts: The texts' ids, none empty.
    ///   - labels: For each text as many labels: the id at that place where it is to be predicted, else
    ///     `ignored`. The first of a text is never predicted.
    ///   - layout: Their layout; nil for one leaf.
    public init(_ texts: [[Int32]], labels: [[Int32]], layout: BatchLayout? = nil) {
        precondition(
            texts.map(\.count) == labels.map(\.count), "labels of other lengths than the texts")
        self.layout = layout ?? BatchLayout(lengths: texts.map(\.count))
        precondition(
            self.layout.sequenceCount == texts.count
                && self.layout.tokenCount == texts.reduce(0) { $0 + $1.count },
            "a layout of \(self.layout.sequenceCount) sequences for \(texts.count)")
        ids = texts.flatMap { $0 }
        targets = labels.flatMap { $0.dropFirst() + [Self.ignored] }
    }

    /// The token rows that predict something, rising.
    public var predicting: [Int] { targets.indices.filter { targets[$0] != Self.ignored } }
}

extension DecoderModel: CausalStudent {
    /// The states after the last normalisation, `N x D`.
    ///
    /// - Parameters:
    ///   - tape: A tape over the batch's layout and this model's weights.
    ///   - batch: The texts.
    ///   - recomputesLayers: Keeps one state a layer and runs each layer again in the backward pass.
    ///   - dropout: Not applied: these families are trained without it.
    public func lastState(
        _ tape: Tape, _ batch: DecoderBatch, recomputesLayers: Bool = false,
        dropout: DropoutPlan? = nil
    ) -> Variable {
        let rotary = RotaryTable(
            frequencies: configuration.rotaryScaling.frequencies(
                headWidth: configuration.headWidth, base: configuration.rotaryBase))
        rotary.reserve(tape.layout.longestSequence)
        let find = NamedWeights(parameters: parameters, prefix: "")
        var state = tape.embeddingSum(
            [tape.parameter(find.weight(DecoderLayout.tokens))], ids: [batch.ids])
        for index in 0..<configuration.layerCount {
            let layer = DecoderLayer(index, configuration, find, rotary)
            if recomputesLayers {
                state = tape.recomputed(state) { tape, x in layer.apply(x, tape) }
            } else {
                state = layer.apply(state, tape)
            }
        }
        return tape.rootMeanSquareNorm(
            state, gamma: tape.parameter(find.weight(DecoderLayout.lastNorm)),
            epsilon: configuration.normEpsilon)
    }

    /// Runs the output layer and a loss over some rows of states (see `CausalStudent`).
    public func headLoss(
        _ tape: Tape, _ state: Variable, chosen: [Int], loss: @escaping ScoreLoss
    ) -> Matrix? {
        let find = NamedWeights(parameters: parameters, prefix: "")
        return tape.headLoss(
            state, weight: tape.parameter(find.weight(DecoderLayout.head(configuration))),
            chosen: chosen, isTied: configuration.tiesEmbeddings, loss: loss)
    }

    /// A decoder for inference with the weights as they are now.
    public func decoder(compute: Compute) throws(ModelError) -> Decoder {
        try Decoder(self, compute: compute)
    }
}

/// One layer's weights by place.
private struct DecoderLayer {
    /// Neighbouring weights and, if there are any, neighbouring biases.
    struct Linear {
        let weights: Range<Int>
        let biases: Range<Int>?
    }

    let epsilon: Float
    let shape: CausalAttentionShape
    let rotary: RotaryTable
    let attentionNorm: Int
    let projections: Linear
    let attentionOutput: Linear
    let feedForwardNorm: Int
    let gateAndUp: Linear
    let down: Linear

    init(
        _ index: Int, _ configuration: DecoderConfiguration, _ find: NamedWeights,
        _ rotary: RotaryTable
    ) {
        func linear(_ names: [String], bias: Bool) -> Linear {
            func range(_ kind: String) -> Range<Int> {
                let first = find.weight("\(names[0]).\(kind)")
                return first..<first + names.count
            }
            return Linear(weights: range("weight"), biases: bias ? range("bias") : nil)
        }
        let names = DecoderLayerNames(index)
        epsilon = configuration.normEpsilon
        self.rotary = rotary
        shape = CausalAttentionShape(
            heads: configuration.headCount, keyHeads: configuration.keyHeadCount,
            headWidth: configuration.headWidth, window: configuration.windows[index])
        attentionNorm = find.weight(names.attentionNorm)
        projections = linear(names.projections, bias: configuration.hasProjectionBias)
        attentionOutput = linear([names.attentionOutput], bias: configuration.hasOutputBias)
        feedForwardNorm = find.weight(names.feedForwardNorm)
        gateAndUp = linear(names.gateAndUp, bias: configuration.hasInnerBias)
        down = linear([names.down], bias: configuration.hasInnerBias)
    }

    func apply(_ x: Variable, _ tape: Tape) -> Variable {
        let first = tape.rootMeanSquareNorm(
            x, gamma: tape.parameter(attentionNorm), epsilon: epsilon)
        let joined = tape.linear(
            first, weight: tape.parameters(projections.weights),
            bias: projections.biases.map(tape.parameters))
        tape.discard(first)
        let context = tape.causalAttention(projections: joined, shape, rotary: rotary)
        tape.discard(joined)
        let middle = tape.linearAdd(
            context, weight: tape.parameters(attentionOutput.weights),
            bias: attentionOutput.biases.map(tape.parameters), residual: x)
        tape.discard(context)
        let second = tape.rootMeanSquareNorm(
            middle, gamma: tape.parameter(feedForwardNorm), epsilon: epsilon)
        let inner = tape.gatedLinear(
            second, weight: tape.parameters(gateAndUp.weights),
            bias: gateAndUp.biases.map(tape.parameters))
        tape.discard(second)
        let output = tape.linearAdd(
            inner, weight: tape.parameters(down.weights),
            bias: down.biases.map(tape.parameters), residual: middle)
        tape.discard(inner)
        tape.discard(middle)
        return output
    }
}
