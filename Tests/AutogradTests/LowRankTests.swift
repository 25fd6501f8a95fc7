// Frozen linear layers with updates of low rank against central differences of plain loops: alone, with
// the gated unit, onto a residual and before a norm, with and without dropout, on all of the output's
// columns and on some; frozen norms, a frozen output layer, and parts that nothing flows back into.

import Autograd
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite struct LowRankTests {
    typealias Input = GradientCheck.Input
    private let tokens = GradientCheck.tokens

    /// A frozen weight of 9 x 6 with a bias, and two updates on its columns 0..<4 and 4..<9, or on the
    /// last of them.
    private struct Layer {
        let weight: Grid
        let bias: Grid
        let site: DropoutSite?
        let isWhole: Bool
        let halved: Bool

        init(_ dropout: Float, isWhole: Bool, halved: Bool = false) {
            var numbers = SampleNumbers(seed: 201)
            weight = Grid(9, 6, numbers.floats(54).map { Double(Layer.rounded($0)) })
            bias = Grid(1, 9, numbers.floats(9).map(Double.init))
            site = DropoutSite(probability: dropout, seed: 5, step: 3, site: 7)
            self.isWhole = isWhole
            self.halved = halved
        }

        private static func rounded(_ x: Float) -> Float { (x * 64).rounded() / 64 }

        /// A of both parts, 3 and 2 ranks, and their B.
        var inputs: [Input] {
            isWhole
                ? [
                    Input(name: "A", rows: 5, columns: 6), Input(name: "B1", rows: 4, columns: 3),
                    Input(name: "B2", rows: 5, columns: 2),
                ]
                : [Input(name: "A", rows: 2, columns: 6), Input(name: "B2", rows: 5, columns: 2)]
        }

        func layer(_ tape: Tape, _ v: [Variable], _ memory: Arena) -> LinearLayer {
            let packed = PackedMatrix()
            let matrix = memory.matrix(9, 6)
            matrix.assign(weight.values.map { Float($0) })
            if halved {
                tape.compute.packHalved(matrix, transposed: true, into: packed)
            } else {
                tape.compute.pack(matrix, transposed: true, into: packed)
            }
            let vector = memory.vector(9)
            vector.assign(bias.values.map { Float($0) })
            var parts = [LowRankUpdate.Part(columns: 4..<9, up: v[v.count - 1], scale: 0.5)]
            if isWhole { parts.insert(.init(columns: 0..<4, up: v[1], scale: 2), at: 0) }
            return .frozen(
                FrozenLinear(weight: packed, bias: vector),
                LowRankUpdate(down: v[0], parts: parts, dropout: site))
        }

        func reference(_ x: Grid, _ v: [Grid]) -> Grid {
            let dropped =
                site.map {
                    $0.probability > 0 ? x.dropout($0, GradientCheck.layout, axis: .tokens) : x
                } ?? x
            let u = dropped.linear(v[0])
            let y = x.linear(weight, bias)
            return Grid(x.rows, 9) { row, column in
                let last = v[v.count - 1]
                let start = isWhole ? 3 : 0
                if column >= 4 {
                    return (0..<2).reduce(y[row, column]) {
                        $0 + 0.5 * u[row, start + $1] * last[column - 4, $1]
                    }
                }
                guard isWhole else { return y[row, column] }
                return (0..<3).reduce(y[row, column]) { $0 + 2 * u[row, $1] * v[1][column, $1] }
            }
        }
    }

    @Test(arguments: [0, 0.4] as [Float], [false, true])
    func alone(dropout: Float, isWhole: Bool) {
        for halved in [false, true] {
            let layer = Layer(dropout, isWhole: isWhole, halved: halved)
            let memory = Arena()
            GradientCheck(
                inputs: [Input(name: "x", rows: tokens, columns: 6)] + layer.inputs, depth: 60,
                seed: 202,
                tape: { tape, v in
                    let x = tape.activation(v[0])
                    return tape.tanh(tape.linear(x, layer.layer(tape, Array(v[1...]), memory)))
                },
                reference: { v in layer.reference(v[0], Array(v[1...])).hyperbolicTangent }
            ).run()
        }
    }

    /// The input is a discarded norm, whose gamma is frozen, and used once more beside the layer.
    @Test(arguments: [0, 0.4] as [Float])
    func behindAFrozenNorm(dropout: Float) {
        let layer = Layer(dropout, isWhole: true)
        let gamma = Grid(1, 6, [0.5, 1, 1.5, -1, 2, 0.25])
        let memory = Arena()
        GradientCheck(
            inputs: [Input(name: "x", rows: tokens, columns: 6)] + layer.inputs, depth: 120,
            seed: 203,
            tape: { tape, v in
                let x = tape.activation(v[0])
                let frozen = memory.vector(6)
                frozen.assign(gamma.values.map { Float($0) })
                let y = tape.rootMeanSquareNorm(
                    x, gamma: tape.constant(frozen, axis: .sequences), epsilon: 0.01)
                let output = tape.linear(y, layer.layer(tape, Array(v[1...]), memory))
                tape.discard(y)
                return tape.tanh(output)
            },
            reference: { v in
                layer.reference(v[0].frozenNorm(gamma, 0.01), Array(v[1...])).hyperbolicTangent
            }
        ).run()
    }

    /// Onto a residual, and with a function of elements.
    @Test(arguments: [0, 0.4] as [Float])
    func fusedForms(dropout: Float) {
        let layer = Layer(dropout, isWhole: true)
        let memory = Arena()
        GradientCheck(
            inputs: [
                Input(name: "x", rows: tokens, columns: 6),
                Input(name: "residual", rows: tokens, columns: 9),
            ] + layer.inputs, depth: 60, seed: 204,
            tape: { tape, v in
                let x = tape.activation(v[0])
                return tape.tanh(
                    tape.linearAdd(
                        x, layer.layer(tape, Array(v[2...]), memory),
                        residual: tape.activation(v[1])))
            },
            reference: { v in
                layer.reference(v[0], Array(v[2...])).plus(v[1]).hyperbolicTangent
            }
        ).run()
        GradientCheck(
            inputs: [Input(name: "x", rows: tokens, columns: 6)] + layer.inputs, depth: 60,
            seed: 205,
            tape: { tape, v in
                let x = tape.activation(v[0])
                return tape.linear(x, layer.layer(tape, Array(v[1...]), memory), activation: .gelu)
            },
            reference: { v in layer.reference(v[0], Array(v[1...])).gelu }
        ).run()
    }

    /// Recomputed behind a constant, or behind a part that nothing flows back into: the same bits as
    /// recorded plainly.
    @Test func apartTheBitsAreTheSame() {
        let layer = Layer(0.3, isWhole: true)
        var numbers = SampleNumbers(seed: 206)
        let parameters = ParameterSet(layer.inputs.map { ($0.name, [$0.rows, $0.columns]) })
        for index in parameters.parameters.indices {
            parameters.value(index).assign(numbers.floats(parameters.value(index).count))
        }
        let start = numbers.floats(tokens * 6)
        let memory = Arena()
        var results: [[Float]] = []
        for way in 0..<3 {
            let gradients = memory.matrix(1, parameters.elementCount)
            gradients.fill(.nan)
            let tape = Tape(
                compute: Compute(threads: 2), memory: TapeMemory(), parameters: parameters,
                layout: GradientCheck.layout,
                sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
            let x = tape.constant(rows: tokens, columns: 6, axis: .tokens) { $0.assign(start) }
            let before = way == 2 ? tape.frozen(x) { $0.tanh($1) } : tape.tanh(x)
            func part(_ tape: Tape, _ x: Variable) -> Variable {
                let y = tape.linear(
                    x, layer.layer(tape, parameters.parameters.indices.map(tape.parameter), memory),
                    activation: .gelu)
                return tape.linear(
                    y, .frozen(square(tape.compute, memory), nil))
            }
            let output =
                way == 1 ? tape.recomputed(before, part) : part(tape, before)
            tape.backward(from: output, gradient: output.value)
            // Not the gaps between weights, which nobody writes.
            results.append(
                parameters.parameters.indices.flatMap {
                    parameters.view($0, of: gradients).toArray()
                })
        }
        let isFinite = results[0].allSatisfy(\.isFinite)
        #expect(isFinite)
        #expect(results[0].contains { $0 != 0 })
        #expect(results[1] == results[0])
        #expect(results[2] == results[0])
    }

    /// A frozen product of 9 to 6 columns.
    private func square(_ compute: Compute, _ memory: Arena) -> FrozenLinear {
        let packed = PackedMatrix()
        let matrix = memory.matrix(6, 9)
        matrix.assign((0..<54).map { Float($0 % 7) - 3 })
        compute.pack(matrix, transposed: true, into: packed)
        return FrozenLinear(weight: packed, bias: nil)
    }
}

extension Grid {
    /// `x / sqrt(mean(x^2) + epsilon) * gamma`.
    fileprivate func frozenNorm(_ gamma: Grid, _ epsilon: Double) -> Grid {
        Grid(rows, columns) { row, column in
            let squares = (0..<columns).reduce(0.0) { $0 + self[row, $1] * self[row, $1] }
            return self[row, column] / (squares / Double(columns) + epsilon).squareRoot()
                * gamma[0, column]
        }
    }
}
