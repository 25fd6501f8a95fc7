// The fields of a decoder folder's `config.json` that shape the arithmetic, checked: Llama 2 and 3,
// Qwen2, Mistral, as transformers 4 and 5 write them.
// Reference: transformers, models/{llama,qwen2,mistral}/configuration_*.py.

import Foundation

/// What a decoder folder's `config.json` says.
public struct DecoderConfiguration: Sendable, Equatable {
    /// The families that we run.
    public enum Family: String, Sendable {
        /// Llama 2 and 3, and what copies them.
        case llama
        /// Qwen2 and Qwen2.5: biases on queries, keys and values.
        case qwen2
        /// Mistral: a sliding window.
        case mistral
    }

    /// `model_type`.
    public var family: Family
    /// V, rows of the token table.
    public var vocabularySize: Int
    /// D, the width of a token.
    public var hiddenSize: Int
    /// F, the width of the feed-forward layer's inside.
    public var intermediateSize: Int
    /// The count of layers.
    public var layerCount: Int
    /// H, the count of query heads.
    public var headCount: Int
    /// Heads of keys and values; each serves H divided by this many query heads.
    public var keyHeadCount: Int
    /// K, the width of a head.
    public var headWidth: Int
    /// The longest sequence in tokens.
    public var maximumLength: Int
    /// What the normalisation adds to the mean square.
    public var normEpsilon: Float
    /// Base of the rotary frequencies.
    public var rotaryBase: Double
    /// How they are stretched.
    public var rotaryScaling: RotaryScaling
    /// How many tokens each layer's token sees, itself included; nil for all before it.
    public var windows: [Int?]
    /// Whether the output layer is the token table.
    public var tiesEmbeddings: Bool
    /// Whether queries, keys and values have biases.
    public var hasProjectionBias: Bool
    /// Whether attention's output has a bias.
    public var hasOutputBias: Bool
    /// Whether the feed-forward layers have biases.
    public var hasInnerBias: Bool
    /// Standard deviation of new weights.
    public var initializerRange: Float
    /// Tokens that end a text, from `generation_config.json` or else `config.json`.
    public var endTokens: [Int32]
    /// The token that begins a text, if there is one.
    public var beginToken: Int32?

    /// Reads a folder's `config.json` and `generation_config.json`.
    ///
    /// - Throws: `ModelError` with the file and the key of what is missing, wrong or not supported.
    public init(folder: String) throws(ModelError) {
        try self.init(JSONFields(path: "\(folder)/config.json"))
        let generation = "\(folder)/generation_config.json"
        guard FileManager.default.fileExists(atPath: generation) else { return }
        let ends = try JSONFields(path: generation).wholeNumbers("eos_token_id")
        if !ends.isEmpty { endTokens = ends.map { Int32(clamping: $0) } }
    }

    /// Reads a `config.json` alone.
    ///
    /// - Throws: As above.
    public init(file path: String) throws(ModelError) {
        try self.init(JSONFields(path: path))
    }

    init(_ json: JSONFields) throws(ModelError) {
        let type = try json.string("model_type") ?? "(none)"
        guard let family = Family(rawValue: type) else {
            throw ModelError(
                .unsupported,
                "\(json.path): model_type '\(type)' is not supported; use llama, qwen2 or mistral")
        }
        self.family = family
        if json.has("quantization_config") {
            throw ModelError(
                .unsupported,
                "\(json.path): quantization_config is not supported; use a folder with float32, "
                    + "bfloat16 or float16 weights")
        }
        let activation = try json.string("hidden_act") ?? "silu"
        guard activation == "silu" else {
            throw ModelError(
                .unsupported, "\(json.path): hidden_act '\(activation)' is not supported; use silu")
        }
        vocabularySize = try json.positive("vocab_size")
        hiddenSize = try json.positive("hidden_size")
        intermediateSize = try json.positive("intermediate_size")
        layerCount = try json.positive("num_hidden_layers")
        headCount = try json.positive("num_attention_heads")
        keyHeadCount = try json.positive("num_key_value_heads", default: headCount)
        headWidth = try json.positive("head_dim", default: max(1, hiddenSize / headCount))
        maximumLength = try json.positive("max_position_embeddings", default: 2048)
        normEpsilon = Float(try json.number("rms_norm_eps") ?? 1e-6)
        initializerRange = Float(try json.number("initializer_range") ?? 0.02)
        tiesEmbeddings = try json.flag("tie_word_embeddings", default: false)
        // transformers 5 has the base in with the rest, 4 beside it.
        (rotaryBase, rotaryScaling) = (try json.number("rope_theta") ?? 10_000, .plain)
        for key in ["rope_scaling", "rope_parameters"] {
            guard let rotary = try json.object(key) else { continue }
            if let base = try rotary.number("rope_theta") { rotaryBase = base }
            rotaryScaling = try RotaryScaling(rotary)
        }
        // Qwen2's own code has the biases built in; Llama's asks.
        let asked = try json.flag("attention_bias", default: false)
        hasProjectionBias = family == .qwen2 || (family == .llama && asked)
        hasOutputBias = family == .llama && asked
        let askedInside = try json.flag("mlp_bias", default: false)
        hasInnerBias = family == .llama && askedInside
        windows = try Self.windows(json, family, layerCount)
        endTokens = try json.wholeNumbers("eos_token_id").map { Int32(clamping: $0) }
        beginToken = try json.wholeNumbers("bos_token_id").first.map { Int32(clamping: $0) }
        try check(json)
    }

