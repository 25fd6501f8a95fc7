// The names and shapes of a decoder's weights, as transformers writes them.
//
// Shape legend: D width, F inner width, V vocabulary.

/// The names of one layer's weights.
struct DecoderLayerNames {
    let prefix: String

    init(_ layer: Int) { prefix = "model.layers.\(layer)." }

    var attentionNorm: String { prefix + "input_layernorm.weight" }
    var feedForwardNorm: String { prefix + "post_attention_layernorm.weight" }
    /// Queries, keys and values.
    var projections: [String] { ["q", "k", "v"].map { "\(prefix)self_attn.\($0)_proj" } }
    var attentionOutput: String { prefix + "self_attn.o_proj" }
    var gateAndUp: [String] { ["gate", "up"].map { "\(prefix)mlp.\($0)_proj" } }
    var down: String { prefix + "mlp.down_proj" }
}

/// All weights of a decoder, in the order of the flat buffer.
enum DecoderLayout {
    static let tokens = "model.embed_tokens.weight"
    static let lastNorm = "model.norm.weight"
    static let head = "lm_head.weight"

    /// The output layer's weight: the token table where the two are one.
    static func head(_ configuration: DecoderConfiguration) -> String {
        configuration.tiesEmbeddings ? tokens : head
    }

    /// Names and shapes.
    static func weights(
        _ configuration: DecoderConfiguration
    ) -> [(name: String, shape: [Int])] {
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let (query, key) = (configuration.queryWidth, configuration.keyWidth)
        var weights: [(name: String, shape: [Int])] = [
            (tokens, [configuration.vocabularySize, width])
        ]
        func linears(_ names: [String], _ outputs: [Int], _ input: Int, bias: Bool) {
            for (name, output) in zip(names, outputs) {
                weights.append(("\(name).weight", [output, input]))
            }
            guard bias else { return }
            for (name, output) in zip(names, outputs) {
                weights.append(("\(name).bias", [output]))
            }
        }
        for layer in 0..<configuration.layerCount {
            let names = DecoderLayerNames(layer)
            weights.append((names.attentionNorm, [width]))
            linears(
                names.projections, [query, key, key], width,
                bias: configuration.hasProjectionBias)
            linears(
                [names.attentionOutput], [width], query, bias: configuration.hasOutputBias)
            weights.append((names.feedForwardNorm, [width]))
            linears(
                names.gateAndUp, [inner, inner], width, bias: configuration.hasInnerBias)
            linears([names.down], [width], inner, bias: configuration.hasInnerBias)
        }
        weights.append((lastNorm, [width]))
        if !configuration.tiesEmbeddings {
            weights.append((head, [configuration.vocabularySize, width]))
        }
        return weights
    }

    /// The weights that lie right behind the one before, as one matrix or vector with it.
    static func joined(_ configuration: DecoderConfiguration) -> Set<String> {
        var joined: Set<String> = []
        for layer in 0..<configuration.layerCount {
            let names = DecoderLayerNames(layer)
            for name in names.projections.dropFirst() + names.gateAndUp.dropFirst() {
                joined.formUnion(["\(name).weight", "\(name).bias"])
            }
        }
        return joined
    }

    /// Tensors that files carry and that hold no weights of their own: tables of angles, and a copy of
    /// the token table where the output layer is tied to it.
    static func isIgnored(_ name: String, _ configuration: DecoderConfiguration) -> Bool {
        name.hasSuffix("rotary_emb.inv_freq") || (configuration.tiesEmbeddings && name == head)
    }
}

extension DecoderConfiguration {
    /// The count of weights; a tied output layer isn't counted twice.
    public var weightCount: Int {
        DecoderLayout.weights(self).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
}
