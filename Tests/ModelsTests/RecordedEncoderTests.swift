// Encoders against recorded PyTorch values: scores, every hidden state, every gradient, ten AdamW steps.
// The tolerances are those that the recording advises.

import Autograd
import Kernels
import Models
import Safetensors
import TensorCore
import TestSupport
import Testing

@Suite(.enabled(if: RecordedEncoder.areThere, "no recorded encoders in ../shared/reference"))
struct RecordedEncoderTests {
    private func inference(_ recorded: RecordedEncoder, _ compute: Compute) -> (
        logits: [Float], states: [[Float]]
    ) {
        let batch = TokenBatch(recorded.sequences)
        let tape = Tape(
            compute: compute, memory: TapeMemory(), parameters: recorded.student.parameters,
            layout: batch.layout)
        let result = recorded.student.logitsAndHiddenStates(tape, batch)
        return (result.logits.value.toArray(), result.hiddenStates.map { $0.value.toArray() })
    }

    @Test(arguments: RecordedEncoder.names, InstructionSet.available)
    func logits(name: String, set: InstructionSet) throws {
        let recorded = try RecordedEncoder(name)
        let ours = inference(recorded, Compute(threads: 2, instructionSet: set)).logits
        let theirs = try recorded.golden.floats("out.logits")
        #expect(ours.count == theirs.count)
        let largest = theirs.map(abs).max() ?? 0
        let worst = zip(ours, theirs).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst <= 2e-5 * largest + 1e-6)
    }

    @Test(arguments: RecordedEncoder.names)
    func hiddenStates(name: String) throws {
        let recorded = try RecordedEncoder(name)
        let states = inference(recorded, Compute(threads: 2)).states
        #expect(states.count == recorded.student.configuration.layerCount + 1)
        let width = recorded.student.configuration.hiddenSize
        for (index, ours) in states.enumerated() {
            let padded = try recorded.golden.floats("out.hidden.\(index)")
            let theirs = recorded.places.flatMap { $0 }.flatMap {
                padded[($0 * width)..<(($0 + 1) * width)]
            }
            #expect(ours.count == theirs.count)
            let largest = theirs.map(abs).max() ?? 0
            let worst = zip(ours, theirs).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 2e-5 * largest + 1e-6, "after layer \(index)")
        }
    }

    /// A bias that softmax doesn't see has no gradient but rounding: what is below float32's resolution
    /// of the whole gradient is no error.
    @Test(arguments: RecordedEncoder.names, InstructionSet.available)
    func everyGradient(name: String, set: InstructionSet) throws {
        let recorded = try RecordedEncoder(name)
        let arena = Arena()
        let parameters = recorded.student.parameters
        let gradients = arena.zeros(1, parameters.elementCount)
        let compute = Compute(threads: 2, instructionSet: set)
        let loss = recorded.loss(gradients, compute)
        #expect(abs(loss - Double(try recorded.golden.floats("out.loss")[0])) <= 1e-5)
        let names = recorded.golden.names.filter { $0.hasPrefix("grad.") }
        #expect(Set(names) == Set(parameters.parameters.map { "grad.\($0.name)" }))
        let whole = try norm(names.flatMap { try recorded.golden.floats($0).map(Double.init) })
        for (index, parameter) in parameters.parameters.enumerated() {
            let theirs = try recorded.golden.floats("grad.\(parameter.name)").map(Double.init)
            let ours = parameters.view(index, of: gradients).toArray().map(Double.init)
            let error = norm(zip(ours, theirs).map { $0 - $1 })
            #expect(
                error <= 1e-4 * norm(theirs) + 1e-7 + 0x1p-23 * whole, "\(parameter.name)")
        }
    }

    /// AdamW, decay on every weight, gradients clipped to norm 1, as `golden.json` says.
    @Test(arguments: RecordedEncoder.names)
    func tenSteps(name: String) throws {
        let recorded = try RecordedEncoder(name)
        let arena = Arena()
        let parameters = recorded.student.parameters
        let count = parameters.elementCount
        let (gradients, first, second) = (
            arena.zeros(1, count), arena.zeros(1, count), arena.zeros(1, count)
        )
        let compute = Compute(threads: 2)
        let losses = try recorded.golden.doubles("curve.loss")
        let norms = try recorded.golden.doubles("curve.grad_norm")
        #expect(losses.count == 10)
        for step in losses.indices {
            let loss = recorded.loss(gradients, compute)
            let norm = compute.sumOfSquares(gradients).squareRoot()
            #expect(abs(loss - losses[step]) <= 1e-4 * losses[step], "loss of step \(step)")
            #expect(abs(norm - norms[step]) <= 1e-4 * norms[step], "norm of step \(step)")
            compute.adamW(
                parameters: parameters.values, gradients: gradients, firstMoment: first,
                secondMoment: second, step: step + 1, learningRate: 1e-3, beta1: 0.9,
                beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01,
                gradientScale: Float(norm > 1 ? 1 / (norm + 1e-6) : 1))
        }
    }
}
