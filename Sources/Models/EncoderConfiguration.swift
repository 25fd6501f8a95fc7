// The fields of an encoder folder's `config.json` that shape the arithmetic, checked.
// Reference: transformers, models/{bert,roberta,deberta_v2}/configuration_*.py.

public import Autograd
import Foundation

/// What an encoder folder's `config.json` says.
public struct EncoderConfiguration: Sendable {
    /// Which kind of encoder it is.
    public var family: EncoderFamily
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
    /// Tokens of the longest input.
    public var maximumLength: Int
    /// The id of padding, whose row in the word table gets no gradient; nil for none.
    public var paddingID: Int32?
    /// The id of padding where positions are counted from the number after it (RoBERTa), else nil.
    public var positionPadding: Int32?
    /// Rows of the position table, 0 for no table.
    public var positionCount: Int
    /// Rows of the token-type table, 0 for no table.
    public var typeCount: Int
    /// Attention by relative positions (DeBERTa), else nil.
    public var relative: Relative?
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
    /// The function behind the pooler's dense layer.
    public var poolerFunction: PoolerFunction
    /// Dropout before the pooler's dense layer.
    public var poolerDropout: Float
    /// The class names, by index, if the folder names them.
    public var labels: [String]

    /// How a sequence becomes the classifier's input.
    public enum Pooling: String, Sendable {
        /// BERT's own: the first token's row through a dense layer and tanh.
        case pooler = "cls"
        /// The mean of the token rows, no dense layer (`"classifier_pooling": "mean"`).
        case mean
    }

    /// A function behind the pooler's dense layer.
    public enum PoolerFunction: String, Sendable {
        /// The hyperbolic tangent: BERT's and RoBERTa's.
        case tanh
        /// The exact Gaussian error linear unit: DeBERTa's.
        case gelu
        /// `max(x, 0)`.
        case relu
    }

    /// How attention knows relative positions.
    public struct Relative: Sendable {
        /// Which embedding stands for which distance.
        public var buckets: RelativeBuckets
        /// Whether the embeddings are normalised before use.
        public var normalises: Bool
    }

    /// A table whose rows are added up to a token's embedding.
    struct Table {
        enum Kind {
            case words
            case positions
            case types
        }

        let kind: Kind
        let name: String
        let rows: Int
    }

    /// The embedding tables, in the order of the flat buffer.
    var tables: [Table] {
        [
            Table(
                kind: .words, name: "embeddings.word_embeddings.weight", rows: vocabularySize),
            Table(
                kind: .positions, name: "embeddings.position_embeddings.weight",
                rows: positionCount),
            Table(
                kind: .types, name: "embeddings.token_type_embeddings.weight", rows: typeCount),
        ].filter { $0.rows > 0 }
    }

    private static func paddingID(
        _ json: JSONFields, _ family: EncoderFamily
    ) throws(ModelError) -> Int32? {
        guard json.has("pad_token_id") else {
            // Null says that there is none; without the member it is the family's.
            return json.members["pad_token_id"] == nil ? (family == .roberta ? 1 : 0) : nil
        }
        let id = try json.number("pad_token_id") ?? 0
        guard id >= 0, id == id.rounded(), id < 1e9 else {
            throw ModelError(.malformed, "\(json.path): 'pad_token_id' is not a token's id")
        }
        return Int32(id)
    }

    /// Reads the configuration out of a parsed `config.json`.
    init(_ json: JSONFields) throws(ModelError) {
        let type = try json.string("model_type") ?? "(none)"
        guard let family = EncoderFamily(rawValue: type) else {
            throw ModelError(
                .unsupported,
                "\(json.path): model_type '\(type)' is not supported; use 'bert', 'roberta' or "
                    + "'deberta-v2'")
        }
        self.family = family
        try json.refuse(
            "position_embedding_type", unless: "absolute", "is_decoder", unless: false,
            "add_cross_attention", unless: false)
        vocabularySize = try json.positive("vocab_size")
        hiddenSize = try json.positive("hidden_size")
        layerCount = try json.positive("num_hidden_layers")
        headCount = try json.positive("num_attention_heads")
        intermediateSize = try json.positive("intermediate_size")
        positionCount = try json.positive("max_position_embeddings", default: 512)
        positionPadding = nil
        maximumLength = positionCount
        paddingID = try Self.paddingID(json, family)
        if family == .roberta {
            let padding = paddingID ?? 1
            guard Int(padding) + 1 < positionCount else {
                throw ModelError(
                    .malformed,
                    "\(json.path): 'pad_token_id' \(padding) leaves no position: they are counted "
                        + "from the number after it to max_position_embeddings \(positionCount)")
            }
            positionPadding = padding
            maximumLength = positionCount - Int(padding) - 1
        }
        typeCount = try Self.typeCount(json, family)
        layerNormEpsilon = Float(
            try json.number("layer_norm_eps") ?? (family == .deberta ? 1e-7 : 1e-12))
        hiddenDropout = try json.probability("hidden_dropout_prob") ?? 0.1
        attentionDropout = try json.probability("attention_probs_dropout_prob") ?? 0.1
        classifierDropout = try json.probability("classifier_dropout") ?? hiddenDropout
        initializerRange = Float(try json.number("initializer_range") ?? 0.02)
        activation = try json.choice("hidden_act") ?? .gelu
        pooling = try json.choice("classifier_pooling") ?? .pooler
        guard pooling == .pooler || family == .bert else {
            throw ModelError(
                .unsupported, "\(json.path): classifier_pooling 'mean' is for model_type 'bert'")
        }
        poolerFunction = .tanh
        poolerDropout = 0
        relative = nil
        labels = try json.labels()
        guard hiddenSize % headCount == 0 else {
            throw ModelError(
                .malformed,
                "\(json.path): hidden_size \(hiddenSize) is not a multiple of "
                    + "num_attention_heads \(headCount)")
        }
        if family == .deberta { try readDeberta(json) }
    }

    private static func typeCount(
        _ json: JSONFields, _ family: EncoderFamily
    ) throws(ModelError) -> Int {
        // DeBERTa may have no types, and has none where it doesn't say.
        let given = try json.number("type_vocab_size")
        if family == .deberta, given ?? 0 == 0 { return 0 }
        return try json.positive("type_vocab_size", default: 2)
    }
}
