// Decoder folders: forms that are read alike (one file or several, three element types, old and new
// configurations), and what is refused, each in one line that names the file and the key.

import Autograd
import Foundation
import Safetensors
import TensorCore
import TestSupport
import Testing

@testable import Models

@Suite(.enabled(if: !RecordedDecoder.names.isEmpty, "no recorded decoders in ../shared/reference"))
struct DecoderFolderTests {
    private let source = SharedData.path("reference/golden/\(RecordedDecoder.names.first ?? "")")

    private func json() throws -> [String: Any] {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(source)/config.json"))
        return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    private func write(_ json: [String: Any], _ name: String, in folder: String) throws {
        try JSONSerialization.data(withJSONObject: json).write(
            to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    /// The line that opening a folder with this configuration gives.
    private func refusal(_ change: (inout [String: Any]) -> Void) throws -> String {
        try withTemporaryFolder { folder in
            var config = try json()
            change(&config)
            try write(config, "config.json", in: folder)
            try FileManager.default.copyItem(
                atPath: "\(source)/model.safetensors", toPath: "\(folder)/model.safetensors")
            do throws(ModelError) {
                _ = try DecoderFolder(path: folder)
                return "accepted"
            } catch {
                #expect(error.message.hasPrefix("\(folder)/"), "\(error.message)")
                #expect(!error.message.contains("\n"))
                return error.message
            }
        }
    }

    @Test func whatIsRefused() throws {
        let cases: [(key: String, value: Any?, word: String)] = [
            ("model_type", "gpt2", "model_type 'gpt2'"), ("hidden_act", "gelu", "hidden_act"),
            ("quantization_config", ["bits": 4], "quantization_config"),
            ("hidden_size", nil, "hidden_size"), ("vocab_size", "many", "vocab_size"),
            ("num_key_value_heads", 3, "num_key_value_heads 3"), ("head_dim", 7, "head_dim 7"),
            ("head_dim", 512, "head_dim 512"), ("eos_token_id", 5000, "token id 5000"),
            ("rope_parameters", ["rope_type": "yarn", "factor": 4], "rope_type 'yarn'"),
            ("rope_parameters", ["rope_type": "linear"], "'factor'"),
            ("rope_parameters", ["rope_theta": -1], "rope_theta"),
            ("rope_parameters", ["partial_rotary_factor": 0.5], "partial_rotary_factor"),
            ("tie_word_embeddings", 2, "tie_word_embeddings"),
            // Weights that contradict it.
            ("num_hidden_layers", 3, "model.layers.2.input_layernorm.weight"),
            ("num_hidden_layers", 1, "model.layers.1"), ("intermediate_size", 97, "gate_proj"),
            ("attention_bias", true, "q_proj.bias"),
        ]
        for (key, value, word) in cases {
            let line = try refusal { config in
                config[key] = value
                // `generation_config.json` isn't copied: what ends a text comes from here.
            }
            #expect(line.contains(word), "\(key): \(line)")
        }
        #expect(try refusal { _ in } == "accepted")
    }

    /// Rotary settings as transformers 4 wrote them mean the same.
    @Test func olderConfigurations() throws {
        let path = SharedData.path("reference/golden/llama")
        try #require(FileManager.default.fileExists(atPath: path))
        let new = try DecoderFolder(path: path).configuration
        let older = try withTemporaryFolder { folder in
            var config = try json()
            var rotary = try #require(config["rope_parameters"] as? [String: Any])
            config["rope_parameters"] = nil
            config["rope_theta"] = rotary.removeValue(forKey: "rope_theta")
            rotary["type"] = rotary.removeValue(forKey: "rope_type")
            config["rope_scaling"] = rotary
            try write(config, "config.json", in: folder)
            try write(["eos_token_id": [2, 9]], "generation_config.json", in: folder)
            return try DecoderConfiguration(folder: folder)
        }
        var due = new
        due.endTokens = [2, 9]
        #expect(older == due)
    }

    @Test func windowsOfEachLayer() throws {
        func windows(_ change: [String: Any?]) throws -> [Int?] {
            try withTemporaryFolder { folder in
                var config = try json()
                for (key, value) in change { config[key] = value ?? NSNull() }
                config["num_hidden_layers"] = 4
                try write(config, "config.json", in: folder)
                return try DecoderConfiguration(folder: folder).windows
            }
        }
        #expect(try windows(["model_type": "mistral"]) == [4096, 4096, 4096, 4096])
        #expect(
            try windows(["model_type": "mistral", "sliding_window": nil]) == [nil, nil, nil, nil])
        #expect(try windows(["model_type": "llama", "sliding_window": 9]) == [nil, nil, nil, nil])
        let qwen: [String: Any] = ["model_type": "qwen2", "sliding_window": 9]
        #expect(try windows(qwen) == [nil, nil, nil, nil])
        let used = qwen.merging(["use_sliding_window": true, "max_window_layers": 3]) { $1 }
        #expect(try windows(used) == [nil, nil, nil, 9])
        let kinds = ["sliding_attention", "full_attention", "full_attention", "sliding_attention"]
        #expect(try windows(used.merging(["layer_types": kinds]) { $1 }) == [9, nil, nil, 9])
    }

    /// Sharded float32 gives the bits of one file; bfloat16 and float16 those of the rounded weights.
    @Test func filesAndElementTypes() throws {
        let recorded = try RecordedDecoder(RecordedDecoder.names[0])
        let compute = Compute(threads: 2)
        let whole = try Decoder(recorded.folder, compute: compute).scores(recorded.texts)
        let model = try DecoderModel(recorded.folder)
        #expect(try Decoder(model, compute: compute).scores(recorded.texts) == whole)
        try withTemporaryFolder { folder in
            try model.export(to: "\(folder)/out")
            let again = try DecoderFolder(path: "\(folder)/out")
            #expect(try Decoder(again, compute: compute).scores(recorded.texts) == whole)
            let copy = "\(folder)/sharded"
            try writeSharded(model, to: copy)
            let sharded = try DecoderFolder(path: copy)
            #expect(try Decoder(sharded, compute: compute).scores(recorded.texts) == whole)
            // A shard that is lost, and a tensor that isn't where the index says.
            try FileManager.default.removeItem(atPath: "\(copy)/model-2.safetensors")
            let lost = #expect(throws: ModelError.self) { try DecoderFolder(path: copy) }
            #expect(lost?.message.contains("model-2.safetensors") == true)
        }
        // What bfloat16 holds: rounded weights, from float panels and from halved ones.
        for index in model.parameters.parameters.indices {
            let values = model.parameters.value(index)
            values.assign(
                values.toArray().map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) })
        }
        let rounded = try Decoder(model, compute: compute).scores(recorded.texts)
        #expect(rounded != whole)
        try withTemporaryFolder { folder in
            try writeHalves(model, to: folder)
            let halves = try DecoderFolder(path: folder)
            #expect(try Decoder(halves, compute: compute).scores(recorded.texts) == rounded)
        }
    }

