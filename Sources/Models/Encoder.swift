// The encoders: embeddings and a stack of post-norm layers, as BERT has them (Devlin et al. 2019, arXiv
// 1810.04805). RoBERTa counts positions from another number; DeBERTa attends by relative positions,
// whose embeddings all layers share.
//
// Written against packed sequences: no padding, no attention mask; positions restart in each
// sequence. Weight names are those of transformers' `BertModel`; `prefix` is what stands before them.
// Not here: reading files (ModelFolder.swift), heads (EncoderHead.swift).
//
// Shape legend: N tokens, S sequences, D width, F inner width, H heads.
// Reference: transformers, models/bert/modeling_bert.py and its relatives.

import Autograd

/// Where dropout happens in a step, and with what chance; nil in inference.
public struct DropoutPlan: Sendable {
    /// The run's seed.
    public let seed: UInt64
    /// The step, so that every step draws anew.
    public let step: UInt64

    /// The dropout of one training step.
    public init(seed: UInt64, step: UInt64) {
        self.seed = seed
        self.step = step
    }

    func site(_ index: Int, _ probability: Float) -> DropoutSite {
        DropoutSite(probability: probability, seed: seed, step: step, site: UInt32(index))
    }
}

/// The encoder's weights by place, as indices into the parameter set.
struct Encoder {
    struct Linear {
        let weight: Int
        let bias: Int
    }

    /// Neighbouring weights and neighbouring biases of linear layers with one input.
    struct JoinedLinear {
        let weights: Range<Int>
        let biases: Range<Int>
    }

    struct Norm {
        let gamma: Int
        let beta: Int
    }

    struct Layer {
        /// Query, key and value.
        let projections: JoinedLinear
        let attentionOutput: Linear
        let attentionNorm: Norm
        let intermediate: Linear
        let output: Linear
        let outputNorm: Norm
    }

    let configuration: EncoderConfiguration
    private let tables: [Int]
    private let embeddingNorm: Norm
    private let layers: [Layer]
    private let relative: Relative?

    /// The embeddings of relative positions.
    private struct Relative {
        let buckets: RelativeBuckets
        let table: Int
        let norm: Norm?
    }

    private static let relativeTable = "encoder.rel_embeddings.weight"
    private static let relativeNorm = "encoder.LayerNorm"

    /// The weights that `layout(_:prefix:)` has right behind the one before, as one matrix with it.
    static func joined(_ configuration: EncoderConfiguration, prefix: String) -> Set<String> {
        let parts = (0..<configuration.layerCount).flatMap { layer in
            configuration.family.projections.dropFirst().map {
                "\(prefix)encoder.layer.\(layer).\($0)"
            }
        }
        return Set(parts.flatMap { ["\($0).weight", "\($0).bias"] })
    }

    /// Dropout sites of one layer, so that sites of different layers never share a stream.
    private static let sitesPerLayer = 4

    /// The names and shapes of the encoder's weights, in the order of the flat buffer.
    static func layout(
        _ configuration: EncoderConfiguration, prefix: String
    ) -> [(name: String, shape: [Int])] {
        let width = configuration.hiddenSize
        let inner = configuration.intermediateSize
        var layout: [(name: String, shape: [Int])] = []
        func linear(_ name: String, _ output: Int, _ input: Int) {
            layout.append(("\(prefix)\(name).weight", [output, input]))
            layout.append(("\(prefix)\(name).bias", [output]))
        }
        func norm(_ name: String) {
            layout.append(("\(prefix)\(name).weight", [width]))
            layout.append(("\(prefix)\(name).bias", [width]))
        }
        for table in configuration.tables {
            layout.append(("\(prefix)\(table.name)", [table.rows, width]))
        }
        norm("embeddings.LayerNorm")
        for index in 0..<configuration.layerCount {
            let layer = "encoder.layer.\(index)"
            for part in configuration.family.projections {
                layout.append(("\(prefix)\(layer).\(part).weight", [width, width]))
            }
            for part in configuration.family.projections {
                layout.append(("\(prefix)\(layer).\(part).bias", [width]))
            }
            linear("\(layer).attention.output.dense", width, width)
            norm("\(layer).attention.output.LayerNorm")
            linear("\(layer).intermediate.dense", inner, width)
            linear("\(layer).output.dense", width, inner)
            norm("\(layer).output.LayerNorm")
        }
        if let relative = configuration.relative {
            layout.append(("\(prefix)\(Self.relativeTable)", [2 * relative.buckets.span, width]))
            if relative.normalises { norm(Self.relativeNorm) }
        }
        return layout
    }

    /// Finds the encoder's weights in a parameter set laid out by `layout(_:prefix:)`.
    init(_ configuration: EncoderConfiguration, prefix: String, in parameters: ParameterSet) {
        let find = NamedWeights(parameters: parameters, prefix: prefix)
        self.configuration = configuration
        tables = configuration.tables.map { find.weight($0.name) }
        embeddingNorm = find.norm("embeddings.LayerNorm")
        layers = (0..<configuration.layerCount).map { index in
            let layer = "encoder.layer.\(index)"
            return Layer(
                projections: find.linears(
                    configuration.family.projections.map { "\(layer).\($0)" }),
                attentionOutput: find.linear("\(layer).attention.output.dense"),
                attentionNorm: find.norm("\(layer).attention.output.LayerNorm"),
                intermediate: find.linear("\(layer).intermediate.dense"),
                output: find.linear("\(layer).output.dense"),
                outputNorm: find.norm("\(layer).output.LayerNorm"))
        }
        relative = configuration.relative.map {
            Relative(
                buckets: $0.buckets, table: find.weight(Self.relativeTable),
                norm: $0.normalises ? find.norm(Self.relativeNorm) : nil)
        }
    }

