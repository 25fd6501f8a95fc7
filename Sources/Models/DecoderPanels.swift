// A decoder's weights as the products of inference want them: packed once, and held as bfloat16 where
// the folder's are bfloat16, which loses nothing and halves what a step has to read.
//
// Shape legend: D width, H K width of the queries, F inner width, V vocabulary.

import TensorCore

/// A linear layer, or several with one input, side by side.
struct PackedLinear {
    let weight = PackedMatrix()
    let bias: Matrix?
}

/// One layer's weights.
struct DecoderLayerPanels {
    let attentionNorm: Matrix
    /// D to queries, keys and values.
    let projections: PackedLinear
    let attentionOutput: PackedLinear
    let feedForwardNorm: Matrix
    /// D to gate and up.
    let gateAndUp: PackedLinear
    let down: PackedLinear
    /// How many tokens a token sees; nil for all before it.
    let window: Int?
}

/// All weights but the token table, whose rows are read where they lie.
struct DecoderPanels {
    let layers: [DecoderLayerPanels]
    let lastNorm: Matrix
    let head: PackedLinear
    private let vectors: Arena

    init(
        _ source: some DecoderWeightSource, _ configuration: DecoderConfiguration,
        _ compute: Compute
    ) throws(ModelError) {
        let packer = DecoderPacker(source: source, compute: compute)
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let (query, key) = (configuration.queryWidth, configuration.keyWidth)
        var layers: [DecoderLayerPanels] = []
        for index in 0..<configuration.layerCount {
            let names = DecoderLayerNames(index)
            layers.append(
                DecoderLayerPanels(
                    attentionNorm: try packer.vector([names.attentionNorm], [width]),
                    projections: try packer.linear(
                        names.projections, [query, key, key], width,
                        bias: configuration.hasProjectionBias),
                    attentionOutput: try packer.linear(
                        [names.attentionOutput], [width], query,
                        bias: configuration.hasOutputBias),
                    feedForwardNorm: try packer.vector([names.feedForwardNorm], [width]),
                    gateAndUp: try packer.linear(
                        names.gateAndUp, [inner, inner], width, bias: configuration.hasInnerBias),
                    down: try packer.linear(
                        [names.down], [width], inner, bias: configuration.hasInnerBias),
                    window: configuration.windows[index]))
        }
        self.layers = layers
        lastNorm = try packer.vector([DecoderLayout.lastNorm], [width])
        let name = DecoderLayout.head(configuration)
        head = PackedLinear(bias: nil)
        try packer.pack(
            [name], [[configuration.vocabularySize, width]], into: head.weight)
        vectors = packer.vectors
        source.finish()
    }
}

/// Reads and packs weights.
private struct DecoderPacker<Source: DecoderWeightSource> {
    let source: Source
    let compute: Compute
    let vectors = Arena()

    func vector(_ names: [String], _ counts: [Int]) throws(ModelError) -> Matrix {
        let vector = vectors.vector(counts.reduce(0, +))
        try source.copy(names, shapes: counts.map { [$0] }, rows: 0..<1, into: vector)
        return vector
    }

    func linear(
        _ names: [String], _ outputs: [Int], _ input: Int, bias: Bool
    ) throws(ModelError) -> PackedLinear {
        let linear = PackedLinear(
            bias: bias ? try vector(names.map { "\($0).bias" }, outputs) : nil)
        try pack(
            names.map { "\($0).weight" }, outputs.map { [$0, input] }, into: linear.weight)
        return linear
    }

    func pack(
        _ names: [String], _ shapes: [[Int]], into packed: PackedMatrix
    ) throws(ModelError) {
        try compute.pack(
            columns: shapes.reduce(0) { $0 + $1[0] }, depth: shapes[0][1],
            halved: try source.isBFloat16(names, shapes: shapes), into: packed
        ) { (columns: Range<Int>, rows: Matrix) throws(ModelError) in
            try source.copy(names, shapes: shapes, rows: columns, into: rows)
        }
    }
}
