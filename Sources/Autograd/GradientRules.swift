// The one table of gradient rules: for every operation, what its output's gradient gives its inputs.
//
// Read as mathematics: `dy` is the gradient of the output. Gradients by activations go through
// `accumulate(into:)`, which sums over uses; gradients by weights go through `foldLeaves(of:)`, which
// sums over the rows of the batch in the fixed tree.

import TensorCore

extension Tape {
    /// Hands the gradient `dy` of a node's output to the node's inputs.
    func differentiate(_ node: Node, _ dy: Matrix) {
        switch node.operation {
        case .constant:
            break

        case .parameter(let index):
            // Its gradient would be lost: weights' gradients go through the leaf fold alone.
            preconditionFailure(
                "\(parameters.parameters[index].name) is used as an activation, not as a weight")

        case .embeddingSum(let tables, let ids):
            for (table, ids) in zip(tables, ids) {
                foldEmbedding(table: table, ids: ids, outputGradient: dy)
            }

        case .linear(let x, let weight, let bias):  // y = x W^T + b
            accumulate(into: x) { dx, adding in
                compute.gemm(dy, weight.value, into: dx, accumulate: adding)
            }
            foldLeaves(of: weight, axis: x.axis) { rows, dWeight in
                compute.gemm(
                    dy.rows(rows), transposed: true, x.value.rows(rows), into: dWeight)
            }
            if let bias {
                foldLeaves(of: bias, axis: x.axis) { rows, dBias in
                    compute.columnSum(dy.rows(rows), into: dBias)
                }
            }

        case .gelu(let x):
            accumulate(into: x, writing: { compute.geluBackward(x.value, dy, into: $0) })

        case .tanh(let x):
            accumulate(
                into: x, writing: { compute.tanhBackward(node.output.value, dy, into: $0) })

        case .relu(let x):
            accumulate(into: x, writing: { compute.reluBackward(x.value, dy, into: $0) })

        case .add(let a, let b):
            forward(dy, to: b, mayAlias: false)
            forward(dy, to: a, mayAlias: true)

        case .dropout(let x, let probability, let stream):  // the same mask again
            accumulate(
                into: x,
                writing: {
                    compute.dropout(dy, probability: probability, stream: stream, into: $0)
                })

        case .layerNorm(let x, let gamma, let beta, let mean, let reciprocalDeviation):
            accumulate(into: x, alwaysRuns: true) { dx, adding in
                foldLeaves(of: gamma, and: beta, axis: x.axis) { rows, dGamma, dBeta in
                    dGamma.fill(0)
                    dBeta.fill(0)
                    compute.layerNormBackward(
                        x.value.rows(rows), gamma: gamma.value, mean: mean.columns(rows),
                        reciprocalDeviation: reciprocalDeviation.columns(rows), dy.rows(rows),
                        into: dx.rows(rows), accumulate: adding, gradientGamma: dGamma,
                        gradientBeta: dBeta)
                }
            }

        case .attention(let query, let key, let value, let context):
            differentiateAttention(query, key, value, context, dy)

        case .meanPool(let x):
            accumulate(into: x) { dx, adding in meanPoolBackward(dy, into: dx, adding) }

        case .firstToken(let x):
            accumulate(into: x) { dx, adding in firstTokenBackward(dy, into: dx, adding) }
        }
    }
}
