// A decoder's weights as products want them, in inference and frozen under adapters: packed once, and held
// as bfloat16 where the folder's are bfloat16, which loses nothing and halves what a step has to read.
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

    /// Reads and packs all weights.
    ///
    /// - Parameter halved: Whether weights that aren't bfloat16 in the folder are rounded to it.
    init(
        _ source: some DecoderWeightSource, _ configuration: DecoderConfiguration,
        _ compute: Compute, halved: Bool = false
    ) throws(ModelError) {
        let packer = DecoderPacker(source: source, compute: compute, halved: halved)
        let width = configuration.hiddenSize
        var layers: [DecoderLayerPanels] = []
        for index in 0..<configuration.layerCount {
            let names = DecoderLayerNames(index)
            func linear(_ place: DecoderLinear) throws(ModelError) -> PackedLinear {
                let (outputs, input) = configuration.widths(place)
                return try packer.linear(
                    names.modules(place), outputs, input, bias: configuration.hasBias(place))
            }
            layers.append(
                DecoderLayerPanels(
                    attentionNorm: try packer.vector([names.attentionNorm], [width]),
                    projections: try linear(.projections),
                    attentionOutput: try linear(.attentionOutput),
                    feedForwardNorm: try packer.vector([names.feedForwardNorm], [width]),
                    gateAndUp: try linear(.gateAndUp), down: try linear(.down),
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
    let halved: Bool
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
        let holdsHalves = halved ? true : try source.isBFloat16(names, shapes: shapes)
        try compute.pack(
            columns: shapes.reduce(0) { $0 + $1[0] }, depth: shapes[0][1], halved: holdsHalves,
            into: packed
        ) { (columns: Range<Int>, rows: Matrix) throws(ModelError) in
            try source.copy(names, shapes: shapes, rows: columns, into: rows)
        }
    }
}
