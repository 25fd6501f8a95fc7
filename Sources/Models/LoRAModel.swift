// A frozen decoder with adapters of low rank, which alone are trained (Hu et al. 2021, arXiv 2106.09685):
// y = W x + b + scale B A dropout(x).
//
// The base is packed once, in bfloat16 where the folder is; rows of the token table are read where they lie
// in the file. Neither has a gradient, a moment or a place in checkpoints.
// Not here: peft's files (LoRAFolder.swift), merged weights (LoRAMerge.swift).
//
// Shape legend: N tokens, D width, r rank.
// Reference: peft, tuners/lora/layer.py.

public import Autograd
public import TensorCore

/// A decoder of which only adapters are trained.
///
/// One caller at a time.
public final class LoRAModel: CausalStudent, @unchecked Sendable {
    /// The base's folder.
    public let folder: DecoderFolder
    /// What the adapters are made of.
    public let options: LoRAOptions
    /// The adapters' weights, by their names in peft's files.
    public let parameters: ParameterSet
    /// The linear layers that have adapters, in the order of the layers.
    public let modules: [String]
    let layout: LoRALayout
    let holdsHalves: Bool
    private var packed: DecoderPanels?

    /// What the base's `config.json` says.
    public var configuration: DecoderConfiguration { folder.configuration }

    /// New adapters, which change nothing yet: A is drawn as peft draws it, B is zero.
    ///
    /// - Parameters:
    ///   - base: The folder of the frozen model.
    ///   - options: Rank, scale, dropout, targets.
    ///   - seed: What A's numbers are keyed by, together with the layer's name.
    ///   - holdsHalves: Whether base weights that aren't bfloat16 are rounded to it, which halves their
    ///     memory.
    /// - Throws: `ModelError` for options without sense and targets that the model doesn't have.
    public init(
        base: DecoderFolder, options: LoRAOptions, seed: UInt64, holdsHalves: Bool = false
    ) throws(ModelError) {
        try options.check()
        folder = base
        self.options = options
        self.holdsHalves = holdsHalves
        modules = try options.modules(base.configuration)
        layout = LoRALayout(base.configuration, modules: modules, rank: options.rank)
        parameters = ParameterSet(layout.weights, joined: layout.joined)
        for (index, parameter) in parameters.parameters.enumerated()
        where parameter.name.hasSuffix("lora_A.weight") {
            // Kaiming's uniform numbers with a = sqrt(5), as torch draws linear layers: within 1 over the
            // root of the input's width.
            let bound = 1 / Double(parameter.shape[1]).squareRoot()
            let generator = FreshWeights.generator(seed: seed, name: parameter.name)
            parameters.value(index).assign(
                (0..<parameter.count).map {
                    Float(bound * (2 * generator.uniform(UInt64($0)) - 1))
                })
        }
        parameters.noteChange()
    }

    /// The states after the last normalisation, `N x D` (see `CausalStudent`).
    public func lastState(
        _ tape: Tape, _ batch: DecoderBatch, recomputesLayers: Bool, dropout: DropoutPlan?
    ) -> Variable {
        let panels = panels(tape.compute)
        let form = DecoderForm(configuration, longest: tape.layout.longestSequence)
        func layer(_ index: Int) -> DecoderLayer<AdaptedLayer> {
            DecoderLayer(
                index, form,
                AdaptedLayer(
                    index: index, panels: panels.layers[index], places: layout.layers[index],
                    scale: options.scale, probability: options.dropout, dropout: dropout))
        }
        var state = tape.constant(
            rows: batch.ids.count, columns: configuration.hiddenSize, axis: .tokens
        ) { rows in
            embed(batch.ids, into: rows)
        }
        // Nothing below the first adapter is kept or differentiated.
        let first = layout.firstLayer
        if first > 0 {
            state = tape.frozen(state) { tape, x in
                (0..<first).reduce(x) { layer($1).apply($0, tape) }
            }
        }
        for index in first..<configuration.layerCount {
            if recomputesLayers {
                state = tape.recomputed(state) { tape, x in layer(index).apply(x, tape) }
            } else {
                state = layer(index).apply(state, tape)
            }
        }
        return tape.rootMeanSquareNorm(
            state, gamma: tape.constant(panels.lastNorm, axis: .sequences),
            epsilon: configuration.normEpsilon)
    }

    /// Runs the output layer, which is frozen, and a loss over some rows (see `CausalStudent`).
    public func headLoss(
        _ tape: Tape, _ state: Variable, chosen: [Int], loss: @escaping ScoreLoss
    ) -> Matrix? {
        tape.headLoss(
            state, frozen: FrozenLinear(weight: panels(tape.compute).head.weight, bias: nil),
            chosen: chosen, loss: loss)
    }

    /// The base's panels, packed when they are asked for first.
    private func panels(_ compute: Compute) -> DecoderPanels {
        if let packed, packed.head.weight.instructionSet == compute.instructionSet {
            return packed
        }
        do {
            let panels = try compute.measured("pack weights") { () throws(ModelError) in
                try DecoderPanels(folder, configuration, compute, halved: holdsHalves)
            }
            packed = panels
            return panels
        } catch {
            // Names, shapes and types were checked when the folder was opened, and the file is mapped.
            preconditionFailure("\(error)")
        }
    }

    private func embed(_ ids: [Int32], into rows: Matrix) {
        let shape = [configuration.vocabularySize, configuration.hiddenSize]
        do {
            for (row, id) in ids.enumerated() {
                try folder.copy(
                    [DecoderLayout.tokens], shapes: [shape], rows: Int(id)..<Int(id) + 1,
                    into: rows.row(row))
            }
        } catch {
            preconditionFailure("\(error)")
        }
    }
}

/// One layer's frozen weights with its adapters.
private struct AdaptedLayer: DecoderLayerWeights {
    let index: Int
    let panels: DecoderLayerPanels
    let places: [LoRAPlace?]
    let scale: Float
    let probability: Float
    let dropout: DropoutPlan?

    func norm(_ place: DecoderNorm, _ tape: Tape) -> Variable {
        let gamma =
            switch place {
            case .attention: panels.attentionNorm
            case .feedForward: panels.feedForwardNorm
            }
        return tape.constant(gamma, axis: .sequences)
    }

    func linear(_ place: DecoderLinear, _ tape: Tape) -> LinearLayer {
        let packed =
            switch place {
            case .projections: panels.projections
            case .attentionOutput: panels.attentionOutput
            case .gateAndUp: panels.gateAndUp
            case .down: panels.down
            }
        let update = places[place.rawValue].map { adapters in
            LowRankUpdate(
                down: tape.parameters(adapters.down),
                parts: adapters.parts.map {
                    .init(columns: $0.columns, up: tape.parameter($0.up), scale: scale)
                },
                // Each place of the model is a site of its own.
                dropout: dropout?.site(
                    index * DecoderLinear.allCases.count + place.rawValue, probability))
        }
        return .frozen(FrozenLinear(weight: packed.weight, bias: packed.bias), update)
    }
}
