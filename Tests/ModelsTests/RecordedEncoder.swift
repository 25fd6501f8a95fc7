// A tiny encoder with the values that PyTorch gave for it, as `../shared/reference` holds them.

import Autograd
import Foundation
import Models
import Safetensors
import TensorCore
import TestSupport
import Testing

/// A recorded model folder of an encoder, with a classifier or a head for choices.
struct RecordedEncoder {
    static let names = [
        "bert", "roberta", "deberta-v3", "bert-multiple-choice", "deberta-v3-multiple-choice",
    ]
    static let areThere = names.allSatisfy {
        SharedData.has("reference/golden/\($0)/golden.safetensors")
    }

    let student: any EncoderStudent
    let golden: SafetensorsFile
    let sequences: [TokenSequence]
    let classes: [Int32]
    /// For each sequence, the places of its tokens in the padded batch.
    let places: [[Int]]

    init(_ name: String) throws {
        let path = SharedData.path("reference/golden/\(name)")
        let folder = try ModelFolder(path: path)
        student =
            name.hasSuffix("multiple-choice")
            ? try MultipleChoiceModel(folder) : try EncoderClassifier(folder)
        golden = try SafetensorsFile(path: "\(path)/golden.safetensors")
        classes = try golden.int64s("in.labels").map { Int32($0) }
        let ids = try golden.int64s("in.input_ids")
        let types =
            golden.contains("in.token_type_ids")
            ? try golden.int64s("in.token_type_ids") : ids.map { _ in 0 }
        let mask = try golden.int64s("in.attention_mask")
        let length = try #require(try golden.entry("in.input_ids").shape.last)
        places = (0..<ids.count / length).map { row in
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
        // The scores of an item's choices stand one behind another, each a row of its own.
        let (rows, columns) = (classes.count, logits.value.count / classes.count)
        compute.crossEntropy(
            logits.value.reshaped(rows: rows, columns: columns), targets: classes,
            gradientScale: 1 / Float(classes.count),
            into: gradient.reshaped(rows: rows, columns: columns), losses: &losses)
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
