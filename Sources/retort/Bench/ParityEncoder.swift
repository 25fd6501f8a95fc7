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

/// Compares an encoder and its head with recorded values.
struct EncoderParity<Task: StudentTask> {
    private let student: any EncoderStudent
    private let task: Task
    /// The recorded batch, and its sequences: one a sample, or one a choice.
    private let batch: [Task.Sample]
    private let input: RecordedSequences
    private let golden: SafetensorsFile
    private let settings: GoldenSettings
    private let compute: Compute
    private let communicator: Communicator

    func report() throws -> ParityReport {
        let forward = try forwardErrors()
        let backward = try backwardErrors()
        let curve = try curveError()
        return ParityReport(
            logits: forward.logits.relative, gradient: backward.gradient, curve: curve,
            loss: backward.loss, hidden: forward.hidden.relative, greedy: nil,
            passes: forward.logits.passes && forward.hidden.passes && backward.loss <= 1e-4
                && backward.gradient.error <= 1e-4 && curve <= 1e-4)
    }

    /// The largest error of some values, by the largest of them, and whether it is small enough.
    private struct Error {
        var relative = 0.0
        var passes = true

        mutating func add(_ ours: [Float], _ recorded: [Float]) {
            let error = zip(ours, recorded).map { abs(Double($0) - Double($1)) }.max() ?? 0
            let largest = recorded.map { abs(Double($0)) }.max() ?? 0
            relative = max(relative, error / max(largest, 1e-30))
            passes = passes && error <= 2e-5 * largest + 1e-6 && ours.count == recorded.count
        }
    }

    private func forwardErrors() throws -> (logits: Error, hidden: Error) {
        let memory = TapeMemory()
        let batch = TokenBatch(input.sequences)
        let tape = Tape(
            compute: compute, memory: memory, parameters: student.parameters,
            layout: batch.layout)
        let result = student.logitsAndHiddenStates(tape, batch)
        var (logits, hidden) = (Error(), Error())
        logits.add(result.logits.value.toArray(), try golden.floats("out.logits"))
        for (layer, state) in result.hiddenStates.enumerated() {
            let recorded = try golden.floats("out.hidden.\(layer)")
            let width = state.value.columns
            hidden.add(
                state.value.toArray(),
                input.places.flatMap { $0 }.flatMap { recorded[$0 * width..<($0 + 1) * width] })
        }
        return (logits, hidden)
    }

