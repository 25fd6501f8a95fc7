// Attention's gradient rule, alone and behind projections of one shared input, with and without dropout.

import Autograd
import TestSupport
import Testing

@Suite struct AttentionGradientTests {
    typealias Input = GradientCheck.Input
    private let tokens = GradientCheck.tokens
    private let layout = GradientCheck.layout
    private static let dropout = DropoutSite(probability: 0.3, seed: 7, step: 11, site: 4)

    @Test(arguments: [1, 2, 4], [nil, 0.3] as [Float?])
    func alone(heads: Int, probability: Float?) {
        let site = probability == nil ? nil : Self.dropout
        GradientCheck(
            inputs: ["query", "key", "value"].map {
                Input(name: $0, rows: tokens, columns: 8)
            }, depth: 24, seed: 20,
            tape: { tape, v in
                let parts = v.map(tape.activation)
                return tape.attention(
                    query: parts[0], key: parts[1], value: parts[2], heads: heads,
                    dropout: site)
            },
            reference: {
                Grid.attention($0[0], $0[1], $0[2], heads: heads, layout, dropout: site)
            }
        ).run()
    }

    /// Query, key and value of one input, whose gradient is the sum of three ways.
    @Test(arguments: [nil, 0.3] as [Float?])
    func projectedFromOneInput(probability: Float?) {
        let site = probability == nil ? nil : Self.dropout
        GradientCheck(
            inputs: [Input(name: "x", rows: tokens, columns: 6)]
                + ["query", "key", "value"].map { Input(name: $0, rows: 6, columns: 6) },
            depth: 40, seed: 21,
            tape: { tape, v in
                let x = tape.activation(v[0])
                let parts = v[1...].map { tape.linear(x, weight: $0, bias: nil) }
                return tape.attention(
                    query: parts[0], key: parts[1], value: parts[2], heads: 3, dropout: site)
            },
            reference: { v in
                let parts = v[1...].map { v[0].linear($0) }
                return Grid.attention(
                    parts[0], parts[1], parts[2], heads: 3, layout, dropout: site)
            }
        ).run()
    }

    /// Nothing overflows for scores of up to 13 x 13 x 4 / 2 = 338.
    ///
    /// A score's rounding is that many units, and a query's gradient sums keys of up to 13 whose factors
    /// cancel.
    @Test func largeScores() {
        let check = GradientCheck(
            inputs: [
                Input(name: "query", rows: tokens, columns: 4, center: 12),
                Input(name: "key", rows: tokens, columns: 4, center: 12),
                Input(name: "value", rows: tokens, columns: 4),
            ], depth: 338 * 13, seed: 22,
            tape: { tape, v in
                let parts = v.map(tape.activation)
                return tape.attention(
                    query: parts[0], key: parts[1], value: parts[2], heads: 1, dropout: nil)
            },
            reference: { Grid.attention($0[0], $0[1], $0[2], heads: 1, layout) })
        check.run()
    }
}
