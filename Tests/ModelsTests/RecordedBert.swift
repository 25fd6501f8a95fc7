// A tiny BERT with the values that PyTorch gave for it, as `../shared/reference` holds them.

import Autograd
import Foundation
import Models
import Safetensors
import TensorCore
import TestSupport

/// A recorded model folder.
struct RecordedBert {
    static let folder = SharedData.path("reference/golden/bert")
    static let isThere = SharedData.has("reference/golden/bert/golden.safetensors")

    let student: EncoderClassifier
    let golden: SafetensorsFile
    let sequences: [TokenSequence]
    let classes: [Int32]
    /// For each sequence, the places of its tokens in the padded batch.
    let places: [[Int]]

    init() throws {
        student = try EncoderClassifier(ModelFolder(path: Self.folder))
        golden = try SafetensorsFile(path: "\(Self.folder)/golden.safetensors")
        classes = try golden.int64s("in.labels").map { Int32($0) }
        let ids = try golden.int64s("in.input_ids")
        let types = try golden.int64s("in.token_type_ids")
        let mask = try golden.int64s("in.attention_mask")
        let length = ids.count / classes.count
        places = classes.indices.map { row in
            (row * length..<(row + 1) * length).filter { mask[$0] != 0 }
        }
        sequences = places.map { places in
            TokenSequence(
                ids: places.map { Int32(ids[$0]) }, typeIDs: places.map { Int32(types[$0]) })
        }
    }

    /// The mean cross-entropy of the batch; writes its gradient by all weights.
    func loss(_ gradients: Matrix, _ compute: Compute) -> Double {
        let memory = TapeMemory()
        let batch = TokenBatch(sequences)
        let tape = Tape(
            compute: compute, memory: memory, parameters: student.parameters,
            layout: batch.layout,
            sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
        let logits = student.logits(tape, batch, dropout: nil)
        let gradient = memory.matrix(logits.value.rows, logits.value.columns)
        var losses = [Double](repeating: 0, count: classes.count)
        compute.crossEntropy(
            logits.value, targets: classes, gradientScale: 1 / Float(classes.count),
            into: gradient, losses: &losses)
        tape.backward(from: logits, gradient: gradient)
        return losses.reduce(0, +) / Double(classes.count)
    }
}

/// The Euclidean norm.
func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }

extension SafetensorsFile {
    /// A float64 tensor.
    func doubles(_ name: String) throws -> [Double] {
        let entry = try entry(name)
        return (0..<entry.count).map {
            entry.bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self)
        }
    }
}
