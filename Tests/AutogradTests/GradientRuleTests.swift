// Every gradient rule but attention's against a numeric gradient, on ragged packed sequences, on every
// instruction set. Activations are the rows of an embedding table, so that their gradients can be seen.

import Autograd
import TestSupport
import Testing

@Suite struct GradientRuleTests {
    typealias Input = GradientCheck.Input
    private let tokens = GradientCheck.tokens
    private let layout = GradientCheck.layout

    private func x(_ columns: Int = 7, center: Float = 0) -> Input {
        Input(name: "x", rows: tokens, columns: columns, center: center)
    }

    private func weight(_ rows: Int, _ columns: Int) -> Input {
        Input(name: "weight", rows: rows, columns: columns)
    }

    @Test func embeddingSum() {
        let ids: [[Int32]] = [
            [4, 0, 4, 4, 2, 1, 0, 4, 3, 3, 0, 4], [0, 1, 2, 0, 0, 1, 2, 3, 4, 0, 0, 1],
            (0..<12).map { Int32($0 % 2) },
        ]
        GradientCheck(
            inputs: [
                Input(name: "words", rows: 6, columns: 5),
                Input(name: "positions", rows: 5, columns: 5),
                Input(name: "types", rows: 2, columns: 5),
            ], depth: 12, seed: 1,
            tape: { tape, tables in tape.embeddingSum(tables, ids: ids) },
            reference: { tables in
                Grid(12, 5) { row, column in
                    zip(tables, ids).reduce(0) { $0 + $1.0[Int($1.1[row]), column] }
                }
            }
        ).run()
    }

    @Test(arguments: [true, false])
    func linear(hasBias: Bool) {
        let bias = Input(name: "bias", rows: 1, columns: 5)
        GradientCheck(
            inputs: [x(), weight(5, 7)] + (hasBias ? [bias] : []), depth: 16, seed: 2,
            tape: { tape, v in
                tape.linear(tape.activation(v[0]), weight: v[1], bias: hasBias ? v[2] : nil)
            },
            reference: { $0[0].linear($0[1], hasBias ? $0[2] : nil) }
        ).run()
    }

    /// A linear layer over sequences, not tokens: the classifier's case.
    @Test func linearOfSequences() {
        GradientCheck(
            inputs: [x(), weight(3, 7), Input(name: "bias", rows: 1, columns: 3)], depth: 16,
            seed: 3,
            tape: { tape, v in
                tape.linear(tape.firstToken(tape.activation(v[0])), weight: v[1], bias: v[2])
            },
            reference: { $0[0].firstToken(layout).linear($0[1], $0[2]) }
        ).run()
    }

    @Test func gelu() {
        GradientCheck(
            inputs: [Input(name: "x", rows: tokens, columns: 19)], depth: 8, seed: 4,
            tape: { tape, v in tape.gelu(tape.activation(v[0])) }, reference: { $0[0].gelu }
        ).run()
    }

    @Test func tanh() {
        GradientCheck(
            inputs: [Input(name: "x", rows: tokens, columns: 19)], depth: 8, seed: 5,
            tape: { tape, v in tape.tanh(tape.activation(v[0])) },
            reference: { $0[0].hyperbolicTangent }
        ).run()
    }

    /// No number of this seed is within the difference's step of the kink at 0.
    @Test func relu() {
        GradientCheck(
            inputs: [Input(name: "x", rows: tokens, columns: 19)], depth: 1, seed: 6,
            tape: { tape, v in tape.relu(tape.activation(v[0])) },
            reference: { $0[0].map { max($0, 0) } }
        ).run()
    }

    @Test func add() {
        GradientCheck(
            inputs: [x(), Input(name: "y", rows: tokens, columns: 7)], depth: 2, seed: 7,
            tape: { tape, v in tape.add(tape.activation(v[0]), tape.activation(v[1])) },
            reference: { $0[0].plus($0[1]) }
        ).run()
    }

    @Test(arguments: [RowAxis.tokens, .sequences])
    func dropout(axis: RowAxis) {
        let site = DropoutSite(probability: 0.4, seed: 99, step: 3, site: 5)
        GradientCheck(
            inputs: [Input(name: "x", rows: tokens, columns: 19)], depth: 2, seed: 8,
            tape: { tape, v in
                let x = tape.activation(v[0])
                return tape.dropout(axis == .tokens ? x : tape.firstToken(x), site)
            },
            reference: {
                (axis == .tokens ? $0[0] : $0[0].firstToken(layout))
                    .dropout(site, layout, axis: axis)
            }
        ).run()
    }

    @Test(arguments: [1e-12, 1e-2] as [Float])
    func layerNorm(epsilon: Float) {
        GradientCheck(
            inputs: [
                x(19), Input(name: "gamma", rows: 1, columns: 19, center: 1),
                Input(name: "beta", rows: 1, columns: 19),
            ], depth: 24, seed: 9,
            tape: { tape, v in
                tape.layerNorm(
                    tape.activation(v[0]), NormWeights(gamma: v[1], beta: v[2], epsilon: epsilon))
            },
            reference: { $0[0].layerNorm($0[1], $0[2], epsilon: Double(epsilon)) }
        ).run()
    }

    @Test func meanPool() {
        GradientCheck(
            inputs: [x()], depth: 6, seed: 10,
            tape: { tape, v in tape.meanPool(tape.activation(v[0])) },
            reference: { $0[0].meanPool(layout) }
        ).run()
    }

    @Test func firstToken() {
        GradientCheck(
            inputs: [x()], depth: 1, seed: 11,
            tape: { tape, v in tape.firstToken(tape.activation(v[0])) },
            reference: { $0[0].firstToken(layout) }
        ).run()
    }
}
