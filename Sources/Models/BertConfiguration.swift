// The fields of a BERT folder's `config.json` that shape the arithmetic, checked.
// Reference: transformers, models/bert/configuration_bert.py.

public import Autograd
import Foundation
public import TensorCore

/// What a BERT folder's `config.json` says.
public struct BertConfiguration: Sendable {
    /// Rows of the word table.
    public var vocabularySize: Int
    /// D, the width of a token.
    public var hiddenSize: Int
    /// The count of layers.
    public var layerCount: Int
    /// H, the count of attention heads.
    public var headCount: Int
    /// Width of the feed-forward layer's inside.
    public var intermediateSize: Int
    /// Rows of the position table: the longest input.
    public var maximumLength: Int
    /// Rows of the token-type table.
    public var typeCount: Int
    /// What LayerNorm adds to the variance.
    public var layerNormEpsilon: Float
    /// Dropout after embeddings and sublayers.
    public var hiddenDropout: Float
    /// Dropout on attention probabilities.
    public var attentionDropout: Float
    /// Dropout before the classifier.
    public var classifierDropout: Float
    /// Standard deviation of a new head's weights.
    public var initializerRange: Float
    /// The feed-forward layer's nonlinearity.
    public var activation: Activation
    /// How a sequence becomes one vector.
    public var pooling: Pooling
    /// The class names, by index, if the folder names them.
    public var labels: [String]

    /// How a sequence becomes the classifier's input.
    public enum Pooling: String, Sendable {
        /// BERT's own: the first token's row through a dense layer and tanh.
        case pooler = "cls"
        /// The mean of the token rows, no dense layer (`"classifier_pooling": "mean"`).
        case mean
    }

    /// Reads the configuration out of a parsed `config.json`.
    init(_ json: JSONFields) throws(ModelError) {
        let type = try json.string("model_type") ?? "(none)"
        guard type == "bert" else {
            throw ModelError(
                .unsupported, "\(json.path): model_type '\(type)' is not supported; use 'bert'")
        }
        try json.refuse(
            "position_embedding_type", unless: "absolute", "is_decoder", unless: false,
            "add_cross_attention", unless: false)
        vocabularySize = try json.positive("vocab_size")
        hiddenSize = try json.positive("hidden_size")
        layerCount = try json.positive("num_hidden_layers")
        headCount = try json.positive("num_attention_heads")
        intermediateSize = try json.positive("intermediate_size")
        maximumLength = try json.positive("max_position_embeddings", default: 512)
        typeCount = try json.positive("type_vocab_size", default: 2)
        layerNormEpsilon = Float(try json.number("layer_norm_eps") ?? 1e-12)
        hiddenDropout = try json.probability("hidden_dropout_prob") ?? 0.1
        attentionDropout = try json.probability("attention_probs_dropout_prob") ?? 0.1
        classifierDropout = try json.probability("classifier_dropout") ?? hiddenDropout
        initializerRange = Float(try json.number("initializer_range") ?? 0.02)
        activation = try json.choice("hidden_act") ?? .gelu
        pooling = try json.choice("classifier_pooling") ?? .pooler
        labels = try json.labels()
        guard hiddenSize % headCount == 0 else {
            throw ModelError(
                .malformed,
                "\(json.path): hidden_size \(hiddenSize) is not a multiple of "
                    + "num_attention_heads \(headCount)")
        }
    }
}

extension BertConfiguration {
    /// Weights of the encoder with its pooler.
    public var weightCount: Int {
        BertEncoder.layout(self, prefix: "").reduce(hiddenSize * (hiddenSize + 1)) {
            $0 + $1.shape.reduce(1, *)
        }
    }

    /// Floating-point operations of the encoder's products, forward, for sequences of these lengths.
    public func forwardOperations(lengths: [Int]) -> Double {
        let (width, inner) = (Double(hiddenSize), Double(intermediateSize))
        let perToken = 2 * (4 * width * width + 2 * width * inner)
        return lengths.reduce(0) { sum, length in
            let tokens = Double(length)
            return sum + Double(layerCount) * tokens * (perToken + 4 * tokens * width)
        }
    }

    /// Bytes that a training pass holds for each token, about: what every layer keeps for the backward
    /// pass, and the values and gradients at hand, of which the widest count.
    public func activationBytesPerToken(_ precision: Precision) -> Int {
        let kept = layerCount * (8 * hiddenSize + intermediateSize)
        return kept * (precision == .bfloat16 ? 2 : 4) + 4 * 4 * intermediateSize
    }

    /// The weights of linear layers, which are held packed as well.
    public var packedWeightCount: Int {
        layerCount * hiddenSize * (4 * hiddenSize + 2 * intermediateSize)
    }
}
