// The check behind every gradient rule: the tape's gradient of a random projection of a function's
// output against a central difference of the same function written in double precision.
//
// The tolerance is computed. With J the Jacobian (by central differences, step 1e-5 in double, whose
// own error is near 1e-10) and w the projection, a gradient is sum_r w_r J_rj. Float32 rounds each
// term and each addition on the way; `depth` counts those on the longest way. So the error is at most
// a small constant times depth x 2^-24 x sum_r |w_r J_rj|, taken at its largest over a tensor, for a
// term that cancels inside J is rounded like its neighbours.

import Autograd
import Kernels
import TensorCore
import TestSupport
import Testing

/// A function of matrices, written for the tape and in double precision.
struct GradientCheck {
    /// One matrix that the function is differentiated by.
    struct Input {
        let name: String
        let rows: Int
        let columns: Int
        /// Numbers are in -1..<1 around this.
        var center: Float = 0
    }

    /// The sequences' lengths: ragged, with sequences of one token.
    static let lengths = [3, 1, 5, 1, 2]
    static let layout = BatchLayout(lengths: lengths)
    static let tokens = layout.tokenCount

    let inputs: [Input]
    /// Roundings behind one number of the output or of a gradient.
    let depth: Int
    var seed: UInt64 = 1
    let tape: (Tape, [Variable]) -> Variable
    let reference: ([Grid]) -> Grid

    /// Runs the check on every instruction set that this processor has.
    func run(_ place: SourceLocation = #_sourceLocation) {
        for set in InstructionSet.available {
            run(Compute(threads: 2, instructionSet: set), place)
        }
    }

    private func run(_ compute: Compute, _ place: SourceLocation) {
        let parameters = ParameterSet(inputs.map { ($0.name, [$0.rows, $0.columns]) })
        var numbers = SampleNumbers(seed: seed)
        let values = inputs.enumerated().map { index, input in
            let floats = numbers.floats(input.rows * input.columns, around: input.center)
            parameters.value(index).assign(floats)
            return Grid(input.rows, input.columns, floats.map(Double.init))
        }
        let arena = Arena()
        let gradients = arena.zeros(1, parameters.elementCount)
        // What isn't written must not pass for a gradient.
        gradients.fill(.nan)
        let recording = Tape(
            compute: compute, memory: TapeMemory(), parameters: parameters, layout: Self.layout,
            sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
        let output = tape(recording, inputs.indices.map(recording.parameter))
        let expected = reference(values)
        let unit = 0x1p-24 * Double(4 * depth)
        let largest = expected.values.map(abs).max() ?? 0
        for (ours, theirs) in zip(output.value.toArray(), expected.values) {
            #expect(abs(Double(ours) - theirs) <= unit * largest, "forward", sourceLocation: place)
        }
        let projection = numbers.floats(expected.values.count)
        let dOutput = arena.matrix(expected.rows, expected.columns)
        dOutput.assign(projection)
        recording.backward(from: output, gradient: dOutput)

        for (index, input) in inputs.enumerated() {
            let numeric = numericGradient(values, index, projection.map(Double.init))
            let ours = parameters.view(index, of: gradients).toArray()
            let scale = numeric.map(\.magnitude).max() ?? 0
            let worst = zip(ours, numeric).map { abs(Double($0) - $1.gradient) }.max() ?? 0
            // A NaN is in no order: it must not pass.
            #expect(
                ours.allSatisfy(\.isFinite) && worst <= unit * scale + 1e-9,
                "\(input.name) on \(compute.instructionSet): \(worst) > \(unit * scale)",
                sourceLocation: place)
        }
    }

    /// The gradient by each element of an input, and the sum of its terms' magnitudes.
    private func numericGradient(
        _ values: [Grid], _ index: Int, _ projection: [Double]
    ) -> [(gradient: Double, magnitude: Double)] {
        let step = 1e-5
        return values[index].values.indices.map { element in
            var moved = values
            moved[index].values[element] += step
            let above = reference(moved)
            moved[index].values[element] -= 2 * step
            let below = reference(moved)
            let terms = projection.indices.map {
                projection[$0] * (above.values[$0] - below.values[$0]) / (2 * step)
            }
            return (terms.reduce(0, +), terms.reduce(0) { $0 + abs($1) })
        }
    }
}

extension Tape {
    /// A weight of N rows as an activation: each token takes the row of its number.
    func activation(_ table: Variable) -> Variable {
        embeddingSum([table], ids: [(0..<Int32(layout.tokenCount)).map { $0 }])
    }
}
