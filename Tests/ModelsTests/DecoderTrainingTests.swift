// Training decoders against recorded PyTorch values: the loss, every gradient, ten AdamW steps; and the
// house's promises: the same bits for any threads and cut into leaves' subtrees, with and without
// recomputation.

import Autograd
import Foundation
import Kernels
import Models
import Safetensors
import TensorCore
import TestSupport
import Testing

/// A recorded decoder with its targets.
private struct RecordedTraining {
    let recorded: RecordedDecoder
    let model: DecoderModel
    let labels: [[Int32]]

    init(_ name: String) throws {
        recorded = try RecordedDecoder(name)
        model = try DecoderModel(recorded.folder)
        let all = try recorded.golden.int64s("in.labels").map { Int32($0) }
        labels = recorded.places.map { $0.map { all[$0] } }
    }

    /// The mean loss.
    ///
    /// Its gradient by all weights is written, a subtree of the leaves to each matrix.
    func loss(
        _ gradients: [Matrix], _ compute: Compute, layout: BatchLayout? = nil,
        recomputes: Bool = false, precision: Precision = .float32
    ) -> Double {
        let batch = DecoderBatch(recorded.texts, labels: labels, layout: layout)
        let part = batch.layout.leaves.count / gradients.count
        let nodes = gradients.enumerated().map { index, gradients in
            GradientSink.Node(
                leaves: index * part..<(index + 1) * part, gradients: gradients)
        }
        let tape = Tape(
            compute: compute, memory: TapeMemory(), parameters: model.parameters,
            layout: batch.layout, precision: precision, sink: GradientSink(nodes: nodes))
        let count = batch.predicting.count
        let loss = model.tokenLoss(
            tape, batch, gradientScale: 1 / Float(count), recomputesLayers: recomputes)
        #expect(loss.count == count)
        return loss.sum / Double(count)
    }

    /// A leaf a text, the last ones empty.
    func leaves(_ count: Int) -> BatchLayout {
        BatchLayout(
            lengths: recorded.texts.map(\.count), samples: recorded.texts.indices.map(UInt32.init),
            leafOffsets: (0...count).map { min($0, recorded.texts.count) }, leaves: 0..<count)
    }
}

@Suite(.enabled(if: !RecordedDecoder.names.isEmpty, "no recorded decoders in ../shared/reference"))
struct DecoderTrainingTests {
    @Test(arguments: RecordedDecoder.names, InstructionSet.available)
    func everyGradient(_ name: String, set: InstructionSet) throws {
        let training = try RecordedTraining(name)
        let (golden, parameters) = (training.recorded.golden, training.model.parameters)
        let arena = Arena()
        let gradients = arena.zeros(1, parameters.elementCount)
        let loss = training.loss([gradients], Compute(threads: 2, instructionSet: set))
        #expect(abs(loss - Double(try golden.floats("out.loss")[0])) <= 1e-5)
        let names = golden.names.filter { $0.hasPrefix("grad.") }
        let due = Set(parameters.parameters.map { "grad.\($0.name)" })
        #expect(Set(names) == due)
        let whole = try norm(names.flatMap { try golden.floats($0).map(Double.init) })
        for (index, parameter) in parameters.parameters.enumerated() {
            let theirs = try golden.floats("grad.\(parameter.name)").map(Double.init)
            let ours = parameters.view(index, of: gradients).toArray().map(Double.init)
            let error = norm(zip(ours, theirs).map { $0 - $1 })
            let floor = 1e-7 + Double(Float.ulpOfOne) * whole
            #expect(error <= 1e-4 * norm(theirs) + floor, "\(parameter.name)")
        }
    }

    /// Ten steps of AdamW, clipped at 1: losses and gradient norms.
    @Test(arguments: RecordedDecoder.names)
    func tenSteps(_ name: String) throws {
        let training = try RecordedTraining(name)
        let (golden, parameters) = (training.recorded.golden, training.model.parameters)
        let compute = Compute(threads: 2)
        let arena = Arena()
        let gradients = arena.zeros(1, parameters.elementCount)
        let (first, second) = (
            arena.zeros(1, parameters.elementCount), arena.zeros(1, parameters.elementCount)
        )
        let losses = try golden.doubles("curve.loss")
        let norms = try golden.doubles("curve.grad_norm")
        for step in 0..<losses.count {
            let loss = training.loss([gradients], compute)
            let size = compute.sumOfSquares(gradients).squareRoot()
            #expect(abs(loss - losses[step]) <= 1e-4 * abs(losses[step]), "step \(step)")
            #expect(abs(size - norms[step]) <= 1e-4 * norms[step], "step \(step)")
            compute.adamW(
                parameters: parameters.values, gradients: gradients, firstMoment: first,
                secondMoment: second, step: step + 1, learningRate: 1e-3, weightDecay: 0.01,
                gradientScale: Float(min(1, 1 / (size + 1e-6))))
            parameters.noteChange()
        }
    }

    @Test(arguments: RecordedDecoder.names)
    func theSameBits(_ name: String) throws {
        let training = try RecordedTraining(name)
        let count = training.model.parameters.elementCount
        let arena = Arena()
        let leaves = training.leaves(8)
        let due = arena.zeros(1, count)
        let loss = training.loss([due], Compute(threads: 1), layout: leaves)
        let expected = due.toArray()
        for threads in [1, 3] {
            let compute = Compute(threads: threads)
            for recomputes in [false, true] {
                // Garbage before: everything has to be written.
                let parts = [arena.matrix(1, count), arena.matrix(1, count)]
                for part in parts { part.fill(.nan) }
                let again = training.loss(
                    parts, compute, layout: leaves, recomputes: recomputes)
                #expect(again == loss)
                compute.add(parts[0], parts[1], into: parts[0])
                let same = parts[0].toArray() == expected
                #expect(same, "\(threads) threads, recomputed: \(recomputes)")
            }
        }
    }

    /// With products in bfloat16 the loss stays near; kept and made again values agree.
    @Test(arguments: RecordedDecoder.names)
    func bfloat16(_ name: String) throws {
        let training = try RecordedTraining(name)
        let count = training.model.parameters.elementCount
        let arena = Arena()
        let (kept, again) = (arena.zeros(1, count), arena.zeros(1, count))
        let compute = Compute(threads: 2)
        let loss = training.loss([kept], compute, precision: .bfloat16)
        let exact = Double(try training.recorded.golden.floats("out.loss")[0])
        #expect(abs(loss - exact) <= 0.05 * exact)
        let recomputed = training.loss(
            [again], compute, recomputes: true, precision: .bfloat16)
        #expect(recomputed == loss)
        let finite = kept.toArray().allSatisfy(\.isFinite)
        #expect(finite)
        let (a, b) = (kept.toArray().map(Double.init), again.toArray().map(Double.init))
        // Recomputed layers start from states that weren't rounded on the way.
        #expect(norm(zip(a, b).map { $0 - $1 }) <= 0.05 * norm(a))
    }
}
