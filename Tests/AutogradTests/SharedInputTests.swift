// Gradients where a value is used more than once: residuals, two consumers of every kind, and what is
// not a weight at all.

import Autograd
import TensorCore
import TestSupport
import Testing

@Suite struct SharedInputTests {
    typealias Input = GradientCheck.Input
    private let tokens = GradientCheck.tokens
    private let layout = GradientCheck.layout

    private func x(_ columns: Int = 6) -> Input {
        Input(name: "x", rows: tokens, columns: columns)
    }

    @Test func addedToItself() {
        GradientCheck(
            inputs: [x()], depth: 2, seed: 30,
            tape: { tape, v in
                let x = tape.activation(v[0])
                return tape.add(x, x)
            }, reference: { $0[0].plus($0[0]) }
        ).run()
    }

    /// A residual around each rule that can only write its contribution.
    @Test func residualsAroundNonlinearities() {
        GradientCheck(
            inputs: [x()], depth: 30, seed: 31,
            tape: { tape, v in
                let x = tape.activation(v[0])
                let first = tape.add(tape.gelu(x), x)
                let second = tape.add(first, tape.tanh(first))
                return tape.add(tape.relu(second), second)
            },
            reference: { v in
                let first = v[0].gelu.plus(v[0])
                let second = first.plus(first.hyperbolicTangent)
                return second.map { max($0, 0) }.plus(second)
            }
        ).run()
    }

    /// A whole post-norm layer: linear, dropout, residual, LayerNorm, and again.
    @Test func postNormLayer() {
        let site = DropoutSite(probability: 0.25, seed: 1, step: 2, site: 3)
        GradientCheck(
            inputs: [
                x(), Input(name: "w1", rows: 9, columns: 6), Input(name: "b1", rows: 1, columns: 9),
                Input(name: "w2", rows: 6, columns: 9), Input(name: "b2", rows: 1, columns: 6),
                Input(name: "gamma", rows: 1, columns: 6, center: 1),
                Input(name: "beta", rows: 1, columns: 6),
            ], depth: 80, seed: 32,
            tape: { tape, v in
                let x = tape.activation(v[0])
                let inner = tape.gelu(tape.linear(x, weight: v[1], bias: v[2]))
                let output = tape.dropout(tape.linear(inner, weight: v[3], bias: v[4]), site)
                return tape.layerNorm(
                    tape.add(output, x), NormWeights(gamma: v[5], beta: v[6], epsilon: 1e-5))
            },
            reference: { v in
                let inner = v[0].linear(v[1], v[2]).gelu
                let output = inner.linear(v[3], v[4]).dropout(site, layout, axis: .tokens)
                return output.plus(v[0]).layerNorm(v[5], v[6], epsilon: 1e-5)
            }
        ).run()
    }

    /// Two LayerNorms, two linear layers, the mean and the first token, all of one value: each adds to
    /// a gradient that is there already.
    @Test func manyUses() {
        GradientCheck(
            inputs: [
                x(), Input(name: "w1", rows: 6, columns: 6), Input(name: "w2", rows: 6, columns: 6),
                Input(name: "gamma1", rows: 1, columns: 6),
                Input(name: "beta1", rows: 1, columns: 6),
                Input(name: "gamma2", rows: 1, columns: 6),
                Input(name: "beta2", rows: 1, columns: 6),
            ], depth: 60, seed: 33,
            tape: { tape, v in
                let x = tape.activation(v[0])
                let a = tape.linear(x, weight: v[1], bias: nil)
                let b = tape.linear(x, weight: v[2], bias: nil)
                let c = tape.layerNorm(x, NormWeights(gamma: v[3], beta: v[4], epsilon: 1e-5))
                let d = tape.layerNorm(x, NormWeights(gamma: v[5], beta: v[6], epsilon: 1e-5))
                let sum = tape.add(tape.add(a, b), tape.add(c, d))
                return tape.add(
                    tape.add(tape.meanPool(sum), tape.firstToken(x)),
                    tape.add(tape.meanPool(x), tape.firstToken(sum)))
            },
            reference: { v in
                let sum = v[0].linear(v[1]).plus(v[0].linear(v[2]))
                    .plus(v[0].layerNorm(v[3], v[4], epsilon: 1e-5))
                    .plus(v[0].layerNorm(v[5], v[6], epsilon: 1e-5))
                return sum.meanPool(layout).plus(v[0].firstToken(layout))
                    .plus(v[0].meanPool(layout)).plus(sum.firstToken(layout))
            }
        ).run()
    }

    /// A constant needs no gradient; the weights behind it do.
    @Test func constantInput() {
        var numbers = SampleNumbers(seed: 34)
        let floats = numbers.floats(tokens * 6)
        let memory = Arena()
        let matrix = memory.matrix(tokens, 6)
        matrix.assign(floats)
        let grid = Grid(tokens, 6, floats.map(Double.init))
        GradientCheck(
            inputs: [
                Input(name: "gamma", rows: 1, columns: 6, center: 1),
                Input(name: "beta", rows: 1, columns: 6), Input(name: "w", rows: 5, columns: 6),
                Input(name: "b", rows: 1, columns: 5),
            ], depth: 40, seed: 35,
            tape: { tape, v in
                let x = tape.constant(matrix, axis: .tokens)
                let normal = tape.layerNorm(x, NormWeights(gamma: v[0], beta: v[1], epsilon: 1e-5))
                return tape.linear(normal, weight: v[2], bias: v[3])
            },
            reference: {
                grid.layerNorm($0[0], $0[1], epsilon: 1e-5).linear($0[2], $0[3])
            }
        ).run()
    }
}