    private func writeSharded(_ model: DecoderModel, to folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try write(json(), "config.json", in: folder)
        var map: [String: String] = [:]
        let all = Array(model.parameters.parameters.enumerated())
        for (file, part) in [all.prefix(7), all.dropFirst(7)].enumerated() {
            let name = "model-\(file + 1).safetensors"
            for (_, parameter) in part { map[parameter.name] = name }
            try SafetensorsWriter.write(
                part.map { index, parameter in
                    TensorSource(
                        name: parameter.name, shape: parameter.shape,
                        floats: model.parameters.value(index).toArray())
                }, metadata: [:], to: "\(folder)/\(name)")
        }
        try write(["weight_map": map], "model.safetensors.index.json", in: folder)
    }

    /// A bfloat16 file, byte by byte: the writer makes float32 ones alone.
    private func writeHalves(_ model: DecoderModel, to folder: String) throws {
        try write(json(), "config.json", in: folder)
        var (header, bytes): ([String: Any], [UInt8]) = ([:], [])
        for (index, parameter) in model.parameters.parameters.enumerated() {
            let start = bytes.count
            for value in model.parameters.value(index).toArray() {
                let bits = UInt16(value.bitPattern >> 16)
                bytes += [UInt8(bits & 0xFF), UInt8(bits >> 8)]
            }
            header[parameter.name] = [
                "dtype": "BF16", "shape": parameter.shape, "data_offsets": [start, bytes.count],
            ]
        }
        var text = try JSONSerialization.data(withJSONObject: header)
        text.append(Data(repeating: 0x20, count: (8 - text.count % 8) % 8))
        var file = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
        file.append(text)
        file.append(contentsOf: bytes)
        try file.write(to: URL(fileURLWithPath: "\(folder)/model.safetensors"))
    }
}

/// Runs a body with the path of a folder that is gone afterwards.
private func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) { try body(folder.path) }
}
