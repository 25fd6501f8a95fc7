// The comparison behind `retort bench parity`. Tolerances are those that the recording advises:
// logits 2e-5 of the largest (+ 1e-6), gradients 1e-4 of each tensor's norm (+ 1e-7), curve 1e-4.
//
// Some gradients are zero in exact arithmetic (softmax doesn't see a bias that is the same for all
// keys), so both sides hold nothing but rounding. What is below float32's resolution of the whole
// gradient's norm is therefore no error.

import Autograd
import Collectives
import Foundation
import Models
import Safetensors
import TensorCore
import Training

/// Compares a classifier with recorded values.
struct Parity {
    private let student: BertClassifier
    private let golden: SafetensorsFile
    private let settings: GoldenSettings
    private let compute: Compute
    private let communicator: Communicator
    private let sequences: [TokenSequence]
    private let classes: [Int]

    init(folder: String, compute: Compute, communicator: Communicator) throws {
        self.compute = compute
        self.communicator = communicator
        student = try BertClassifier(ModelFolder(path: folder))
        golden = try SafetensorsFile(path: "\(folder)/golden.safetensors")
        settings = try GoldenSettings(path: "\(folder)/golden.json")
        sequences = try Self.sequences(golden)
        classes = try golden.int64s("in.labels").map { Int($0) }
    }

    /// The rows of the recorded batch without their padding.
    private static func sequences(_ golden: SafetensorsFile) throws -> [TokenSequence] {
        let shape = try golden.entry("in.input_ids").shape
        let ids = try golden.int64s("in.input_ids").map { Int32($0) }
        let mask = try golden.int64s("in.attention_mask")
        let types =
            golden.contains("in.token_type_ids")
            ? try golden.int64s("in.token_type_ids").map { Int32($0) }
            : [Int32](repeating: 0, count: ids.count)
        let length = shape[shape.count - 1]
        return (0..<(ids.count / length)).map { row in
            let places = (row * length..<(row + 1) * length).filter { mask[$0] != 0 }
            return TokenSequence(ids: places.map { ids[$0] }, typeIDs: places.map { types[$0] })
        }
    }

    func report() throws -> ParityReport {
        let logits = try logitsError()
        let gradient = try gradientError()
        let curve = try curveError()
        return ParityReport(
            logits: logits.relative, gradient: gradient, curve: curve, greedy: nil,
            passes: logits.passes && gradient.error <= 1e-4 && curve <= 1e-4)
    }

    private func logitsError() throws -> (relative: Double, passes: Bool) {
        let memory = TapeMemory()
        let batch = TokenBatch(sequences)
        let tape = Tape(
            compute: compute, memory: memory, parameters: student.parameters,
            layout: batch.layout)
        let ours = student.logits(tape, batch, dropout: nil).value.toArray()
        let recorded = try golden.floats("out.logits")
        let error = zip(ours, recorded).map { abs(Double($0) - Double($1)) }.max() ?? 0
        let largest = recorded.map { abs(Double($0)) }.max() ?? 0
        return (error / max(largest, 1e-30), error <= 2e-5 * largest + 1e-6)
    }

    /// Gradients of the mean cross-entropy.
    private func gradientError() throws -> (error: Double, name: String) {
        let memory = TapeMemory()
        let batch = TokenBatch(sequences)
        let storage = Arena()
        let gradients = storage.zeros(1, student.parameters.elementCount)
        let tape = Tape(
            compute: compute, memory: memory, parameters: student.parameters,
            layout: batch.layout,
            sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
        let logits = student.logits(tape, batch, dropout: nil)
        let dLogits = memory.matrix(logits.value.rows, logits.value.columns)
        var losses = [Double](repeating: 0, count: classes.count)
        compute.crossEntropy(
            logits.value, targets: classes.map(Int32.init),
            gradientScale: 1 / Float(classes.count), into: dLogits, losses: &losses)
        tape.backward(from: logits, gradient: dLogits)
        let whole = try norm(
            golden.names.filter { $0.hasPrefix("grad.") }.map { norm(try golden.doubles($0)) })
        let floor = 1e-7 + Double(Float.ulpOfOne) * whole
        var worst = (error: 0.0, name: "")
        for (index, parameter) in student.parameters.parameters.enumerated() {
            let name = "grad.\(parameter.name)"
            guard golden.contains(name) else { continue }
            let recorded = try golden.doubles(name)
            let ours = student.parameters.view(index, of: gradients).toArray()
            let difference = norm(zip(ours, recorded).map { Double($0) - $1 })
            let error = max(0, difference - floor) / max(norm(recorded), 1e-30)
            if error > worst.error { worst = (error, parameter.name) }
        }
        return worst
    }

    /// Losses and gradient norms over the recorded steps.
    private func curveError() throws -> Double {
        let losses = try golden.doubles("curve.loss")
        let norms = try golden.doubles("curve.grad_norm")
        let trainer = ParallelStudent(
            ClassificationTask(student), options: settings.training, seed: 0,
            communicator: communicator, compute: compute, appliesDropout: false)
        var worst = 0.0
        for (step, (loss, norm)) in zip(losses, norms).enumerated() {
            let batch = zip(sequences, classes).enumerated().map { index, sample in
                TrainingSample(
                    tokens: sample.0,
                    target: student.labels.indices.map { $0 == sample.1 ? 1 : 0 }, weight: 1,
                    sample: UInt32(index))
            }
            let report = try trainer.train(
                on: batch, step: step, rate: settings.training.learningRate)
            worst = max(worst, abs(report.loss - loss) / max(abs(loss), 1e-30))
            worst = max(worst, abs(report.gradientNorm - norm) / max(abs(norm), 1e-30))
        }
        return worst
    }

    private func norm(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}

/// The optimiser of a recording, out of its `golden.json`.
struct GoldenSettings {
    let training: TrainingOptions

    private struct File: Decodable {
        let optimiser: Optimiser
    }

    private struct Optimiser: Decodable {
        let lr: Double
        let betas: [Double]
        let eps: Double
        let weightDecay: Double
        let clipGradNorm: Double

        enum CodingKeys: String, CodingKey {
            case lr, betas, eps
            case weightDecay = "weight_decay"
            case clipGradNorm = "clip_grad_norm"
        }
    }

    init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ModelError(.missing, "\(path): no such file, or not readable")
        }
        let recorded: Optimiser
        do {
            recorded = try JSONDecoder().decode(File.self, from: data).optimiser
        } catch {
            throw ModelError(.malformed, "\(path): not the settings of a recording")
        }
        var options = TrainingOptions()
        options.learningRate = recorded.lr
        options.beta1 = recorded.betas.first ?? 0.9
        options.beta2 = recorded.betas.last ?? 0.999
        options.epsilon = recorded.eps
        options.weightDecay = recorded.weightDecay
        options.maximumGradientNorm = recorded.clipGradNorm
        training = options
    }
}

extension SafetensorsFile {
    /// A float64 or float32 tensor in double precision.
    func doubles(_ name: String) throws -> [Double] {
        let entry = try entry(name)
        guard entry.dataType == .float64 else { return try entry.floats().map(Double.init) }
        return (0..<entry.count).map {
            unsafe entry.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)
        }
    }
}
