// Operations that join several steps: their gradients, values that are discarded and made again, and
// weights that lie side by side.

import Autograd
import TensorCore
import TestSupport
import Testing

@Suite struct FusedRuleTests {
    typealias Input = GradientCheck.Input
    private let tokens = GradientCheck.tokens
    private let layout = GradientCheck.layout
    private static let site = DropoutSite(probability: 0.25, seed: 1, step: 2, site: 3)

    /// Two layers with the function between them in the first one's pass.
    @Test(arguments: [Activation.gelu, .relu], [false, true])
    func activatedLinear(_ activation: Activation, isDiscarded: Bool) {
        GradientCheck(
            inputs: [
                Input(name: "x", rows: tokens, columns: 6),
                Input(name: "w1", rows: 9, columns: 6), Input(name: "b1", rows: 1, columns: 9),
                Input(name: "w2", rows: 5, columns: 9),
            ], depth: 60, seed: 70,
            tape: { tape, v in
                let inner = tape.linear(
                    tape.activation(v[0]), weight: v[1], bias: v[2], activation: activation)
                let output = tape.linear(inner, weight: v[3], bias: nil)
                if isDiscarded { tape.discard(inner) }
                // Takes the memory of what was discarded.
                return tape.add(output, tape.tanh(output))
            },
            reference: { v in
                let inner = v[0].linear(v[1], v[2])
                let activated =
                    switch activation {
                    case .gelu: inner.gelu
                    case .relu: inner.map { max($0, 0) }
                    }
                let output = activated.linear(v[3])
                return output.plus(output.hyperbolicTangent)
            }
        ).run()
    }

    /// The end of a sublayer whose residual is also its input, or another value.
    @Test(arguments: [false, true], [nil, 0.25] as [Float?])
    func linearAddNorm(residualIsInput: Bool, probability: Float?) {
        let site = probability.map { _ in Self.site }
        GradientCheck(
            inputs: [
                Input(name: "x", rows: tokens, columns: 6),
                Input(name: "y", rows: tokens, columns: 6),
                Input(name: "w", rows: 6, columns: 6), Input(name: "b", rows: 1, columns: 6),
                Input(name: "gamma", rows: 1, columns: 6, center: 1),
                Input(name: "beta", rows: 1, columns: 6),
            ], depth: 80, seed: 71,
            tape: { tape, v in
                let (x, y) = (tape.activation(v[0]), tape.activation(v[1]))
                let sum = tape.linearAddNorm(
                    x, weight: v[2], bias: v[3], dropout: site,
                    residual: residualIsInput ? x : y,
                    norm: NormWeights(gamma: v[4], beta: v[5], epsilon: 1e-5))
                return tape.add(tape.add(sum, y), x)
            },
            reference: { v in
                let product = v[0].linear(v[2], v[3])
                let dropped = site.map { product.dropout($0, layout, axis: .tokens) } ?? product
                return dropped.plus(residualIsInput ? v[0] : v[1])
                    .layerNorm(v[4], v[5], epsilon: 1e-5).plus(v[1]).plus(v[0])
            }
        ).run()
    }

    /// Queries, keys and values in one matrix.
    @Test(arguments: [nil, 0.25] as [Float?])
    func joinedAttention(probability: Float?) {
        let site = probability.map { _ in Self.site }
        GradientCheck(
            inputs: [
                Input(name: "x", rows: tokens, columns: 6),
                Input(name: "w", rows: 18, columns: 6), Input(name: "b", rows: 1, columns: 18),
            ], depth: 40, seed: 72,
            tape: { tape, v in
                tape.attention(
                    projections: tape.linear(tape.activation(v[0]), weight: v[1], bias: v[2]),
                    heads: 3, dropout: site)
            },
            reference: { v in
                let all = v[0].linear(v[1], v[2])
                let parts = (0..<3).map { part in
                    Grid(all.rows, 6) { all[$0, part * 6 + $1] }
                }
                return Grid.attention(
                    parts[0], parts[1], parts[2], heads: 3, layout, dropout: site)
            }
        ).run()
    }

    /// Joined weights are one matrix, whatever their width; others start on a cache line.
    @Test func joinedWeights() {
        let parameters = ParameterSet(
            [
                ("odd", [3]), ("query", [5, 7]), ("key", [5, 7]), ("query.bias", [5]),
                ("key.bias", [5]), ("last", [2]),
            ], joined: ["key", "key.bias"])
        let offsets = parameters.parameters.map(\.offset)
        #expect(offsets == [0, 16, 51, 96, 101, 112] && parameters.elementCount == 128)
        parameters.values.assign((0..<128).map(Float.init))
        let weights = parameters.view(1..<3, of: parameters.values)
        #expect(weights.rows == 10 && weights.columns == 7 && weights[5, 0] == 51)
        let biases = parameters.view(3..<5, of: parameters.values)
        #expect(biases.rows == 1 && biases.columns == 10 && biases[0, 5] == 101)
    }

    /// A weight is packed once, and again when it has changed.
    @Test func packedWeightsFollowTheWeights() {
        let parameters = ParameterSet([("x", [4, 3]), ("w", [2, 3])])
        var numbers = SampleNumbers(seed: 73)
        for index in 0..<2 {
            parameters.value(index).assign(numbers.floats(parameters.value(index).count))
        }
        let (memory, compute) = (TapeMemory(), Compute(threads: 1))
        func product() -> [Float] {
            memory.reset()
            let tape = Tape(
                compute: compute, memory: memory, parameters: parameters,
                layout: BatchLayout(lengths: [4]))
            return tape.linear(
                tape.activation(tape.parameter(0)), weight: tape.parameter(1), bias: nil
            ).value.toArray()
        }
        let first = product()
        parameters.value(1).fill(2)
        #expect(product() == first, "nobody said that the weight has changed")
        parameters.noteChange()
        let sums = (0..<4).map { row in
            2 * parameters.value(0).row(row).toArray().reduce(0, +)
        }
        for (ours, sum) in zip(product(), sums.flatMap { [$0, $0] }) {
            #expect(abs(ours - sum) <= 1e-6)
        }
    }
}
