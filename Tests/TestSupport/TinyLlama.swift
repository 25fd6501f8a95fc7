// A decoder folder small enough for tests, written by the test itself: `config.json`, random weights
// drawn from a seed, and a byte-level BPE tokenizer with the tokens of ChatML.

import Foundation
import Safetensors

/// A tiny Llama.
public struct TinyLlama {
    /// Members of `config.json`; a test may add, change or remove some.
    public var configuration: [String: Any]
    /// The tensors of `model.safetensors`, in order.
    public var tensors: [(name: String, shape: [Int], values: [Float])] = []
    /// Whether `tokenizer_config.json` has a chat template.
    public var isChat: Bool

    /// Pairs that its tokenizer joins, after the 256 bytes.
    private static let merges = [
        "t h", "th e", "c a", "ca t", "ca r", "d o", "do g", "i n", "e r", "o n", "Ġ the", "a n",
    ]
    private static let specialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

    /// The count of ids.
    public static var vocabularyCount: Int { 256 + merges.count + specialTokens.count }

    /// A random Llama.
    ///
    /// - Parameter vocabulary: V, at least `vocabularyCount`; ids beyond that have no token.
    public init(
        seed: UInt64 = 1, width: Int = 16, layers: Int = 2, heads: Int = 2, inner: Int = 24,
        maximumLength: Int = 160, vocabulary: Int = TinyLlama.vocabularyCount,
        isChat: Bool = false
    ) {
        self.isChat = isChat
        let end = 256 + Self.merges.count
        configuration = [
            "model_type": "llama", "vocab_size": vocabulary, "hidden_size": width,
            "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": 1,
            "intermediate_size": inner, "max_position_embeddings": maximumLength,
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false,
            "hidden_act": "silu", "bos_token_id": end, "eos_token_id": end,
        ]
        var numbers = SampleNumbers(seed: seed)
        func add(_ name: String, _ shape: [Int], around center: Float = 0) {
            tensors.append(
                (
                    "\(name).weight", shape,
                    numbers.floats(shape.reduce(1, *), scale: 0.4, around: center)
                ))
        }
        add("model.embed_tokens", [vocabulary, width])
        for index in 0..<layers {
            let layer = "model.layers.\(index)"
            add("\(layer).input_layernorm", [width], around: 1)
            add("\(layer).self_attn.q_proj", [width, width])
            add("\(layer).self_attn.k_proj", [width / heads, width])
            add("\(layer).self_attn.v_proj", [width / heads, width])
            add("\(layer).self_attn.o_proj", [width, width])
            add("\(layer).post_attention_layernorm", [width], around: 1)
            add("\(layer).mlp.gate_proj", [inner, width])
            add("\(layer).mlp.up_proj", [inner, width])
            add("\(layer).mlp.down_proj", [width, inner])
        }
        add("model.norm", [width], around: 1)
        add("lm_head", [vocabulary, width])
    }

    /// Writes the folder; gives its path.
    @discardableResult
    public func write(to path: String) throws -> String {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        func write(_ value: Any, _ name: String) throws {
            try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys])
                .write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        }
        try write(configuration, "config.json")
        try write(Self.tokenizer, "tokenizer.json")
        var settings: [String: Any] = ["eos_token": "<|endoftext|>"]
        if isChat { settings["chat_template"] = Self.chatTemplate }
        try write(settings, "tokenizer_config.json")
        try SafetensorsWriter.write(
            tensors.map { TensorSource(name: $0.name, shape: $0.shape, floats: $0.values) },
            metadata: ["format": "pt"], to: "\(path)/model.safetensors")
        return path
    }

    private static let chatTemplate =
        "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
        + "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"

    /// The characters that stand for the bytes.
    private static let bytes: [String] = {
        var next: UInt32 = 256
        return (0...255).map { byte in
            let isPrinted = (33...126).contains(byte) || (161...172).contains(byte) || byte > 173
            defer { if !isPrinted { next += 1 } }
            return Unicode.Scalar(isPrinted ? UInt32(byte) : next).map { String($0) } ?? ""
        }
    }()

    private static var tokenizer: [String: Any] {
        let words = bytes + merges.map { $0.filter { $0 != " " } }
        return [
            "version": "1.0", "truncation": NSNull(), "padding": NSNull(),
            "normalizer": NSNull(), "post_processor": NSNull(),
            "added_tokens": specialTokens.enumerated().map { index, token in
                [
                    "id": words.count + index, "content": token, "single_word": false,
                    "lstrip": false, "rstrip": false, "normalized": false, "special": true,
                ] as [String: Any]
            },
            "pre_tokenizer": [
                "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
                "use_regex": true,
            ] as [String: Any],
            "decoder": [
                "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true,
                "use_regex": true,
            ] as [String: Any],
            "model": [
                "type": "BPE", "dropout": NSNull(), "unk_token": NSNull(),
                "continuing_subword_prefix": NSNull(), "end_of_word_suffix": NSNull(),
                "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                "vocab": Dictionary(
                    uniqueKeysWithValues: words.enumerated().map { ($0.element, $0.offset) }),
                "merges": merges,
            ] as [String: Any],
        ]
    }
}
