// The recipes that come with the program: each is read, and planned with models of the sizes that it names.
// The models' files are as long as real ones and empty: a plan reads their headers alone.

import Foundation
import Methods
import Reporting
import Safetensors
import TestSupport
import Testing

@testable import Models
@testable import retort

/// A model folder of a real one's sizes, without weights.
private struct StandIn {
    let config: String
    /// The tokenizer among the recorded ones, and special tokens that it lacks.
    let tokenizer: String
    var specials: [String] = []
    /// What the folder says of its chats, as far as its format is known by.
    let chat: String
    var begin = "<s>"
    var end = "</s>"

    private static func decoder(
        _ type: String, _ width: Int, _ inner: Int, layers: Int, heads: Int, keys: Int,
        vocabulary: Int, tied: Bool, length: Int, more: String = ""
    ) -> String {
        """
        {"model_type": "\(type)", "hidden_size": \(width), "intermediate_size": \(inner),
         "num_hidden_layers": \(layers), "num_attention_heads": \(heads),
         "num_key_value_heads": \(keys), "vocab_size": \(vocabulary),
         "tie_word_embeddings": \(tied), "max_position_embeddings": \(length),
         "rms_norm_eps": 1e-5, "hidden_act": "silu", "eos_token_id": 2\(more)}
        """
    }

    private static let chatML = "'<|im_start|>' + role '<|im_end|>\\n' add_generation_prompt"

    static let models: [String: StandIn] = [
        "Llama-3.2-1B-Instruct": StandIn(
            config: decoder(
                "llama", 2048, 8192, layers: 16, heads: 32, keys: 8, vocabulary: 128_256,
                tied: true, length: 131_072,
                more: """
                    , "rope_theta": 500000.0, "rope_scaling": {"factor": 32.0,
                     "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                     "original_max_position_embeddings": 8192, "rope_type": "llama3"}
                    """),
            tokenizer: "llama-3",
            chat:
                "bos_token <|start_header_id|> <|end_header_id|> <|eot_id|> add_generation_prompt",
            begin: "<|begin_of_text|>", end: "<|eot_id|>"),
        "Qwen2.5-0.5B-Instruct": StandIn(
            config: decoder(
                "qwen2", 896, 4864, layers: 24, heads: 14, keys: 2, vocabulary: 151_936,
                tied: true, length: 32_768, more: ", \"rope_theta\": 1000000.0"),
            tokenizer: "qwen2", specials: ["<|im_start|>", "<|im_end|>"], chat: chatML,
            end: "<|im_end|>"),
        "Mistral-7B-Instruct-v0.2": StandIn(
            config: decoder(
                "mistral", 4096, 14336, layers: 32, heads: 32, keys: 8, vocabulary: 32_000,
                tied: false, length: 32_768, more: ", \"rope_theta\": 1000000.0"),
            tokenizer: "bpe-byte-fallback",
            chat: "bos_token '[INST] ' + content + ' [/INST]' eos_token"),
        "deberta-v3-base": StandIn(
            config: """
                {"model_type": "deberta-v2", "hidden_size": 768, "intermediate_size": 3072,
                 "num_hidden_layers": 12, "num_attention_heads": 12, "vocab_size": 128100,
                 "max_position_embeddings": 512, "type_vocab_size": 0, "hidden_act": "gelu",
                 "layer_norm_eps": 1e-7, "relative_attention": true, "position_buckets": 256,
                 "norm_rel_ebd": "layer_norm", "share_att_key": true, "pos_att_type": "p2c|c2p",
                 "position_biased_input": false, "max_relative_positions": -1,
                 "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
                 "initializer_range": 0.02, "pad_token_id": 0}
                """,
            tokenizer: "deberta-v3", chat: "", begin: "[CLS]", end: "[SEP]"),
    ]

    /// Writes the folder.
    func write(to folder: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        func write(_ data: Data, _ name: String) throws {
            try data.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        try write(Data(config.utf8), "config.json")
        let settings = ["bos_token": begin, "eos_token": end, "chat_template": chat]
        try write(JSONSerialization.data(withJSONObject: settings), "tokenizer_config.json")
        let source = SharedData.path("reference/golden/tokenizers/\(tokenizer).tokenizer.json")
        var tokens = try Data(contentsOf: URL(fileURLWithPath: source))
        if !specials.isEmpty { tokens = try adding(specials, to: tokens) }
        try write(tokens, "tokenizer.json")
        if chat.isEmpty {
            // An encoder's plan reads its configuration alone.
            try SafetensorsWriter.write(
                [TensorSource(name: "none", shape: [1], floats: [0])], metadata: [:],
                to: "\(folder)/model.safetensors")
        } else {
            try writeWeights("\(folder)/model.safetensors")
        }
    }

    private func adding(_ names: [String], to file: Data) throws -> Data {
        var json = try #require(JSONSerialization.jsonObject(with: file) as? [String: Any])
        var added = try #require(json["added_tokens"] as? [[String: Any]])
        for name in names {
            let next = 1 + (added.compactMap { $0["id"] as? Int }.max() ?? 0)
            added.append([
                "id": next, "content": name, "special": true, "lstrip": false, "rstrip": false,
                "normalized": false, "single_word": false,
            ])
        }
        json["added_tokens"] = added
        return try JSONSerialization.data(withJSONObject: json)
    }

    /// A file of bfloat16 tensors, all of whose numbers are a hole.
    private func writeWeights(_ path: String) throws {
        let config = "\((path as NSString).deletingLastPathComponent)/config.json"
        var (header, end) = ([String: Any](), 0)
        for (name, shape) in DecoderLayout.weights(try DecoderConfiguration(file: config)) {
            let size = 2 * shape.reduce(1, *)
            header[name] = ["dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]]
            end += size
        }
        let text = try JSONSerialization.data(withJSONObject: header)
        var bytes = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
        bytes.append(text)
        try bytes.write(to: URL(fileURLWithPath: path))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.truncate(atOffset: UInt64(bytes.count + end))
        try file.close()
    }
}

@Suite(.enabled(if: SharedData.has("reference/golden/tokenizers"), "no tokenizers at hand"))
struct ShippedRecipeTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("deploy/recipes").path

    private static let cluster: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/cluster")) ?? [])
        .filter { $0.hasSuffix(".yaml") }.sorted()
    private static let generative = cluster.filter { !$0.contains("-mcqa-") }
    private static let multipleChoice = cluster.filter { $0.contains("-mcqa-") }

    @Test func thereAreSome() {
        for nodes in ["1-node", "8-nodes", "64-nodes"] {
            #expect(Self.cluster.count { $0.hasSuffix("-\(nodes).yaml") } >= 3)
        }
    }

    /// The count of ranks that a recipe's own first lines plan for.
    private func ranks(_ path: String) throws -> Int {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try #require(
            text.firstMatch(of: /--ranks ([0-9]+)/).flatMap { Int($0.output.1) })
    }

