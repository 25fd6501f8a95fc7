// The gradient rules of decoders against central differences of plain loops: normalisation by the root
// mean square, the gated unit, causal attention with grouped heads, rotary positions and a window, the
// output layer's loss, tied and not, and parts that are recomputed.

import Autograd
import Foundation
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite struct DecoderRuleTests {
    typealias Input = GradientCheck.Input
    private let tokens = GradientCheck.tokens

    @Test(arguments: [false, true])
    func rootMeanSquareNorm(isDiscarded: Bool) {
        GradientCheck(
            inputs: [
                Input(name: "x", rows: tokens, columns: 7),
                Input(name: "gamma", rows: 1, columns: 7, center: 1),
                Input(name: "w", rows: 4, columns: 7),
            ], depth: 60, seed: 90,
            tape: { tape, v in
                let y = tape.rootMeanSquareNorm(tape.activation(v[0]), gamma: v[1], epsilon: 0.01)
                let output = tape.linear(y, weight: v[2], bias: nil)
                if isDiscarded { tape.discard(y) }
                return tape.tanh(output)
            },
            reference: { v in v[0].normalised(v[1], 0.01).linear(v[2]).hyperbolicTangent }
        ).run()
    }

    /// A sublayer: gate and up in one product, and the product back onto the residual.
    @Test(arguments: [false, true])
    func gatedSublayer(isDiscarded: Bool) {
        GradientCheck(
            inputs: [
                Input(name: "x", rows: tokens, columns: 6),
                Input(name: "gate and up", rows: 10, columns: 6),
                Input(name: "b", rows: 1, columns: 10), Input(name: "down", rows: 6, columns: 5),
                Input(name: "c", rows: 1, columns: 6),
            ], depth: 80, seed: 91,
            tape: { tape, v in
                let x = tape.activation(v[0])
                let inner = tape.gatedLinear(x, weight: v[1], bias: v[2])
                let output = tape.linearAdd(inner, weight: v[3], bias: v[4], residual: x)
                if isDiscarded { tape.discard(inner) }
                return tape.tanh(output)
            },
            reference: { v in
                v[0].linear(v[1], v[2]).gated.linear(v[3], v[4]).plus(v[0]).hyperbolicTangent
            }
        ).run()
    }

    @Test(arguments: [1, 2, 4], [nil, 1, 2] as [Int?])
    func causalAttention(keyHeads: Int, window: Int?) {
        let shape = CausalAttentionShape(
            heads: 4, keyHeads: keyHeads, headWidth: 6, window: window)
        let rotary = RotaryTable(frequencies: [1, 0.3, 0.01])
        rotary.reserve(5)
        GradientCheck(
            inputs: [Input(name: "qkv", rows: tokens, columns: (4 + 2 * keyHeads) * 6)],
            depth: 100, seed: 92,
            tape: { tape, v in
                tape.tanh(
                    tape.causalAttention(
                        projections: tape.activation(v[0]), shape, rotary: rotary))
            },
            reference: { v in
                v[0].causalAttention(shape, rotary.frequencies).hyperbolicTangent
            }
        ).run()
    }

    /// Longer than a block of queries: against attention of every token by itself.
    @Test(arguments: [nil, 70] as [Int?])
    func attentionOverBlocks(window: Int?) {
        let shape = CausalAttentionShape(heads: 2, keyHeads: 1, headWidth: 4, window: window)
        let rotary = RotaryTable(frequencies: [1, 0.1])
        rotary.reserve(200)
        let layout = BatchLayout(lengths: [130, 3])
        let parameters = ParameterSet([("x", [133, 16])])
        var numbers = SampleNumbers(seed: 93)
        let values = numbers.floats(133 * 16)
        parameters.value(0).assign(values)
        let tape = Tape(
            compute: Compute(threads: 2), memory: TapeMemory(), parameters: parameters,
            layout: layout)
        let ours = tape.causalAttention(
            projections: tape.activation(tape.parameter(0)), shape, rotary: rotary
        ).value.toArray()
        let due = Grid(133, 16, values.map(Double.init)).causalAttention(
            shape, rotary.frequencies, lengths: [130, 3])
        let worst = zip(ours, due.values).map { abs(Double($0) - $1) }.max() ?? .infinity
        // Numbers below 1: scores are off by 6 roundings of at most 2 each, sums by 130 of 1.
        #expect(worst <= (2 * 12 + 150) * 0x1p-24)
    }

    /// The same weights as part of a function that is run again in the backward pass.
    @Test func recomputedParts() {
        GradientCheck(
            inputs: [
                Input(name: "x", rows: tokens, columns: 6),
                Input(name: "w", rows: 6, columns: 6), Input(name: "b", rows: 1, columns: 6),
                Input(name: "gamma", rows: 1, columns: 6, center: 1),
                Input(name: "w2", rows: 6, columns: 6),
            ], depth: 120, seed: 94,
            tape: { tape, v in
                let first = tape.recomputed(tape.activation(v[0])) { tape, x in
                    // A variable of this tape: weights are asked for by their place.
                    let y = tape.linear(x, weight: tape.parameter(1), bias: tape.parameter(2))
                    let z = tape.rootMeanSquareNorm(y, gamma: tape.parameter(3), epsilon: 0.01)
                    return tape.add(z, x)
                }
                return tape.recomputed(first) { tape, x in
                    tape.tanh(
                        tape.linearAdd(x, weight: tape.parameter(4), bias: nil, residual: x))
                }
            },
            reference: { v in
                let first = v[0].linear(v[1], v[2]).normalised(v[3], 0.01).plus(v[0])
                return first.linear(v[4]).plus(first).hyperbolicTangent
            }
        ).run()
    }

    /// Squared scores of chosen rows as a loss: its gradient by states and weight, tied and not, is that
    /// of the same loss made of plain operations.
    @Test(arguments: [false, true], InstructionSet.available)
    func headLoss(isTied: Bool, set: InstructionSet) {
        let vocabulary = 40
        let chosen = [0, 2, 4, 5, 10]
        var numbers = SampleNumbers(seed: 95)
        let names = isTied ? ["table"] : ["table", "head"]
        let parameters = ParameterSet(names.map { ($0, [vocabulary, 6]) })
        for index in names.indices {
            parameters.value(index).assign(numbers.floats(vocabulary * 6))
        }
        let ids = (0..<Int32(tokens)).map { ($0 * 7 + 3) % 17 }
        let arena = Arena()
        let gradients = arena.zeros(1, parameters.elementCount)
        gradients.fill(.nan)
        let tape = Tape(
            compute: Compute(threads: 2, instructionSet: set), memory: TapeMemory(),
            parameters: parameters, layout: GradientCheck.layout,
            sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
        let x = tape.tanh(tape.embeddingSum([tape.parameter(0)], ids: [ids]))
        let gradient = tape.headLoss(
            x, weight: tape.parameter(isTied ? 0 : 1), chosen: chosen, isTied: isTied
        ) { rows, scores in
            // The loss is half the sum of squares: its gradient by a score is the score.
            #expect(scores.rows == rows.count && scores.columns == vocabulary)
        }
        tape.backward(from: x, gradient: gradient ?? arena.zeros(tokens, 6))

        let weights = names.indices.map { index in
            Grid(vocabulary, 6, parameters.value(index).toArray().map(Double.init))
        }
        for (index, weight) in weights.enumerated() {
            let ours = parameters.view(index, of: gradients).toArray()
            var worst = 0.0
            for element in weight.values.indices {
                let slope = [1e-5, -1e-5].map { step in
                    var moved = weights
                    moved[index].values[element] += step
                    return loss(moved[0], moved[moved.count - 1], ids, chosen) / 2e-5
                }
                worst = max(worst, abs(Double(ours[element]) - (slope[0] + -slope[1])))
            }
            // Sums of at most 5 tokens, 6 columns and 40 scores, each below 6 times 40.
            #expect(worst <= 4 * 60 * 0x1p-24 * 240, "\(names[index])")
        }
    }

    private func loss(_ table: Grid, _ head: Grid, _ ids: [Int32], _ chosen: [Int]) -> Double {
        let states = Grid(chosen.count, 6) { tanh(table[Int(ids[chosen[$0]]), $1]) }
        return states.linear(head).values.reduce(0) { $0 + $1 * $1 / 2 }
    }
}

extension Grid {
    /// `x / sqrt(mean(x^2) + epsilon) * gamma`.
    fileprivate func normalised(_ gamma: Grid, _ epsilon: Double) -> Grid {
        Grid(rows, columns) { row, column in
            let squares = (0..<columns).reduce(0.0) { $0 + self[row, $1] * self[row, $1] }
            let factor = (squares / Double(columns) + epsilon).squareRoot()
            return self[row, column] / factor * gamma[0, column]
        }
    }

    /// `silu(gate) up` of the halves of each row.
    fileprivate var gated: Grid {
        Grid(rows, columns / 2) { row, column in
            let gate = self[row, column]
            return gate / (1 + exp(-gate)) * self[row, columns / 2 + column]
        }
    }

    /// Rotary causal attention of every token by itself.
    fileprivate func causalAttention(
        _ shape: CausalAttentionShape, _ frequencies: [Float],
        lengths: [Int] = GradientCheck.lengths
    ) -> Grid {
        let width = shape.headWidth
        let starts = lengths.indices.map { lengths[..<$0].reduce(0, +) }
        func head(_ row: Int, _ position: Int, _ index: Int) -> [Double] {
            let values = (0..<width).map { self[row, index * width + $0] }
            return ReferenceOperations.rotate(
                values, angles: frequencies.map { Double(Float(position) * $0) })
        }
        var result = Grid(rows, shape.heads * width) { _, _ in 0 }
        for (start, length) in zip(starts, lengths) {
            for index in 0..<shape.heads {
                let keyHead = index / (shape.heads / shape.keyHeads)
                for position in 0..<length {
                    let query = head(start + position, position, index)
                    let first = max(0, position + 1 - (shape.window ?? position + 1))
                    let weights = (first...position).map { other -> Double in
                        let key = head(start + other, other, shape.heads + keyHead)
                        let score = zip(query, key).reduce(0) { $0 + $1.0 * $1.1 }
                        return exp(score / Double(width).squareRoot())
                    }
                    let sum = weights.reduce(0, +)
                    for column in 0..<width {
                        let place = (shape.heads + shape.keyHeads + keyHead) * width + column
                        let value = zip(first...position, weights).reduce(0.0) {
                            $0 + $1.1 / sum * self[start + $1.0, place]
                        }
                        result.values[
                            (start + position) * result.columns + index * width + column] = value
                    }
                }
            }
        }
        return result
    }
}
