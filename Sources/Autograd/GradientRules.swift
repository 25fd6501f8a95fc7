// The one table of gradient rules: for every operation, what its output's gradient gives its inputs.
//
// Read as mathematics: `dy` is the gradient of the output; it may be overwritten, for nothing reads it
// afterwards. Gradients by activations go through `accumulate(into:)`, which sums over uses; gradients
// by weights go through `foldLeaves(of:)`, which sums over the rows of the batch in the fixed tree.

import TensorCore

extension Tape {
    /// Hands the gradient `dy` of a node's output to the node's inputs.
    func differentiate(_ node: Node, _ dy: Matrix) {
        switch node.operation {
        case .constant:
            break

        case .parameter(let indices):
            // Its gradient would be lost: weights' gradients go through the leaf fold alone.
            preconditionFailure(
                "\(parameters.parameters[indices.lowerBound].name) is used as an activation, not "
                    + "as a weight")

        case .embeddingSum(let tables, let ids, let frozenRows):
            for (place, table) in tables.enumerated() {
                let ids = ids[place]
                if let head = weights(table).flatMap({ tiedHeads[$0] }) {
                    foldTiedTable(table, head, ids: ids, dy)
                } else {
                    foldEmbedding(
                        table: table, ids: ids, except: frozenRows[place], outputGradient: dy)
                }
            }

        case .linear(let x, let linear):
            differentiateLinear(x, linear, dy)

        case .activatedLinear(let x, let linear, let activation, let argument):
            differentiateActivatedLinear(x, linear, activation, argument: argument, dy)

        case .linearAddNorm(let x, let linear, let residual, let norm, let context):
            differentiateLinearAddNorm(x, linear, residual: residual, norm, context, dy)

        case .gelu(let x):
            accumulate(into: x, writing: { compute.geluBackward(value(of: x), dy, into: $0) })

        case .tanh(let x):
            accumulate(
                into: x, writing: { compute.tanhBackward(value(of: node.output), dy, into: $0) })

        case .relu(let x):
            accumulate(into: x, writing: { compute.reluBackward(value(of: x), dy, into: $0) })

        case .add(let a, let b):
            forward(dy, to: b, mayAlias: false)
            forward(dy, to: a, mayAlias: true)

        case .dropout(let x, let probability, let mask):
            accumulate(
                into: x,
                writing: { compute.dropout(dy, probability: probability, mask: mask, into: $0) })

        case .layerNorm(let x, let norm, let context):
            accumulate(into: x, alwaysRuns: true) { dx, adding in
                normBackward(
                    value(of: x), norm, context, dy, axis: x.axis, into: dx, adding: adding)
            }

        case .attention(let inputs, let context):
            differentiateAttention(inputs, context, dy)

        case .relativeEmbeddings(let table):
            differentiateRelativeEmbeddings(table, dy)

        case .disentangledAttention(let x, let weight, let bias, let positions, let context):
            differentiateDisentangledAttention(
                x, weight: weight, bias: bias, positions: positions, context, dy)

        case .input:
            inputGradient = dy

        case .recomputed(let x, let body):
            differentiateRecomputed(x, body, dy)

        case .rootMeanSquareNorm(let x, let gamma, _, let reciprocal):
            differentiateRootMeanSquareNorm(x, gamma: gamma, reciprocal: reciprocal, dy)

        case .gatedLinear(let x, let linear, let gateAndUp):
            differentiateGatedLinear(x, linear, gateAndUp: gateAndUp, dy)

        case .linearAdd(let x, let linear, let residual):
            differentiateLinear(x, linear, dy)
            forward(dy, to: residual, mayAlias: true)

        case .causalAttention(let projections, let context):
            differentiateCausalAttention(projections, context, dy)

        case .meanPool(let x):
            accumulate(into: x) { dx, adding in meanPoolBackward(dy, into: dx, adding) }

        case .firstToken(let x):
            accumulate(into: x) { dx, adding in firstTokenBackward(dy, into: dx, adding) }
        }
    }
}
