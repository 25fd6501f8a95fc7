// Where adapters lie: names and shapes in the flat buffer, and by place in the layers. The A of adapters with
// one input lie one behind another, so that they are one product.
//
// Shape legend: D and E widths of a linear layer's input and output, r rank.

import Autograd
import TensorCore

/// The adapters of one place of a layer: parts of the output of one product.
struct LoRAPlace {
    /// One adapter.
    struct Part {
        /// The linear layer's name.
        let module: String
        /// Columns of the product's output.
        let columns: Range<Int>
        /// B's place in the parameter set.
        let up: Int
    }

    /// The A of all parts in the parameter set.
    let down: Range<Int>
    let parts: [Part]
}

/// All adapters of a decoder.
struct LoRALayout {
    /// What stands before a layer's name in peft's files.
    static let prefix = "base_model.model."

    /// Layer by layer and place by place; nil where there is none.
    let layers: [[LoRAPlace?]]
    /// Names, as peft's files have them, and shapes in the order of the flat buffer.
    private(set) var weights: [(name: String, shape: [Int])] = []
    /// Names of weights that follow the one before without a gap.
    private(set) var joined: Set<String> = []

    /// The layout of adapters of a rank on some linear layers.
    init(_ configuration: DecoderConfiguration, modules: [String], rank: Int) {
        let chosen = Set(modules)
        var weights: [(name: String, shape: [Int])] = []
        var joined: Set<String> = []
        layers = (0..<configuration.layerCount).map { index in
            DecoderLinear.allCases.map { place -> LoRAPlace? in
                let (outputs, input) = configuration.widths(place)
                var end = 0
                let parts = zip(DecoderLayerNames(index).modules(place), outputs).compactMap {
                    name, width -> (name: String, columns: Range<Int>)? in
                    defer { end += width }
                    return chosen.contains(name) ? (name, end..<end + width) : nil
                }
                guard !parts.isEmpty else { return nil }
                let first = weights.count
                for (number, part) in parts.enumerated() {
                    let name = Self.name(part.name, "A")
                    weights.append((name, [rank, input]))
                    if number > 0 { joined.insert(name) }
                }
                let ups = parts.map { part in
                    weights.append((Self.name(part.name, "B"), [part.columns.count, rank]))
                    return LoRAPlace.Part(
                        module: part.name, columns: part.columns, up: weights.count - 1)
                }
                return LoRAPlace(down: first..<first + parts.count, parts: ups)
            }
        }
        self.weights = weights
        self.joined = joined
    }

    /// The name of a linear layer's A or B.
    static func name(_ module: String, _ factor: String) -> String {
        "\(prefix)\(module).lora_\(factor).weight"
    }

    /// The first layer with an adapter: below it no gradient is wanted.
    var firstLayer: Int {
        layers.firstIndex { $0.contains { $0 != nil } } ?? layers.count
    }
}
