// The operations that the tape records, with what each keeps for its backward pass.
//
// Coarse on purpose: an operation here is a pass over memory that is worth fusing and timing (a
// linear layer with its activation, attention of a whole layer), not an arithmetic symbol. How each is
// differentiated stands in one table, `GradientRules.swift`.

public import TensorCore

/// A value on the tape: a handle on its matrix and on its place in the record.
public struct Variable: Sendable {
    /// Position on the tape.
    let index: Int
    /// The value; it belongs to the tape's arena and dies with the step, or when it is discarded.
    public let value: Matrix
    /// What its rows stand for.
    public let axis: RowAxis
}

/// A function of elements that a linear layer ends with, under the name that model folders give it.
public enum Activation: String, Sendable {
    /// The exact Gaussian error linear unit.
    case gelu
    /// `max(x, 0)`.
    case relu
}

/// What made a value.
enum Operation {
    /// Neighbouring weights; the numbers are their indices in the parameter set.
    case parameter(Range<Int>)
    /// An input that needs no gradient.
    case constant
    /// Sum over tables of `table[ids]`.
    case embeddingSum(tables: [Variable], ids: [[Int32]], frozenRows: [Int32?])
    /// `x W^T + b`.
    case linear(x: Variable, LinearWeights)
    /// `f(x W^T + b)`, with the argument of f.
    case activatedLinear(x: Variable, LinearWeights, Activation, argument: Kept)
    /// `norm(dropout(x W^T + b) + residual)`: how a sublayer of a transformer ends.
    case linearAddNorm(
        x: Variable, LinearWeights, residual: Variable, NormWeights, AddNormContext)
    case gelu(Variable)
    case tanh(Variable)
    case relu(Variable)
    case add(Variable, Variable)
    case dropout(Variable, probability: Float, mask: DropoutMask)
    case layerNorm(Variable, NormWeights, NormContext)
    /// Softmax attention inside each sequence.
    case attention(AttentionInputs, AttentionContext)
    /// The rows of a table that a batch's relative positions need, leaf by leaf.
    case relativeEmbeddings(Variable)
    /// Attention inside each sequence by content and relative position, with its projections.
    case disentangledAttention(
        x: Variable, weight: Variable, bias: Variable, positions: Variable, DisentangledContext)
    /// The input of a part that is recomputed.
    case input
    /// A part of the model that is run again in the backward pass.
    case recomputed(Variable, (Tape, Variable) -> Variable)
    case rootMeanSquareNorm(Variable, gamma: Variable, epsilon: Float, reciprocal: Matrix)
    /// `silu(gate) up`, with gate and up side by side in `x W^T + b`, which is kept.
    case gatedLinear(x: Variable, LinearWeights, gateAndUp: Kept)
    /// `x W^T + b + residual`.
    case linearAdd(x: Variable, LinearWeights, residual: Variable)
    /// Softmax attention to what stands before, inside each sequence.
    case causalAttention(Variable, CausalAttentionContext)
    /// Mean over the tokens of each sequence.
    case meanPool(Variable)
    /// The first token's row of each sequence.
    case firstToken(Variable)

    /// What the value was made of, weights included.
    ///
    /// What is inside a part that is recomputed isn't known before it has run: it is taken for trained.
    var inputs: [Variable] {
        switch self {
        case .parameter, .constant, .input, .recomputed: []
        case .embeddingSum(let tables, _, _): tables
        case .linear(let x, let linear), .activatedLinear(let x, let linear, _, _),
            .gatedLinear(let x, let linear, _):
            [x] + linear.trained
        case .linearAdd(let x, let linear, let residual): [x, residual] + linear.trained
        case .linearAddNorm(let x, let linear, let residual, let norm, _):
            [x, residual, norm.gamma, norm.beta] + linear.trained
        case .gelu(let x), .tanh(let x), .relu(let x), .dropout(let x, _, _), .meanPool(let x),
            .firstToken(let x), .causalAttention(let x, _):
            [x]
        case .add(let a, let b): [a, b]
        case .layerNorm(let x, let norm, _): [x, norm.gamma, norm.beta]
        case .attention(.joined(let projections), _): [projections]
        case .attention(.separate(let query, let key, let value), _): [query, key, value]
        case .relativeEmbeddings(let table): [table]
        case .disentangledAttention(let x, let weight, let bias, let positions, _):
            [x, weight, bias, positions]
        case .rootMeanSquareNorm(let x, let gamma, _, _): [x, gamma]
        }
    }

    /// Whether the value has a gradient that anybody wants, given that of those before it.
    func isTrained(_ earlier: [Bool]) -> Bool {
        switch self {
        case .constant: false
        case .parameter, .input, .recomputed: true
        default: inputs.contains { earlier[$0.index] }
        }
    }

    /// The operation's name in a profile.
    var name: StaticString {
        switch self {
        case .parameter: "weight"
        case .constant: "constant"
        case .embeddingSum: "embedding"
        case .linear: "linear"
        case .activatedLinear: "linear + activation"
        case .linearAddNorm: "linear + add + norm"
        case .gelu: "gelu"
        case .tanh: "tanh"
        case .relu: "relu"
        case .add: "add"
        case .dropout: "dropout"
        case .layerNorm: "norm"
        case .attention: "attention"
        case .relativeEmbeddings: "relative embeddings"
        case .disentangledAttention: "attention"
        case .input: "input"
        case .recomputed: "recomputed"
        case .rootMeanSquareNorm: "norm"
        case .gatedLinear: "gated linear"
        case .linearAdd: "linear + add"
        case .causalAttention: "attention"
        case .meanPool: "mean pool"
        case .firstToken: "first token"
        }
    }
}

/// A recorded operation.
struct Node {
    let operation: Operation
    let output: Variable
}
