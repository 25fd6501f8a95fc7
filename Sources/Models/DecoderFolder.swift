// A Hugging Face folder of a decoder: `config.json`, weights in one file or several, and the
// tokenizer's files. Opening reads headers only; `Decoder` and `DecoderModel` read the weights.

import Foundation
import Safetensors
import TensorCore

/// An opened decoder folder.
public struct DecoderFolder: Sendable {
    /// Where it lies.
    public let path: String
    /// What its `config.json` says.
    public let configuration: DecoderConfiguration
    let weights: WeightFiles

    /// Files that go with an export.
    static let companions = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "generation_config.json", "chat_template.jinja", "vocab.json", "merges.txt",
        "tokenizer.model",
    ]

    /// Opens a folder: checks its configuration, and its tensors' names, shapes and types.
    ///
    /// - Throws: `ModelError` with the file, and the key or tensor that is missing, wrong or not
    ///   supported.
    public init(path: String) throws(ModelError) {
        var isDirectory: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory),
            isDirectory.boolValue
        else {
            throw ModelError(.missing, "\(path): no such model folder")
        }
        self.path = path
        let configuration = try DecoderConfiguration(folder: path)
        self.configuration = configuration
        weights = try WeightFiles(folder: path)
        let wanted = DecoderLayout.weights(configuration)
        for (name, shape) in wanted { _ = try weights.entry(name, shape: shape) }
        try weights.refuseUnknown(wanted: Set(wanted.map(\.name))) {
            DecoderLayout.isIgnored($0, configuration)
        }
    }
}

extension DecoderFolder {
    /// Whether a folder's `config.json` says that it holds a decoder of a family that we run.
    ///
    /// - Throws: `ModelError` where the file isn't there or isn't JSON.
    public static func isDecoder(_ path: String) throws(ModelError) -> Bool {
        let json = try JSONFields(path: "\(path)/config.json")
        let type = try json.string("model_type") ?? ""
        return DecoderConfiguration.Family(rawValue: type) != nil
    }

    /// The bytes of `config.json` for an export of weights of that precision.
    func exportedConfiguration(_ precision: Precision) throws(ModelError) -> Data {
        var json = try JSONFields(path: "\(path)/config.json")
        json.set("dtype", precision.rawValue)
        json.remove("torch_dtype")
        json.remove("_name_or_path")
        return try json.serialized()
    }

    init(path: String, configuration: DecoderConfiguration, weights: WeightFiles) {
        self.path = path
        self.configuration = configuration
        self.weights = weights
    }
}

/// Where a decoder's weights are read from when they are packed.
protocol DecoderWeightSource {
    /// Rows of some matrices, one upon the other, or some vectors end to end as one row.
    func copy(
        _ names: [String], shapes: [[Int]], rows: Range<Int>, into target: Matrix
    ) throws(ModelError)
    /// Whether all elements of these weights are bfloat16.
    func isBFloat16(_ names: [String], shapes: [[Int]]) throws(ModelError) -> Bool
    /// All have been read, but for rows of the token table.
    func finish()
    /// Rises when weights change.
    var revision: Int { get }
}

extension DecoderFolder: DecoderWeightSource {
    func copy(
        _ names: [String], shapes: [[Int]], rows: Range<Int>, into target: Matrix
    ) throws(ModelError) {
        var start = 0
        for (name, shape) in zip(names, shapes) {
            let entry = try weights.entry(name, shape: shape)
            if shape.count == 1 {
                try entry.copyRows(
                    0..<1, into: target.columns(start..<start + shape[0]))
                start += shape[0]
                continue
            }
            let part = rows.clamped(to: start..<start + shape[0])
            if !part.isEmpty {
                try entry.copyRows(
                    part.lowerBound - start..<part.upperBound - start,
                    into: target.rows(
                        part.lowerBound - rows.lowerBound..<part.upperBound - rows.lowerBound))
            }
            start += shape[0]
        }
    }

    func isBFloat16(_ names: [String], shapes: [[Int]]) throws(ModelError) -> Bool {
        for (name, shape) in zip(names, shapes)
        where try weights.entry(name, shape: shape).dataType != .bfloat16 {
            return false
        }
        return true
    }

    func finish() { weights.releasePages() }

    var revision: Int { 0 }
}
