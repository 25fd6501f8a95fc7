// A BERT folder small enough for tests, written by the test itself: `config.json`, random weights
// drawn from a seed, and a WordPiece tokenizer of a few words.
//
// What a test wants broken is changed by name: fields of the configuration, tensors of the file.

import Foundation
import Safetensors

/// A tiny BERT and how it differs from the usual one.
public struct TinyBert {
    /// Members of `config.json`; a test may add, change or remove some.
    public var configuration: [String: Any]
    /// The tensors of `model.safetensors`, in order.
    public var tensors: [(name: String, shape: [Int], values: [Float])]

    /// The words that its tokenizer knows, after the five special tokens.
    public static let words = [
        "red", "green", "blue", "cat", "dog", "bird", "runs", "sleeps", "sings", "the", "a",
        "and", "very", "old", "young", "fast", "slow", "##s", "##ing", "house", "tree", ".", ",",
    ]
    /// The special tokens, in the order of their ids.
    public static let specialTokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    /// The count of ids.
    public static var vocabularyCount: Int { specialTokens.count + words.count }

    /// A random BERT.
    ///
    /// - Parameters:
    ///   - width: D, a multiple of the heads.
    ///   - dropout: Every dropout probability of the model.
    ///   - labels: Class names; none leaves the classifier, the pooler and `id2label` out.
    ///   - pooling: `cls` or `mean`.
    ///   - isBare: True to write the encoder's names without `bert.`.
    public init(
        seed: UInt64 = 1, width: Int = 16, layers: Int = 2, heads: Int = 2, inner: Int = 24,
        maximumLength: Int = 24, dropout: Double = 0.1, labels: [String] = ["one", "two", "three"],
        pooling: String = "cls", isBare: Bool = false
    ) {
        configuration = [
            "model_type": "bert", "vocab_size": Self.vocabularyCount, "hidden_size": width,
            "num_hidden_layers": layers, "num_attention_heads": heads, "intermediate_size": inner,
            "max_position_embeddings": maximumLength, "type_vocab_size": 2, "hidden_act": "gelu",
            "layer_norm_eps": 1e-12, "hidden_dropout_prob": dropout,
            "attention_probs_dropout_prob": dropout, "initializer_range": 0.2,
            "position_embedding_type": "absolute",
        ]
        if pooling != "cls" { configuration["classifier_pooling"] = pooling }
        var numbers = SampleNumbers(seed: seed)
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        func add(_ name: String, _ shape: [Int], around center: Float = 0) {
            tensors.append(
                (
                    name, shape,
                    numbers.floats(shape.reduce(1, *), scale: 0.3, around: center)
                ))
        }
        func linear(_ name: String, _ output: Int, _ input: Int) {
            add("\(name).weight", [output, input])
            add("\(name).bias", [output])
        }
        func norm(_ name: String) {
            add("\(name).weight", [width], around: 1)
            add("\(name).bias", [width])
        }
        let bert = isBare ? "" : "bert."
        add("\(bert)embeddings.word_embeddings.weight", [Self.vocabularyCount, width])
        add("\(bert)embeddings.position_embeddings.weight", [maximumLength, width])
        add("\(bert)embeddings.token_type_embeddings.weight", [2, width])
        norm("\(bert)embeddings.LayerNorm")
        for index in 0..<layers {
            let layer = "\(bert)encoder.layer.\(index)"
            for part in ["query", "key", "value"] {
                linear("\(layer).attention.self.\(part)", width, width)
            }
            linear("\(layer).attention.output.dense", width, width)
            norm("\(layer).attention.output.LayerNorm")
            linear("\(layer).intermediate.dense", inner, width)
            linear("\(layer).output.dense", width, inner)
            norm("\(layer).output.LayerNorm")
        }
        if !labels.isEmpty {
            if pooling == "cls" { linear("\(bert)pooler.dense", width, width) }
            linear("classifier", labels.count, width)
            configuration["id2label"] = Dictionary(
                uniqueKeysWithValues: labels.enumerated().map { (String($0.offset), $0.element) })
            configuration["label2id"] = Dictionary(
                uniqueKeysWithValues: labels.enumerated().map { ($0.element, $0.offset) })
        }
        self.tensors = tensors
    }

    /// Writes the folder; gives its path.
    @discardableResult
    public func write(to path: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        try JSONSerialization.data(withJSONObject: configuration, options: [.sortedKeys])
            .write(to: URL(fileURLWithPath: "\(path)/config.json"))
        try SafetensorsWriter.write(
            tensors.map { TensorSource(name: $0.name, shape: $0.shape, floats: $0.values) },
            metadata: ["format": "pt"], to: "\(path)/model.safetensors")
        try JSONSerialization.data(withJSONObject: Self.tokenizer, options: [.sortedKeys])
            .write(to: URL(fileURLWithPath: "\(path)/tokenizer.json"))
        return path
    }

    private static var tokenizer: [String: Any] {
        let all = specialTokens + words
        func special(_ index: Int) -> [String: Any] {
            [
                "id": index, "content": specialTokens[index], "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false, "special": true,
            ]
        }
        func piece(_ kind: String, _ id: String, _ type: Int) -> [String: Any] {
            [kind: ["id": id, "type_id": type] as [String: Any]]
        }
        func template(_ index: Int) -> [String: Any] {
            ["id": all[index], "ids": [index], "tokens": [all[index]]]
        }
        return [
            "version": "1.0", "truncation": NSNull(), "padding": NSNull(),
            "added_tokens": specialTokens.indices.map(special),
            "normalizer": [
                "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": NSNull(), "lowercase": true,
            ] as [String: Any],
            "pre_tokenizer": ["type": "BertPreTokenizer"],
            "post_processor": [
                "type": "TemplateProcessing",
                "single": [
                    piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0),
                    piece("SpecialToken", "[SEP]", 0),
                ],
                "pair": [
                    piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0),
                    piece("SpecialToken", "[SEP]", 0), piece("Sequence", "B", 1),
                    piece("SpecialToken", "[SEP]", 1),
                ],
                "special_tokens": ["[CLS]": template(2), "[SEP]": template(3)],
            ] as [String: Any],
            "decoder": ["type": "WordPiece", "prefix": "##", "cleanup": true] as [String: Any],
            "model": [
                "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": Dictionary(
                    uniqueKeysWithValues: all.enumerated().map { ($0.element, $0.offset) }),
            ] as [String: Any],
        ]
    }
}
