// A decoder with its adapters added to its weights, W + scale B A: for inference, and as a folder that
// needs no adapters. Rows are read from the base's file and added to on the way: the whole is never in
// memory a second time.
//
// Shape legend: D and E widths of a linear layer's input and output, r rank.

import Autograd
import Foundation
import Safetensors
public import TensorCore

/// The weights of a base with adapters added, as they are now.
struct MergedLoRA: DecoderWeightSource {
    private let model: LoRAModel
    private let compute: Compute
    /// The places of A and B in the parameter set by the name of the layer's weight.
    private let factors: [String: (down: Int, up: Int)]

    init(_ model: LoRAModel, _ compute: Compute) {
        self.model = model
        self.compute = compute
        var factors: [String: (down: Int, up: Int)] = [:]
        for place in model.layout.layers.joined() {
            guard let place else { continue }
            for (down, part) in zip(place.down, place.parts) {
                factors["\(part.module).weight"] = (down, part.up)
            }
        }
        self.factors = factors
    }

    func copy(
        _ names: [String], shapes: [[Int]], rows: Range<Int>, into target: Matrix
    ) throws(ModelError) {
        try model.folder.copy(names, shapes: shapes, rows: rows, into: target)
        var start = 0
        for (name, shape) in zip(names, shapes) {
            defer { start += shape[0] }
            guard let (down, up) = factors[name] else { continue }
            let part = rows.clamped(to: start..<start + shape[0])
            if part.isEmpty { continue }
            let parameters = model.parameters
            compute.gemm(
                parameters.value(up).rows(part.lowerBound - start..<part.upperBound - start),
                parameters.value(down),
                into: target.rows(
                    part.lowerBound - rows.lowerBound..<part.upperBound - rows.lowerBound),
                accumulate: true, scale: model.options.scale)
        }
    }

    /// Weights that were added to are held as float32: rounding them would lose most of a small update.
    func isBFloat16(_ names: [String], shapes: [[Int]]) throws(ModelError) -> Bool {
        if names.contains(where: { factors[$0] != nil }) { return false }
        return model.holdsHalves ? true : try model.folder.isBFloat16(names, shapes: shapes)
    }

    func finish() { model.folder.finish() }

    var revision: Int { model.parameters.revision }
}

extension LoRAModel {
    /// A decoder for inference with the adapters as they are now added to the weights.
    ///
    /// Weights with adapters are held in float32, the others as the base has them.
    public func decoder(compute: Compute) throws(ModelError) -> Decoder {
        try Decoder(MergedLoRA(self, compute), configuration, compute)
    }

    /// Writes a folder of the base with the adapters added, in float32.
    public func export(to target: String) throws(ModelError) {
        try export(to: target, precision: .float32)
    }

    /// Writes a folder of the base with the adapters added, which `transformers` loads.
    ///
    /// The folder appears whole or not at all; one that is there already is replaced.
    ///
    /// - Parameters:
    ///   - target: The folder to write.
    ///   - precision: In what precision weights are written; bfloat16 rounds the sums.
    /// - Throws: `ModelError` where a tensor can't be read or the system refuses to write.
    public func export(to target: String, precision: Precision) throws(ModelError) {
        let compute = Compute()
        let merged = MergedLoRA(self, compute)
        let weights = DecoderLayout.weights(configuration).map { name, shape in
            TensorSource(name: name, shape: shape, precision: precision, compute) {
                (rows, part) throws(ModelError) in
                try merged.copy([name], shapes: [shape], rows: rows, into: part)
            }
        }
        let folder = folder
        try FolderExport.write(to: target) { staging in
            try folder.exportedConfiguration(precision).write(
                to: URL(fileURLWithPath: "\(staging)/config.json"))
            try FolderExport.copy(DecoderFolder.companions, from: folder.path, to: staging)
            try SafetensorsWriter.write(
                weights, metadata: ["format": "pt"], to: "\(staging)/model.safetensors")
        }
        folder.finish()
    }
}
