// Tiny decoders with the values that PyTorch gave for them, as `../shared/reference` holds them.

import Foundation
import Models
import Safetensors
import TensorCore
import TestSupport

/// A recorded decoder folder.
struct RecordedDecoder: CustomStringConvertible {
    static let names = ["llama", "qwen2", "mistral"].filter {
        SharedData.has("reference/golden/\($0)/golden.safetensors")
    }

    let name: String
    let folder: DecoderFolder
    let golden: SafetensorsFile
    /// The texts of the batch, padding taken off.
    let texts: [[Int32]]
    /// For each text, the places of its tokens in the padded batch.
    let places: [[Int]]

    init(_ name: String) throws {
        self.name = name
        let path = SharedData.path("reference/golden/\(name)")
        folder = try DecoderFolder(path: path)
        golden = try SafetensorsFile(path: "\(path)/golden.safetensors")
        let ids = try golden.int64s("in.input_ids")
        let mask = try golden.int64s("in.attention_mask")
        let shape = try golden.entry("in.input_ids").shape
        places = (0..<shape[0]).map { row in
            (row * shape[1]..<(row + 1) * shape[1]).filter { mask[$0] != 0 }
        }
        texts = places.map { $0.map { Int32(ids[$0]) } }
    }

    var description: String { name }

    /// The recorded rows of real tokens, text by text.
    func rows(_ tensor: String) throws -> [[Float]] {
        let values = try golden.floats(tensor)
        let width = try golden.entry(tensor).shape[2]
        return places.flatMap { $0 }.map { Array(values[($0 * width)..<(($0 + 1) * width)]) }
    }
}

extension Decoder {
    /// The scores after every token of some texts, read in one call.
    func scores(_ texts: [[Int32]]) throws -> [[Float]] {
        let states = try read(texts.map { DecoderInput(makeSequence(), $0, wanted: .all) })
        var rows: [[Float]] = []
        logits(states, chunk: 5) { range, logits in
            for row in 0..<range.count { rows.append(logits.row(row).toArray()) }
        }
        return rows
    }
}

/// The largest difference of two lists of rows; infinite where they have different shapes.
func worstDifference(_ ours: [[Float]], _ theirs: [[Float]]) -> Float {
    guard ours.count == theirs.count else { return .infinity }
    return zip(ours, theirs).reduce(0) { worst, pair in
        guard pair.0.count == pair.1.count else { return .infinity }
        return zip(pair.0, pair.1).reduce(worst) { Swift.max($0, abs($1.0 - $1.1)) }
    }
}

/// The tolerance that the recording advises for values of this size.
func advisedTolerance(_ rows: [[Float]]) -> Float {
    2e-5 * (rows.joined().map(abs).max() ?? 0) + 1e-6
}