    /// The token rows after each stage: the embeddings, then every layer; each `N x D`.
    func hiddenStates(_ tape: Tape, _ batch: TokenBatch, _ dropout: DropoutPlan?) -> [Variable] {
        var states = [embeddings(tape, batch, dropout)]
        let positions = positions(tape)
        for (index, layer) in layers.enumerated() {
            states.append(apply(layer, index, states[index], positions, tape, dropout))
        }
        return states
    }

    /// The token rows after the last layer; those in between are discarded on the way.
    func lastState(_ tape: Tape, _ batch: TokenBatch, _ dropout: DropoutPlan?) -> Variable {
        var state = embeddings(tape, batch, dropout)
        let positions = positions(tape)
        for (index, layer) in layers.enumerated() {
            let next = apply(layer, index, state, positions, tape, dropout)
            tape.discard(state)
            state = next
        }
        return state
    }

    private func embeddings(
        _ tape: Tape, _ batch: TokenBatch, _ dropout: DropoutPlan?
    ) -> Variable {
        let sum = tape.embeddingSum(
            tables.map(tape.parameter), ids: configuration.tables.map { ids(of: $0.kind, batch) },
            frozenRows: configuration.tables.map { frozenRow(of: $0.kind) })
        return tape.dropout(
            tape.layerNorm(sum, tape.norm(embeddingNorm, configuration.layerNormEpsilon)),
            dropout?.site(0, configuration.hiddenDropout))
    }

    /// The rows that a batch takes of a table.
    private func ids(of table: EncoderConfiguration.Table.Kind, _ batch: TokenBatch) -> [Int32] {
        switch table {
        case .words: batch.ids
        case .types: batch.typeIDs
        case .positions:
            configuration.positionPadding.map { batch.positions(skipping: $0) } ?? batch.positions
        }
    }

    /// The row of padding, which is never trained: torch's `padding_idx`.
    private func frozenRow(of table: EncoderConfiguration.Table.Kind) -> Int32? {
        switch table {
        case .words: configuration.paddingID
        case .types: nil
        case .positions: configuration.positionPadding
        }
    }

    /// The embeddings of relative positions, where there are any.
    private func positions(_ tape: Tape) -> Variable? {
        guard let relative else { return nil }
        let rows = tape.relativeEmbeddings(tape.parameter(relative.table), relative.buckets)
        return relative.norm.map {
            tape.layerNorm(rows, tape.norm($0, configuration.layerNormEpsilon))
        } ?? rows
    }

    /// Attention with the projections before it; `positions` are those of `positions(_:)`.
    private func attention(
        _ layer: Layer, _ index: Int, _ x: Variable, _ positions: Variable?, _ tape: Tape,
        _ dropout: DropoutPlan?
    ) -> Variable {
        let site = 1 + index * Self.sitesPerLayer
        let onProbabilities = dropout?.site(site, configuration.attentionDropout)
        let weight = tape.parameters(layer.projections.weights)
        let bias = tape.parameters(layer.projections.biases)
        if let positions {
            return tape.disentangledAttention(
                x, weight: weight, bias: bias,
                positions: tape.dropout(
                    positions, dropout?.site(site + 3, configuration.hiddenDropout)),
                heads: configuration.headCount, dropout: onProbabilities)
        }
        let projections = tape.linear(x, weight: weight, bias: bias)
        let context = tape.attention(
            projections: projections, heads: configuration.headCount, dropout: onProbabilities)
        tape.discard(projections)
        return context
    }

    private func apply(
        _ layer: Layer, _ index: Int, _ x: Variable, _ positions: Variable?, _ tape: Tape,
        _ dropout: DropoutPlan?
    ) -> Variable {
        let site = 1 + index * Self.sitesPerLayer
        let epsilon = configuration.layerNormEpsilon
        let context = attention(layer, index, x, positions, tape, dropout)
        let middle = tape.linearAddNorm(
            context, layer.attentionOutput,
            dropout: dropout?.site(site + 1, configuration.hiddenDropout), residual: x,
            norm: tape.norm(layer.attentionNorm, epsilon))
        tape.discard(context)
        let inner = tape.linear(
            middle, weight: tape.parameter(layer.intermediate.weight),
            bias: tape.parameter(layer.intermediate.bias), activation: configuration.activation)
        let output = tape.linearAddNorm(
            inner, layer.output,
            dropout: dropout?.site(site + 2, configuration.hiddenDropout), residual: middle,
            norm: tape.norm(layer.outputNorm, epsilon))
        tape.discard(inner)
        tape.discard(middle)
        return output
    }

    /// The first site of the head's dropout, after all of the layers'.
    var headSite: Int { 1 + layers.count * Self.sitesPerLayer }
}
