// A decoder on the tape with all of its weights trained. The layers' arithmetic: DecoderLayer.swift; the
// loss of predicting each next token: CausalStudent.swift.
//
// Shape legend: N tokens, S sequences, D width, V vocabulary.

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
        let find = NamedWeights(parameters: parameters, prefix: "")
        let form = DecoderForm(configuration, longest: tape.layout.longestSequence)
        var state = tape.embeddingSum(
            [tape.parameter(find.weight(DecoderLayout.tokens))], ids: [batch.ids])
        for index in 0..<configuration.layerCount {
            let weights = TrainedLayer(index, configuration, find)
            let layer = DecoderLayer(index, form, weights)
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

/// One layer's weights by place in the parameter set, all of them trained.
private struct TrainedLayer: DecoderLayerWeights {
    /// Neighbouring weights and, if there are any, neighbouring biases.
    struct Linear {
        let weights: Range<Int>
        let biases: Range<Int>?

        func layer(_ tape: Tape) -> LinearLayer {
            .trained(weight: tape.parameters(weights), bias: biases.map(tape.parameters))
        }
    }

    private let norms: [Int]
    private let linears: [Linear]

    init(_ index: Int, _ configuration: DecoderConfiguration, _ find: NamedWeights) {
        let names = DecoderLayerNames(index)
        norms = [find.weight(names.attentionNorm), find.weight(names.feedForwardNorm)]
        linears = DecoderLinear.allCases.map { place in
            let (parts, hasBias) = (names.modules(place), configuration.hasBias(place))
            func range(_ kind: String) -> Range<Int> {
                let first = find.weight("\(parts[0]).\(kind)")
                return first..<first + parts.count
            }
            return Linear(weights: range("weight"), biases: hasBias ? range("bias") : nil)
        }
    }

    func norm(_ place: DecoderNorm, _ tape: Tape) -> Variable {
        tape.parameter(norms[place.rawValue])
    }

    func linear(_ place: DecoderLinear, _ tape: Tape) -> LinearLayer {
        linears[place.rawValue].layer(tape)
    }
}
