// `retort bench parity` for decoders: scores and greedy text of the inference with cached keys, gradients
// and ten steps of the training. The tolerances are those of Parity.swift.
//
// A folder with `base/` and `adapter/` in place of a model is a decoder with adapters as peft writes them.

import Autograd
import Foundation
import Models
import Safetensors
import TensorCore
import Training

/// Compares a decoder with recorded values.
struct DecoderParity {
    private let model: any CausalStudent
    private let golden: SafetensorsFile
    private let settings: GoldenSettings
    private let compute: Compute
    private let texts: [[Int32]]
    private let labels: [[Int32]]
    /// The places of real tokens in the padded batch, text by text.
    private let places: [Int]

    init(folder path: String, compute: Compute) throws {
        self.compute = compute
        if Self.hasAdapter(path) {
            model = try LoRAModel(
                base: DecoderFolder(path: "\(path)/base"), adapter: "\(path)/adapter")
        } else {
            model = try DecoderModel(DecoderFolder(path: path))
        }
        let golden = try SafetensorsFile(path: "\(path)/golden.safetensors")
        self.golden = golden
        settings = try GoldenSettings(path: "\(path)/golden.json")
        let shape = try golden.entry("in.input_ids").shape
        let length = shape[shape.count - 1]
        let ids = try golden.int64s("in.input_ids").map { Int32($0) }
        let mask = try golden.int64s("in.attention_mask")
        let all = try golden.int64s("in.labels").map { Int32($0) }
        let rows = (0..<ids.count / length).map { row in
            (row * length..<(row + 1) * length).filter { mask[$0] != 0 }
        }
        texts = rows.map { $0.map { ids[$0] } }
        labels = rows.map { $0.map { all[$0] } }
        places = rows.flatMap { $0 }
        try model.check(texts, labels: labels)
    }

    /// Whether a folder holds a base and an adapter.
    static func hasAdapter(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/adapter/adapter_config.json")
    }

    /// The name of a weight's recorded gradient: peft names the adapter between factor and weight.
    private func recordedName(_ parameter: Parameter) -> String {
        guard model is LoRAModel, parameter.name.hasSuffix(".weight") else {
            return "grad.\(parameter.name)"
        }
        return "grad.\(parameter.name.dropLast(".weight".count)).default.weight"
    }

    func report() throws -> ParityReport {
        let decoder = try model.decoder(compute: compute)
        let logits = try logitsError(decoder)
        let greedy = try greedyAgrees(decoder)
        let gradient = try gradientError()
        let curve = try curveError()
        return ParityReport(
            logits: logits.relative, gradient: gradient, curve: curve, greedy: greedy,
            passes: logits.passes && greedy != false && gradient.error <= 1e-4 && curve <= 1e-4)
    }

    private func logitsError(
        _ decoder: Decoder
    ) throws -> (relative: Double, passes: Bool) {
        let recorded = try golden.floats("out.logits")
        let width = model.configuration.vocabularySize
        let states = try decoder.read(
            texts.map { DecoderInput(decoder.makeSequence(), $0, wanted: .all) })
        var (error, largest): (Float, Float) = (0, 0)
        decoder.logits(states) { (rows: Range<Int>, logits: Matrix) in
            for (index, row) in rows.enumerated() {
                let theirs = recorded[places[row] * width..<(places[row] + 1) * width]
                for (ours, theirs) in zip(logits.row(index).toArray(), theirs) {
                    // Not `max`: a NaN must not be lost.
                    if !(abs(ours - theirs) <= error) { error = abs(ours - theirs) }
                    largest = max(largest, abs(theirs))
                }
            }
        }
        return (Double(error / max(largest, 1e-30)), error <= 2e-5 * largest + 1e-6)
    }

    /// Whether the recorded greedy text comes out; nil where none was recorded.
    private func greedyAgrees(_ decoder: Decoder) throws -> Bool? {
        guard golden.contains("in.prompt"), golden.contains("out.greedy") else { return nil }
        let prompt = try golden.int64s("in.prompt").map { Int32($0) }
        let recorded = try golden.int64s("out.greedy").map { Int32($0) }
        let text = try Generator(decoder).generate([
            GenerationRequest(
                sample: 0, prompt: prompt, maximumTokens: recorded.count - prompt.count)
        ])
        return text.first.map { prompt + $0.ids } == recorded
    }

    /// The mean cross-entropy of the predicted tokens; its gradient is written.
    private func loss(_ gradients: Matrix, _ memory: TapeMemory) -> Double {
        memory.reset()
        let batch = DecoderBatch(texts, labels: labels)
        let tape = Tape(
            compute: compute, memory: memory, parameters: model.parameters, layout: batch.layout,
            sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
        let count = max(batch.predicting.count, 1)
        let loss = model.tokenLoss(tape, batch, gradientScale: 1 / Float(count))
        return loss.sum / Double(count)
    }

    private func gradientError() throws -> (error: Double, name: String) {
        let storage = Arena()
        let gradients = storage.zeros(1, model.parameters.elementCount)
        _ = loss(gradients, TapeMemory())
        let whole = try norm(
            golden.names.filter { $0.hasPrefix("grad.") }.map { norm(try golden.doubles($0)) })
        let floor = 1e-7 + Double(Float.ulpOfOne) * whole
        var worst = (error: 0.0, name: "")
        for (index, parameter) in model.parameters.parameters.enumerated() {
            let name = recordedName(parameter)
            guard golden.contains(name) else { continue }
            let recorded = try golden.doubles(name)
            let ours = model.parameters.view(index, of: gradients).toArray()
            let difference = norm(zip(ours, recorded).map { Double($0) - $1 })
            let error = max(0, difference - floor) / max(norm(recorded), 1e-30)
            if !(error <= worst.error) { worst = (error, parameter.name) }
        }
        return worst
    }

    /// Losses and gradient norms over the recorded steps; the model is another one afterwards.
    private func curveError() throws -> Double {
        let losses = try golden.doubles("curve.loss")
        let norms = try golden.doubles("curve.grad_norm")
        let (options, memory, storage) = (settings.training, TapeMemory(), Arena())
        let count = model.parameters.elementCount
        let (gradients, first, second) = (
            storage.zeros(1, count), storage.zeros(1, count), storage.zeros(1, count)
        )
        var worst = 0.0
        for (step, (recordedLoss, recordedNorm)) in zip(losses, norms).enumerated() {
            let loss = loss(gradients, memory)
            let size = compute.sumOfSquares(gradients).squareRoot()
            for (ours, theirs) in [(loss, recordedLoss), (size, recordedNorm)] {
                let error = abs(ours - theirs) / max(abs(theirs), 1e-30)
                if !(error <= worst) { worst = error }
            }
            // As torch.nn.utils.clip_grad_norm_ has it.
            let scale = min(1, options.maximumGradientNorm / (size + 1e-6))
            compute.adamW(
                parameters: model.parameters.values, gradients: gradients, firstMoment: first,
                secondMoment: second, step: step + 1, learningRate: options.learningRate,
                beta1: options.beta1, beta2: options.beta2, epsilon: options.epsilon,
                weightDecay: options.weightDecay, gradientScale: Float(scale))
            model.parameters.noteChange()
        }
        return worst
    }

    private func norm(_ values: [Double]) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
}
