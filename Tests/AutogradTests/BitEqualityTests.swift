// The same bits on any number of threads and in any batch: what makes runs repeat on other machines.

import Autograd
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite struct BitEqualityTests {
    private let network = SampleNetwork(seed: 4)
    /// Long enough that every kernel splits its work over threads.
    private let texts = SampleNetwork.texts(
        lengths: [17, 1, 64, 30, 1, 5, 41, 64, 9, 2, 33, 50], seed: 5)

    private func scores(_ texts: [[Int32]], _ compute: Compute) -> [[UInt32]] {
        let tape = Tape(
            compute: compute, memory: TapeMemory(), parameters: network.parameters,
            layout: BatchLayout(lengths: texts.map(\.count)))
        let output = network.scores(tape, texts, dropout: true).value
        return (0..<output.rows).map { output.row($0).toArray().bits }
    }

    @Test(arguments: InstructionSet.available)
    func anyThreadCount(set: InstructionSet) {
        let batch = SampleNetwork.Batch(texts: texts, leafOffsets: [0, 4, 4, 9, 12])
        let expected = network.gradients(
            batch, nodes: [0..<4], Compute(threads: 1, instructionSet: set))[0]
        for threads in 2...4 {
            let compute = Compute(threads: threads, instructionSet: set)
            let ours = network.gradients(batch, nodes: [0..<4], compute)[0]
            #expect(ours.bits == expected.bits, "\(threads) threads")
            #expect(
                scores(texts, compute)
                    == scores(texts, Compute(threads: 1, instructionSet: set)))
        }
    }

    @Test(arguments: InstructionSet.available)
    func anyBatch(set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        let together = scores(texts, compute)
        for (index, text) in texts.enumerated() {
            #expect(scores([text], compute)[0] == together[index], "text \(index) alone")
        }
        #expect(Array(scores(texts.reversed(), compute).reversed()) == together)
        #expect(Array(scores(Array(texts[3..<8]), compute)) == Array(together[3..<8]))
    }

    /// A sample's dropout is keyed by its number, not by its place in the batch.
    @Test func gradientOfALeafInAnyCompany() {
        let compute = Compute(threads: 2)
        let batch = SampleNetwork.Batch(texts: texts, leafOffsets: [0, 4, 4, 9, 12])
        let alone = network.gradients(batch, nodes: [2..<3], compute)[0]
        let inCompany = network.gradients(
            batch, nodes: [0..<1, 1..<2, 2..<3, 3..<4], compute)[2]
        #expect(alone.bits == inCompany.bits)
    }

    /// All instruction sets compute the same thing, up to rounding.
    @Test func instructionSetsAgree() {
        let batch = SampleNetwork.Batch(texts: texts, leafOffsets: [0, 12])
        let all = InstructionSet.available.map {
            network.gradients(batch, nodes: [0..<1], Compute(threads: 2, instructionSet: $0))[0]
        }
        for parameter in network.parameters.parameters {
            let parts = all.map { $0[parameter.range].map(Double.init) }
            let scale = parts[0].map(abs).max() ?? 0
            for part in parts {
                let worst = zip(part, parts[0]).map { abs($0 - $1) }.max() ?? 0
                // A gradient here is a sum over some 300 tokens.
                #expect(worst <= 0x1p-24 * 2000 * max(scale, 1), "\(parameter.name)")
            }
        }
    }
}