    /// Loss and gradients of the batch.
    private func backwardErrors() throws -> (loss: Double, gradient: (error: Double, name: String))
    {
        let memory = TapeMemory()
        let storage = Arena()
        let gradients = storage.zeros(1, student.parameters.elementCount)
        let tape = Tape(
            compute: compute, memory: memory, parameters: student.parameters,
            layout: try task.layout(batch[...], leafOffsets: [0, batch.count], leaves: 0..<1),
            sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
        let losses = task.pass(
            batch[...],
            StudentPass(
                tape: tape, normalizer: task.normalizer(of: batch), dropout: nil, memory: memory))
        let recordedLoss = Double(try golden.floats("out.loss")[0])
        let whole = try norm(
            golden.names.filter { $0.hasPrefix("grad.") }.map { norm(try golden.doubles($0)) })
        let floor = 1e-7 + Double(Float.ulpOfOne) * whole
        var worst = (error: 0.0, name: "")
        for name in golden.names where name.hasPrefix("grad.") {
            let weight = String(name.dropFirst("grad.".count))
            guard let index = student.parameters.index(of: weight) else {
                throw ModelError(
                    .malformed, "golden.safetensors: '\(name)' is of no weight of the model")
            }
            let recorded = try golden.doubles(name)
            let ours = student.parameters.view(index, of: gradients).toArray()
            let difference = norm(zip(ours, recorded).map { Double($0) - $1 })
            let error = max(0, difference - floor) / max(norm(recorded), 1e-30)
            if error > worst.error { worst = (error, weight) }
        }
        return (abs(losses.reduce(0, +) - recordedLoss) / max(abs(recordedLoss), 1e-30), worst)
    }

    /// Losses and gradient norms over the recorded steps.
    private func curveError() throws -> Double {
        let losses = try golden.doubles("curve.loss")
        let norms = try golden.doubles("curve.grad_norm")
        let trainer = ParallelStudent(
            task, options: settings.training, seed: 0, communicator: communicator,
            compute: compute, appliesDropout: false)
        var worst = 0.0
        for (step, (loss, norm)) in zip(losses, norms).enumerated() {
            let report = try trainer.train(
                on: batch, step: step, rate: settings.training.learningRate)
            let difference = max(0, abs(report.loss - loss) - Self.lossResolution)
            worst = max(worst, difference / max(abs(loss), 1e-30))
            worst = max(worst, abs(report.gradientNorm - norm) / max(abs(norm), 1e-30))
        }
        return worst
    }

    /// What a recorded loss may be off by itself: it is the logarithm of a float32 sum near 1, whose
    /// rounding is of that size however small the loss has become.
    private static var lossResolution: Double { 0x1p-24 }

    private func norm(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}

extension EncoderParity<ClassificationTask> {
    /// Compares a folder of whichever task its configuration names.
    static func report(
        folder path: String, compute: Compute, communicator: Communicator
    ) throws -> ParityReport {
        let folder = try ModelFolder(path: path)
        let golden = try SafetensorsFile(path: "\(path)/golden.safetensors")
        let settings = try GoldenSettings(path: "\(path)/golden.json")
        let input = try RecordedSequences(golden)
        let labels = try golden.int64s("in.labels").map { Int($0) }
        func onehot(_ label: Int, of count: Int) -> [Double] {
            (0..<count).map { $0 == label ? 1 : 0 }
        }
        if folder.architecture?.hasSuffix("ForMultipleChoice") == true {
            let student = try MultipleChoiceModel(folder)
            let choices = input.sequences.count / labels.count
            let batch = labels.enumerated().map { index, label in
                MultipleChoiceSample(
                    choices: Array(input.sequences[index * choices..<(index + 1) * choices]),
                    target: onehot(label, of: choices), sample: UInt32(index))
            }
            return try EncoderParity<MultipleChoiceTask>(
                student: student, task: MultipleChoiceTask(student), batch: batch, input: input,
                golden: golden, settings: settings, compute: compute, communicator: communicator
            ).report()
        }
        let student = try EncoderClassifier(folder)
        let batch = zip(input.sequences, labels).enumerated().map { index, sample in
            TrainingSample(
                tokens: sample.0,
                target: onehot(sample.1, of: student.labels.count).map { Float($0) }, weight: 1,
                sample: UInt32(index))
        }
        return try EncoderParity(
            student: student, task: ClassificationTask(student), batch: batch, input: input,
            golden: golden, settings: settings, compute: compute, communicator: communicator
        ).report()
    }
}

/// The rows of a recorded batch without their padding.
struct RecordedSequences {
    let sequences: [TokenSequence]
    /// For each sequence, the places of its tokens in the padded batch.
    let places: [[Int]]

    init(_ golden: SafetensorsFile) throws {
        let length = try golden.entry("in.input_ids").shape.last ?? 1
        let ids = try golden.int64s("in.input_ids").map { Int32($0) }
        let mask = try golden.int64s("in.attention_mask")
        let types =
            golden.contains("in.token_type_ids")
            ? try golden.int64s("in.token_type_ids").map { Int32($0) }
            : [Int32](repeating: 0, count: ids.count)
        places = (0..<(ids.count / length)).map { row in
            (row * length..<(row + 1) * length).filter { mask[$0] != 0 }
        }
        sequences = places.map { places in
            TokenSequence(ids: places.map { ids[$0] }, typeIDs: places.map { types[$0] })
        }
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
