// Adapters on disk: written and read again bit for bit, targets as peft understands them, first numbers that
// depend on seed and name alone, and what is refused, each in one line that names the file and the key.

import Autograd
import Foundation
import Safetensors
import TensorCore
import TestSupport
import Testing

@testable import Models

@Suite(.enabled(if: RecordedLoRA.isThere, "no recorded adapters in ../shared/reference"))
struct LoRAFolderTests {
    private let recorded: RecordedLoRA
    private let folder: TemporaryFolder

    init() throws {
        recorded = try RecordedLoRA()
        folder = try TemporaryFolder()
    }

    @Test func roundTrip() throws {
        for options in [
            LoRAOptions(rank: 5, alpha: 2.5, dropout: 0.05, targets: .names(["v_proj", "o_proj"])),
            LoRAOptions(rank: 2, targets: .allLinear, usesRootScale: true),
            LoRAOptions(rank: 2, targets: .pattern(#".*\.0\.mlp\.(gate|down)_proj"#)),
        ] {
            let model = try recorded.model(options)
            try model.saveAdapter(to: folder.file("adapter"))
            let again = try LoRAModel(base: recorded.base, adapter: folder.file("adapter"))
            #expect(again.options == options)
            #expect(again.modules == model.modules)
            #expect(again.parameters.values.toArray() == model.parameters.values.toArray())
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.file("adapter")).sorted()
                    == ["adapter_config.json", "adapter_model.safetensors"])
        }
        #expect(try folder.names() == ["adapter"], "nothing half-written stays behind")
    }

    @Test func targets() throws {
        func modules(_ targets: LoRATargets) throws -> [String] {
            try LoRAOptions(targets: targets).modules(recorded.base.configuration)
        }
        #expect(try modules(.allLinear).count == 14)
        #expect(
            try modules(.names(["q_proj", "model.layers.1.mlp.up_proj"])) == [
                "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj",
                "model.layers.1.mlp.up_proj",
            ])
        #expect(try modules(.pattern(#"model\.layers\.1\..*(k|o)_proj"#)).count == 2)
        #expect(LoRATargets(["All-Linear"]) == .allLinear)
        let refused: [(LoRATargets, String)] = [
            (.names(["q_proj", "query"]), "'query'"), (.names([]), "no targets"),
            (.names(["lm_head"]), "'lm_head' is not supported"), (.names(["proj"]), "'proj'"),
            (.pattern("q_proj"), "whole name"), (.pattern("("), "regular expression"),
            (.pattern(".*"), "lm_head"),
        ]
        for (targets, word) in refused {
            let error = #expect(throws: ModelError.self) {
                try LoRAModel(
                    base: recorded.base, options: LoRAOptions(targets: targets), seed: 1)
            }
            #expect(error?.message.contains(word) == true, "\(error?.message ?? "")")
        }
        for options in [
            LoRAOptions(rank: 0), LoRAOptions(alpha: -1), LoRAOptions(alpha: .nan),
            LoRAOptions(dropout: 1), LoRAOptions(dropout: -0.1),
        ] {
            #expect(throws: ModelError.self) { try options.check() }
        }
    }

    /// A within 1 over the root of the input's width, B zero; a weight's numbers don't depend on which
    /// others there are.
    @Test func firstNumbers() throws {
        let all = try LoRAModel(base: recorded.base, options: LoRAOptions(rank: 4), seed: 9)
        let some = try LoRAModel(
            base: recorded.base, options: LoRAOptions(rank: 4, targets: .names(["up_proj"])),
            seed: 9)
        let other = try LoRAModel(base: recorded.base, options: LoRAOptions(rank: 4), seed: 10)
        for (index, parameter) in some.parameters.parameters.enumerated() {
            let place = try #require(all.parameters.index(of: parameter.name))
            let values = some.parameters.value(index).toArray()
            #expect(values == all.parameters.value(place).toArray())
            guard parameter.name.hasSuffix("lora_A.weight") else {
                #expect(values.allSatisfy { $0 == 0 })
                continue
            }
            #expect(values != other.parameters.value(place).toArray())
            let bound = 1 / Float(parameter.shape[1]).squareRoot()
            #expect(values.allSatisfy { abs($0) <= bound })
            #expect(values.contains { abs($0) > 0.9 * bound })
        }
    }

    @Test func whatIsRefused() throws {
        let cases: [(key: String, value: Any, word: String)] = [
            ("peft_type", "LOHA", "peft_type 'LOHA'"), ("use_dora", true, "'use_dora'"),
            ("bias", "all", "bias 'all'"), ("modules_to_save", ["lm_head"], "'modules_to_save'"),
            ("rank_pattern", ["q_proj": 2], "'rank_pattern'"),
            ("alpha_pattern", ["q_proj": 2], "'alpha_pattern'"),
            ("layers_to_transform", [0], "'layers_to_transform'"),
            ("fan_in_fan_out", true, "'fan_in_fan_out'"), ("lora_bias", true, "'lora_bias'"),
            ("init_lora_weights", "pissa", "init_lora_weights 'pissa'"),
            ("some_future_thing", 3, "'some_future_thing'"), ("r", 0, "'r'"),
            ("lora_dropout", 1, "'lora_dropout'"), ("target_modules", NSNull(), "target_modules"),
            ("target_modules", ["q_proj", "query"], "'query'"),
            // Weights that contradict it.
            ("r", 8, "lora_A.weight' is [4, 32], not [8, 32]"),
            ("target_modules", ["q_proj"], "has no place"),
            ("target_modules", "all-linear", "is missing"),
        ]
        for (key, value, word) in cases {
            let path = folder.file("changed")
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            let data = try Data(
                contentsOf: URL(fileURLWithPath: "\(RecordedLoRA.path)/adapter/adapter_config.json")
            )
            var json = try #require(
                try JSONSerialization.jsonObject(with: data) as? [String: Any])
            json[key] = value
            try JSONSerialization.data(withJSONObject: json).write(
                to: URL(fileURLWithPath: "\(path)/adapter_config.json"))
            try FileManager.default.copyItem(
                atPath: "\(RecordedLoRA.path)/adapter/adapter_model.safetensors",
                toPath: "\(path)/adapter_model.safetensors")
            let error = #expect(throws: ModelError.self, "\(key)") {
                try LoRAModel(base: recorded.base, adapter: path)
            }
            let line = error?.message ?? ""
            #expect(line.contains(word) && !line.contains("\n"), "\(key): \(line)")
        }
        #expect(throws: ModelError.self) {
            try LoRAModel(base: recorded.base, adapter: folder.file("nowhere"))
        }
    }

    /// Written as bfloat16, the weights are those of the merged model, rounded.
    @Test func exportInBFloat16() throws {
        let model = try recorded.model(LoRAOptions(rank: 4))
        try model.export(to: folder.file("exact"))
        try model.export(to: folder.file("rounded"), precision: .bfloat16)
        let exact = try DecoderFolder(path: folder.file("exact"))
        let rounded = try DecoderFolder(path: folder.file("rounded"))
        for (name, shape) in DecoderLayout.weights(exact.configuration) {
            #expect(try exact.weights.entry(name, shape: shape).dataType == .float32)
            let entry = try rounded.weights.entry(name, shape: shape)
            #expect(entry.dataType == .bfloat16)
            let pairs = try zip(
                exact.weights.entry(name, shape: shape).floats(), entry.floats())
            #expect(pairs.allSatisfy { abs($0 - $1) <= abs($0) * 0x1p-8 }, "\(name)")
        }
    }
}