    /// Every recipe that comes along is read without complaint.
    @Test func allAreRead() throws {
        for name in try FileManager.default.subpathsOfDirectory(atPath: Self.folder)
        where name.hasSuffix(".yaml") {
            _ = try RecipeFile.load("\(Self.folder)/\(name)")
        }
    }

    /// Whether this program has the encoder that these recipes are for.
    private static let hasDeBERTa: Bool = {
        guard let place = try? TemporaryFolder(), let model = StandIn.models["deberta-v3-base"],
            (try? model.write(to: place.file("model"))) != nil
        else { return false }
        return (try? ModelFolder(path: place.file("model"))) != nil
    }()

    @Test(.enabled(if: hasDeBERTa, "no DeBERTa here yet"), arguments: multipleChoice)
    func plannedMultipleChoice(_ name: String) throws {
        let path = "\(Self.folder)/cluster/\(name)"
        let place = try TemporaryFolder()
        var recipe = try RecipeFile.load(path)
        let ranks = try ranks(path)
        recipe.outputDirectory = place.file("run")
        let student = (recipe.student.model as NSString).lastPathComponent
        recipe.student.model = place.file(student)
        try #require(StandIn.models[student]).write(to: recipe.student.model)
        func rows(_ name: String, _ count: Int) throws -> [String] {
            let rows = (0..<count).map {
                "{\"subject\": \"s\($0 % 3)\", \"question\": \"What is \($0) and the \(name)?\", "
                    + "\"choices\": [\"\(name) \($0)\", \"none\"], \"answer\": 0}\n"
            }
            return [try place.write("\(name).jsonl", rows.joined())]
        }
        recipe.data.pool = try rows("examples", 15)
        recipe.data.test = try rows("test", 30)
        let plan = try RunPlan(recipe, ranks: ranks).text
        #expect(plan.contains("15 of 3 subjects") && plan.contains("30 items"), "\(plan)")
        #expect(plan.contains("\(ranks) ranks") && !plan.contains("idle ranks"), "\(plan)")
        // Three calls an item, and its four orders.
        let wanted = 3 * recipe.method.mcqa.perSubject
        #expect(plan.contains("\(NumberText.grouped(3 * wanted)) requests if"), "\(plan)")
        #expect(plan.contains("\(NumberText.grouped(4 * wanted)) requests at most"), "\(plan)")
        let memory = try #require(
            plan.firstMatch(of: /about ([0-9]+) MiB, [0-9]+ ranks/).flatMap { Int($0.output.1) })
        #expect((1_000...64_000).contains(memory), "\(plan)")
    }

    @Test(arguments: generative)
    func planned(_ name: String) throws {
        let path = "\(Self.folder)/cluster/\(name)"
        let place = try TemporaryFolder()
        var recipe = try RecipeFile.load(path)
        let ranks = try ranks(path)
        recipe.outputDirectory = place.file("run")
        let student = (recipe.student.model as NSString).lastPathComponent
        recipe.student.model = place.file(student)
        try #require(StandIn.models[student]).write(to: recipe.student.model)
        let (asks, answers) = (recipe.data.textField, try #require(recipe.data.labelField))
        for files in [\Recipe.data.pool, \Recipe.data.test] {
            let file = place.file("\(recipe[keyPath: files].count)-\(UUID().uuidString).jsonl")
            let rows = (0..<74).map {
                "{\"\(asks)\": \"What is \($0) + 1?\", \"\(answers)\": \"#### \($0 + 1)\"}\n"
            }
            try Data(rows.joined().utf8).write(to: URL(fileURLWithPath: file))
            recipe[keyPath: files] = [file]
        }
        let plan = try RunPlan(recipe, ranks: ranks).text
        #expect(plan.contains("74 (74 rows: 74 kept)"), "\(plan)")
        #expect(plan.contains("\(ranks) ranks"), "\(plan)")
        #expect(!plan.contains("idle ranks") && !plan.contains("too long"), "\(plan)")
        // Nodes of that kind have 64 GB for each of their ranks at least.
        let memory = try #require(
            plan.firstMatch(of: /about ([0-9]+) MiB, [0-9]+ ranks/).flatMap { Int($0.output.1) })
        #expect((1_000...64_000).contains(memory), "\(plan)")
    }
}
