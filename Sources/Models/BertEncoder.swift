// BERT (Devlin et al. 2019, arXiv 1810.04805): embeddings and a stack of post-norm layers.
//
// Written against packed sequences: no padding, no attention mask; positions restart in each
// sequence. Weight names are those of transformers' `BertModel`; `prefix` is what stands before them.
// Not here: reading files (ModelFolder.swift), heads (BertClassifier.swift).
//
// Shape legend: N tokens, S sequences, D width, F inner width, H heads.
// Reference: transformers, models/bert/modeling_bert.py.

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
struct BertEncoder {
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

    let configuration: BertConfiguration
    private let tables: [Int]
    private let embeddingNorm: Norm
    private let layers: [Layer]

    private static let projections = ["query", "key", "value"].map { "attention.self.\($0)" }

    /// The weights that `layout(_:prefix:)` has right behind the one before, as one matrix with it.
    static func joined(_ configuration: BertConfiguration, prefix: String) -> Set<String> {
        let parts = (0..<configuration.layerCount).flatMap { layer in
            projections.dropFirst().map { "\(prefix)encoder.layer.\(layer).\($0)" }
        }
        return Set(parts.flatMap { ["\($0).weight", "\($0).bias"] })
    }

    /// Dropout sites of one layer, so that sites of different layers never share a stream.
    private static let sitesPerLayer = 4

    /// The names and shapes of the encoder's weights, in the order of the flat buffer.
    static func layout(
        _ configuration: BertConfiguration, prefix: String
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
        func table(_ name: String, _ rows: Int) {
            layout.append(("\(prefix)embeddings.\(name)_embeddings.weight", [rows, width]))
        }
        table("word", configuration.vocabularySize)
        table("position", configuration.maximumLength)
        table("token_type", configuration.typeCount)
        norm("embeddings.LayerNorm")
        for index in 0..<configuration.layerCount {
            let layer = "encoder.layer.\(index)"
            for part in Self.projections {
                layout.append(("\(prefix)\(layer).\(part).weight", [width, width]))
            }
            for part in Self.projections {
                layout.append(("\(prefix)\(layer).\(part).bias", [width]))
            }
            linear("\(layer).attention.output.dense", width, width)
            norm("\(layer).attention.output.LayerNorm")
            linear("\(layer).intermediate.dense", inner, width)
            linear("\(layer).output.dense", width, inner)
            norm("\(layer).output.LayerNorm")
        }
        return layout
    }

    /// Finds the encoder's weights in a parameter set laid out by `layout(_:prefix:)`.
    init(_ configuration: BertConfiguration, prefix: String, in parameters: ParameterSet) {
        let find = NamedWeights(parameters: parameters, prefix: prefix)
        self.configuration = configuration
        tables = ["word", "position", "token_type"].map {
            find.weight("embeddings.\($0)_embeddings.weight")
        }
        embeddingNorm = find.norm("embeddings.LayerNorm")
        layers = (0..<configuration.layerCount).map { index in
            let layer = "encoder.layer.\(index)"
            return Layer(
                projections: find.linears(Self.projections.map { "\(layer).\($0)" }),
                attentionOutput: find.linear("\(layer).attention.output.dense"),
                attentionNorm: find.norm("\(layer).attention.output.LayerNorm"),
                intermediate: find.linear("\(layer).intermediate.dense"),
                output: find.linear("\(layer).output.dense"),
                outputNorm: find.norm("\(layer).output.LayerNorm"))
        }
    }

    /// The token rows after each stage: the embeddings, then every layer; each `N x D`.
    func hiddenStates(_ tape: Tape, _ batch: TokenBatch, _ dropout: DropoutPlan?) -> [Variable] {
        var states = [embeddings(tape, batch, dropout)]
        for (index, layer) in layers.enumerated() {
            states.append(apply(layer, index, states[index], tape, dropout))
        }
        return states
    }

    /// The token rows after the last layer; those in between are discarded on the way.
    func lastState(_ tape: Tape, _ batch: TokenBatch, _ dropout: DropoutPlan?) -> Variable {
        var state = embeddings(tape, batch, dropout)
        for (index, layer) in layers.enumerated() {
            let next = apply(layer, index, state, tape, dropout)
            tape.discard(state)
            state = next
        }
        return state
    }

    private func embeddings(
        _ tape: Tape, _ batch: TokenBatch, _ dropout: DropoutPlan?
    ) -> Variable {
        let sum = tape.embeddingSum(
            tables.map(tape.parameter), ids: [batch.ids, batch.positions, batch.typeIDs])
        return tape.dropout(
            tape.layerNorm(sum, tape.norm(embeddingNorm, configuration.layerNormEpsilon)),
            dropout?.site(0, configuration.hiddenDropout))
    }

    private func apply(
        _ layer: Layer, _ index: Int, _ x: Variable, _ tape: Tape, _ dropout: DropoutPlan?
    ) -> Variable {
        let site = 1 + index * Self.sitesPerLayer
        let epsilon = configuration.layerNormEpsilon
        let projections = tape.linear(
            x, weight: tape.parameters(layer.projections.weights),
            bias: tape.parameters(layer.projections.biases))
        let context = tape.attention(
            projections: projections, heads: configuration.headCount,
            dropout: dropout?.site(site, configuration.attentionDropout))
        tape.discard(projections)
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

    /// The site of the dropout before the classifier, after all of the layers'.
    var classifierSite: Int { 1 + layers.count * Self.sitesPerLayer }
}

/// Looks weights up by name; a missing one is a slip in this module, for files are checked before.
struct NamedWeights {
    let parameters: ParameterSet
    let prefix: String

    func weight(_ name: String) -> Int {
        guard let index = parameters.index(of: prefix + name) else {
            preconditionFailure("no weight \(prefix)\(name) is laid out")
        }
        return index
    }

    func linear(_ name: String) -> BertEncoder.Linear {
        BertEncoder.Linear(weight: weight("\(name).weight"), bias: weight("\(name).bias"))
    }

    /// Layers whose weights, and whose biases, are neighbours in the parameter set.
    func linears(_ names: [String]) -> BertEncoder.JoinedLinear {
        let (weights, biases) = (
            names.map { weight("\($0).weight") }, names.map { weight("\($0).bias") }
        )
        return BertEncoder.JoinedLinear(
            weights: weights[0]..<weights[0] + names.count,
            biases: biases[0]..<biases[0] + names.count)
    }

    func norm(_ name: String) -> BertEncoder.Norm {
        BertEncoder.Norm(gamma: weight("\(name).weight"), beta: weight("\(name).bias"))
    }
}

extension Tape {
    func linear(_ x: Variable, _ layer: BertEncoder.Linear) -> Variable {
        linear(x, weight: parameter(layer.weight), bias: parameter(layer.bias))
    }

    func linearAddNorm(
        _ x: Variable, _ layer: BertEncoder.Linear, dropout: DropoutSite?, residual: Variable,
        norm: NormWeights
    ) -> Variable {
        linearAddNorm(
            x, weight: parameter(layer.weight), bias: parameter(layer.bias), dropout: dropout,
            residual: residual, norm: norm)
    }

    func norm(_ norm: BertEncoder.Norm, _ epsilon: Float) -> NormWeights {
        NormWeights(
            gamma: parameter(norm.gamma), beta: parameter(norm.beta), epsilon: epsilon)
    }
}
