// Passes with bfloat16 products: near the float32 gradient, the same bits on any number of threads, and
// at half the memory for what waits for the backward pass.

import Autograd
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite struct BFloat16GradientTests {
    private static let width = 48
    private let parameters: ParameterSet
    private let layout = BatchLayout(
        lengths: [17, 1, 30, 5, 41, 9], samples: [9, 3, 4, 7, 1, 2], leafOffsets: [0, 2, 2, 5, 6],
        leaves: 0..<4)

    init() {
        let width = Self.width
        parameters = ParameterSet(
            [
                ("x", [128, width]), ("query", [width, width]), ("key", [width, width]),
                ("value", [width, width]), ("bias", [3 * width]), ("mix", [width, width]),
                ("gamma", [width]), ("beta", [width]), ("up", [4 * width, width]),
                ("down", [width, 4 * width]), ("gamma2", [width]), ("beta2", [width]),
                ("head", [3, width]),
            ], joined: ["key", "value"])
        var numbers = SampleNumbers(seed: 81)
        for (index, parameter) in parameters.parameters.enumerated() {
            let center: Float = parameter.name.hasPrefix("gamma") ? 1 : 0
            parameters.value(index).assign(
                numbers.floats(parameter.count, scale: 0.25, around: center))
        }
    }

    /// One layer of a transformer on the tape, each value discarded as soon as it may be.
    private func scores(_ tape: Tape, discards: Bool) -> Variable {
        func weight(_ name: String) -> Variable {
            guard let index = parameters.index(of: name) else {
                preconditionFailure("no weight \(name)")
            }
            return tape.parameter(index)
        }
        func done(_ variable: Variable) { if discards { tape.discard(variable) } }
        let site = { DropoutSite(probability: 0.1, seed: 1, step: 2, site: $0) }
        let ids = (0..<Int32(layout.tokenCount)).map { $0 }
        let x = tape.dropout(tape.embeddingSum([weight("x")], ids: [ids]), site(1))
        let joined = tape.linear(x, weight: tape.parameters(1..<4), bias: weight("bias"))
        let context = tape.attention(projections: joined, heads: 4, dropout: site(2))
        done(joined)
        let middle = tape.linearAddNorm(
            context, weight: weight("mix"), bias: nil, dropout: site(3), residual: x,
            norm: NormWeights(gamma: weight("gamma"), beta: weight("beta"), epsilon: 1e-6))
        done(context)
        done(x)
        let inner = tape.linear(middle, weight: weight("up"), bias: nil, activation: .gelu)
        let output = tape.linearAddNorm(
            inner, weight: weight("down"), bias: nil, dropout: site(4), residual: middle,
            norm: NormWeights(gamma: weight("gamma2"), beta: weight("beta2"), epsilon: 1e-6))
        done(inner)
        done(middle)
        return tape.linear(tape.firstToken(output), weight: weight("head"), bias: nil)
    }

    private func gradient(
        _ precision: Precision, discards: Bool = true, threads: Int = 1,
        set: InstructionSet = .preferred
    ) -> (values: [Float], bytes: Int) {
        let (arena, memory) = (Arena(), TapeMemory())
        let gradients = arena.zeros(1, parameters.elementCount)
        let tape = Tape(
            compute: Compute(threads: threads, instructionSet: set), memory: memory,
            parameters: parameters, layout: layout, precision: precision,
            sink: GradientSink(nodes: [.init(leaves: 0..<4, gradients: gradients)]))
        let output = scores(tape, discards: discards)
        var numbers = SampleNumbers(seed: 82)
        let dOutput = arena.matrix(output.value.rows, output.value.columns)
        dOutput.assign(numbers.floats(dOutput.count))
        tape.backward(from: output, gradient: dOutput)
        return (gradients.toArray(), memory.allocatedBytes)
    }

    /// What is discarded is made again with the same bits.
    @Test(arguments: InstructionSet.available)
    func discardingChangesNothing(_ set: InstructionSet) {
        let whole = gradient(.float32, discards: false, set: set)
        #expect(gradient(.float32, set: set).values.bits == whole.values.bits)
    }

    /// Each operand is rounded by at most 2^-9 of itself.
    ///
    /// A gradient is made of some ten products one
    /// behind another, whose errors are independent: ten times the square root of two roundings each.
    @Test(arguments: InstructionSet.available)
    func nearFloat32(_ set: InstructionSet) {
        let exact = gradient(.float32, set: set).values
        let rounded = gradient(.bfloat16, set: set).values
        #expect(exact != rounded)
        for (index, parameter) in parameters.parameters.enumerated() {
            let (a, b) = (exact[parameter.range], rounded[parameter.range])
            let difference = zip(a, b).reduce(0.0) {
                $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
            }.squareRoot()
            let norm = a.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            #expect(
                difference <= 10 * 2.0.squareRoot() * 0x1p-9 * norm,
                "\(parameter.name) (\(index)): \(difference / norm)")
        }
    }

    @Test(arguments: InstructionSet.available)
    func anyThreadCount(_ set: InstructionSet) {
        let expected = gradient(.bfloat16, set: set).values.bits
        for threads in 2...3 {
            #expect(gradient(.bfloat16, threads: threads, set: set).values.bits == expected)
        }
    }
}