    /// The window of each layer.
    private static func windows(
        _ json: JSONFields, _ family: Family, _ layers: Int
    ) throws(ModelError) -> [Int?] {
        let none = [Int?](repeating: nil, count: layers)
        let window = json.has("sliding_window") ? try json.positive("sliding_window") : nil
        switch family {
        case .llama: return none
        case .mistral:
            // Missing means the first Mistral's 4096, null means none.
            if json.members["sliding_window"] == nil { return none.map { _ in 4096 } }
            return none.map { _ in window }
        case .qwen2:
            let slides = try json.flag("use_sliding_window", default: false)
            guard slides, let window else { return none }
            if let types = try json.texts("layer_types") {
                guard types.count == layers,
                    types.allSatisfy({ ["full_attention", "sliding_attention"].contains($0) })
                else {
                    throw ModelError(
                        .unsupported,
                        "\(json.path): layer_types must name full_attention or sliding_attention "
                            + "for each of \(layers) layers")
                }
                return types.map { $0 == "sliding_attention" ? window : nil }
            }
            let full = try json.number("max_window_layers") ?? 28
            return (0..<layers).map { Double($0) >= full ? window : nil }
        }
    }

    private func check(_ json: JSONFields) throws(ModelError) {
        func refuse(_ problem: String) -> ModelError {
            ModelError(.malformed, "\(json.path): \(problem)")
        }
        guard headCount % keyHeadCount == 0 else {
            throw refuse(
                "num_attention_heads \(headCount) is not a multiple of num_key_value_heads "
                    + "\(keyHeadCount)")
        }
        guard headWidth % 2 == 0, headWidth <= 256 else {
            throw refuse("head_dim \(headWidth) is not an even number up to 256")
        }
        guard json.has("head_dim") || hiddenSize % headCount == 0 else {
            throw refuse(
                "hidden_size \(hiddenSize) is not a multiple of num_attention_heads \(headCount)")
        }
        guard rotaryBase > 0, rotaryBase.isFinite else {
            throw refuse("rope_theta \(rotaryBase) is not a positive number")
        }
        guard normEpsilon >= 0, normEpsilon.isFinite else {
            throw refuse("rms_norm_eps \(normEpsilon) is not a number of at least 0")
        }
        for id in endTokens + [beginToken].compactMap({ $0 })
        where id < -1 || Int(id) >= vocabularySize {
            throw refuse("token id \(id) is not in the vocabulary of \(vocabularySize)")
        }
    }
}

extension DecoderConfiguration {
    /// H K, the width of all query heads.
    public var queryWidth: Int { headCount * headWidth }
    /// The width of all key heads, or all value heads.
    public var keyWidth: Int { keyHeadCount * headWidth }

    /// Refuses input that the model has no rows or no positions for.
    func check(_ tokens: [Int32], after seen: Int) throws(ModelError) {
        guard seen + tokens.count <= maximumLength else {
            throw ModelError(
                .invalidInput,
                "a text of \(seen + tokens.count) tokens; the model takes at most \(maximumLength)")
        }
        if let id = tokens.first(where: { $0 < 0 || Int($0) >= vocabularySize }) {
            throw ModelError(
                .invalidInput,
                "token id \(id) is not in the model's vocabulary of \(vocabularySize); "
                    + "does the tokenizer belong to the model?")
        }
    }
}
