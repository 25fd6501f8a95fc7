// What a tape promises its caller: memory that is kept, a gradient that is only read, nothing recorded
// in inference.

import Autograd
import TensorCore
import TestSupport
import Testing

@Suite struct TapeTests {
    private let network = SampleNetwork(seed: 6)
    private let texts = SampleNetwork.texts(lengths: [4, 1, 6], seed: 6)

    private func tape(_ memory: TapeMemory, _ gradients: Matrix?) -> Tape {
        Tape(
            compute: Compute(threads: 1), memory: memory, parameters: network.parameters,
            layout: BatchLayout(lengths: texts.map(\.count)),
            sink: gradients.map {
                GradientSink(nodes: [.init(leaves: 0..<1, gradients: $0)])
            })
    }

    @Test func backwardLeavesTheGivenGradientAlone() {
        let arena = Arena()
        let tape = tape(TapeMemory(), arena.zeros(1, network.parameters.elementCount))
        let output = network.scores(tape, texts, dropout: false)
        let gradient = arena.matrix(3, SampleNetwork.classes)
        var numbers = SampleNumbers(seed: 7)
        gradient.assign(numbers.floats(9))
        let before = gradient.toArray()
        tape.backward(from: output, gradient: gradient)
        #expect(gradient.toArray() == before)
    }

    /// A gradient that lies in a wider matrix.
    @Test func backwardTakesAStridedGradient() {
        let arena = Arena()
        let memory = TapeMemory()
        let buffers = [0, 1].map { _ in arena.zeros(1, network.parameters.elementCount) }
        let wide = arena.zeros(3, 8)
        let gradient = wide.columns(2..<5)
        gradient.fill(0.5)
        for (buffer, dOutput) in zip(buffers, [gradient, arena.matrix(3, 3)]) {
            dOutput.fill(0.5)
            let tape = tape(memory, buffer)
            tape.backward(from: network.scores(tape, texts, dropout: false), gradient: dOutput)
            memory.reset()
        }
        #expect(buffers[0].toArray() == buffers[1].toArray())
    }

    @Test func inferenceRecordsNothingAndDropsNothing() {
        let memory = TapeMemory()
        let tape = tape(memory, nil)
        #expect(!tape.isRecording)
        let dropped = network.scores(tape, texts, dropout: true).value.toArray()
        let plain = network.scores(
            self.tape(TapeMemory(), nil), texts, dropout: false
        ).value.toArray()
        #expect(dropped == plain)
    }

    @Test func memoryIsKeptFromStepToStep() {
        let memory = TapeMemory()
        let arena = Arena()
        let buffer = arena.zeros(1, network.parameters.elementCount)
        let gradient = arena.matrix(3, SampleNetwork.classes)
        var sizes: [Int] = []
        for _ in 0..<6 {
            memory.reset()
            gradient.fill(1)
            let tape = tape(memory, buffer)
            tape.backward(from: network.scores(tape, texts, dropout: true), gradient: gradient)
            sizes.append(memory.allocatedBytes)
        }
        #expect(Set(sizes[2...]).count == 1, "\(sizes)")
    }
}
