// The names and shapes of a decoder's weights, as transformers writes them.
//
// Shape legend: D width, V vocabulary.

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

    /// The linear layers of a place.
    func modules(_ place: DecoderLinear) -> [String] {
        switch place {
        case .projections: projections
        case .attentionOutput: [attentionOutput]
        case .gateAndUp: gateAndUp
        case .down: [down]
        }
    }
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
        let width = configuration.hiddenSize
        var weights: [(name: String, shape: [Int])] = [
            (tokens, [configuration.vocabularySize, width])
        ]
        func linears(_ names: DecoderLayerNames, _ place: DecoderLinear) {
            let (outputs, input) = configuration.widths(place)
            let modules = names.modules(place)
            for (name, output) in zip(modules, outputs) {
                weights.append(("\(name).weight", [output, input]))
            }
            guard configuration.hasBias(place) else { return }
            for (name, output) in zip(modules, outputs) {
                weights.append(("\(name).bias", [output]))
            }
        }
        for layer in 0..<configuration.layerCount {
            let names = DecoderLayerNames(layer)
            weights.append((names.attentionNorm, [width]))
            linears(names, .projections)
            linears(names, .attentionOutput)
            weights.append((names.feedForwardNorm, [width]))
            linears(names, .gateAndUp)
            linears(names, .down)
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
    /// Widths of the outputs of a place's linear layers, and of their input.
    func widths(_ place: DecoderLinear) -> (outputs: [Int], input: Int) {
        switch place {
        case .projections: ([queryWidth, keyWidth, keyWidth], hiddenSize)
        case .attentionOutput: ([hiddenSize], queryWidth)
        case .gateAndUp: ([intermediateSize, intermediateSize], hiddenSize)
        case .down: ([hiddenSize], intermediateSize)
        }
    }

    /// Whether a place's linear layers have biases.
    func hasBias(_ place: DecoderLinear) -> Bool {
        switch place {
        case .projections: hasProjectionBias
        case .attentionOutput: hasOutputBias
        case .gateAndUp, .down: hasInnerBias
        }
    }

    /// The count of weights; a tied output layer isn't counted twice.
    public var weightCount: Int {
        DecoderLayout.weights(self).reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
}
