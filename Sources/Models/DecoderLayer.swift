// One layer of a decoder on the tape, whichever of its weights are trained: the same arithmetic for
// training all of them and for adapters beside frozen ones.
//
// Shape legend: N tokens, D width.
// Reference: transformers, models/llama/modeling_llama.py.

import Autograd
import TensorCore

/// A place for linear layers that have one input and are one product.
enum DecoderLinear: Int, CaseIterable {
    /// Queries, keys and values.
    case projections
    case attentionOutput
    case gateAndUp
    case down
}

/// A place for a normalisation.
enum DecoderNorm: Int {
    case attention
    case feedForward
}

/// Where a layer's weights come from.
protocol DecoderLayerWeights {
    /// Gamma of a normalisation, `1 x D`, on a tape.
    func norm(_ place: DecoderNorm, _ tape: Tape) -> Variable
    /// The linear layers of a place, side by side, on a tape.
    func linear(_ place: DecoderLinear, _ tape: Tape) -> LinearLayer
}

/// What all layers of a pass have in common.
struct DecoderForm {
    let configuration: DecoderConfiguration
    let rotary: RotaryTable

    /// The form for texts of at most so many tokens.
    init(_ configuration: DecoderConfiguration, longest: Int) {
        self.configuration = configuration
        rotary = RotaryTable(
            frequencies: configuration.rotaryScaling.frequencies(
                headWidth: configuration.headWidth, base: configuration.rotaryBase))
        rotary.reserve(longest)
    }
}

/// One layer.
struct DecoderLayer<Weights: DecoderLayerWeights> {
    private let weights: Weights
    private let epsilon: Float
    private let shape: CausalAttentionShape
    private let rotary: RotaryTable

    init(_ index: Int, _ form: DecoderForm, _ weights: Weights) {
        let configuration = form.configuration
        self.weights = weights
        epsilon = configuration.normEpsilon
        rotary = form.rotary
        shape = CausalAttentionShape(
            heads: configuration.headCount, keyHeads: configuration.keyHeadCount,
            headWidth: configuration.headWidth, window: configuration.windows[index])
    }

    /// The layer's output, `N x D` of `N x D`.
    func apply(_ x: Variable, _ tape: Tape) -> Variable {
        let first = tape.rootMeanSquareNorm(
            x, gamma: weights.norm(.attention, tape), epsilon: epsilon)
        let joined = tape.linear(first, weights.linear(.projections, tape))
        tape.discard(first)
        let context = tape.causalAttention(projections: joined, shape, rotary: rotary)
        tape.discard(joined)
        let middle = tape.linearAdd(
            context, weights.linear(.attentionOutput, tape), residual: x)
        tape.discard(context)
        let second = tape.rootMeanSquareNorm(
            middle, gamma: weights.norm(.feedForward, tape), epsilon: epsilon)
        let inner = tape.gatedLinear(second, weights.linear(.gateAndUp, tape))
        tape.discard(second)
        let output = tape.linearAdd(inner, weights.linear(.down, tape), residual: middle)
        tape.discard(inner)
        tape.discard(middle)
        return output
    }
}
