// The operations that the tape records, with what each keeps for its backward pass.
//
// Coarse on purpose: an operation here is a pass over memory that is worth fusing and timing (a
// linear layer with its bias, attention of a whole layer), not an arithmetic symbol. How each is
// differentiated stands in one table, `GradientRules.swift`.

public import TensorCore

/// A value on the tape: a handle on its matrix and on its place in the record.
public struct Variable: Sendable {
    /// Position on the tape.
    let index: Int
    /// The value; it belongs to the tape's arena and dies with the step.
    public let value: Matrix
    /// What its rows stand for.
    public let axis: RowAxis
}

/// What made a value.
enum Operation {
    /// A weight; the number is its index in the parameter set.
    case parameter(Int)
    /// An input that needs no gradient.
    case constant
    /// Sum over tables of `table[ids]`.
    case embeddingSum(tables: [Variable], ids: [[Int32]])
    /// `x W^T + b`.
    case linear(x: Variable, weight: Variable, bias: Variable?)
    case gelu(Variable)
    case tanh(Variable)
    case relu(Variable)
    case add(Variable, Variable)
    case dropout(Variable, probability: Float, stream: DropoutStream)
    case layerNorm(
        Variable, gamma: Variable, beta: Variable, mean: Matrix, reciprocalDeviation: Matrix)
    /// Softmax attention inside each sequence.
    case attention(query: Variable, key: Variable, value: Variable, AttentionContext)
    /// Mean over the tokens of each sequence.
    case meanPool(Variable)
    /// The first token's row of each sequence.
    case firstToken(Variable)
}

/// A recorded operation.
struct Node {
    let operation: Operation
    let output: Variable
}
