// A tiny decoder with adapters and the values that peft gave for it, as `../shared/reference` holds them.

import Autograd
import Models
import Safetensors
import TensorCore
import TestSupport

/// The recorded base, adapters and batch.
struct RecordedLoRA {
    static let path = SharedData.path("reference/golden/llama-lora")
    static let isThere = SharedData.has("reference/golden/llama-lora/golden.safetensors")

    let base: DecoderFolder
    let golden: SafetensorsFile
    /// The texts of the batch, padding taken off.
    let texts: [[Int32]]
    let labels: [[Int32]]
    private let places: [Int]

    init() throws {
        base = try DecoderFolder(path: "\(Self.path)/base")
        golden = try SafetensorsFile(path: "\(Self.path)/golden.safetensors")
        let ids = try golden.int64s("in.input_ids").map { Int32($0) }
        let mask = try golden.int64s("in.attention_mask")
        let all = try golden.int64s("in.labels").map { Int32($0) }
        let shape = try golden.entry("in.input_ids").shape
        let rows = (0..<shape[0]).map { row in
            (row * shape[1]..<(row + 1) * shape[1]).filter { mask[$0] != 0 }
        }
        texts = rows.map { $0.map { ids[$0] } }
        labels = rows.map { $0.map { all[$0] } }
        places = rows.flatMap { $0 }
    }

    /// The recorded adapters on the base.
    func model(holdsHalves: Bool = false) throws -> LoRAModel {
        try LoRAModel(
            base: base, adapter: "\(Self.path)/adapter", holdsHalves: holdsHalves)
    }

    /// Other adapters on the base, whose B isn't zero.
    func model(_ options: LoRAOptions, seed: UInt64 = 3) throws -> LoRAModel {
        let model = try LoRAModel(base: base, options: options, seed: seed)
        model.fillB()
        return model
    }

    /// The recorded rows of real tokens, text by text.
    func rows(_ tensor: String) throws -> [[Float]] {
        let values = try golden.floats(tensor)
        let width = try golden.entry(tensor).shape[2]
        return places.map { Array(values[($0 * width)..<(($0 + 1) * width)]) }
    }

    /// A leaf a text, the last ones empty.
    func leaves(_ count: Int) -> BatchLayout {
        BatchLayout(
            lengths: texts.map(\.count), samples: texts.indices.map { UInt32($0 + 40) },
            leafOffsets: (0...count).map { min($0, texts.count) }, leaves: 0..<count)
    }

    /// The mean loss.
    ///
    /// Its gradient by all adapters is written, a subtree of the leaves to each matrix.
    func loss(
        _ model: some CausalStudent, _ gradients: [Matrix], _ compute: Compute,
        layout: BatchLayout? = nil, recomputes: Bool = false, dropout: DropoutPlan? = nil,
        precision: Precision = .float32
    ) -> Double {
        let batch = DecoderBatch(texts, labels: labels, layout: layout)
        let part = batch.layout.leaves.count / gradients.count
        let nodes = gradients.enumerated().map { index, gradients in
            GradientSink.Node(leaves: index * part..<(index + 1) * part, gradients: gradients)
        }
        let tape = Tape(
            compute: compute, memory: TapeMemory(), parameters: model.parameters,
            layout: batch.layout, precision: precision, sink: GradientSink(nodes: nodes))
        let count = batch.predicting.count
        return model.tokenLoss(
            tape, batch, gradientScale: 1 / Float(count), recomputesLayers: recomputes,
            dropout: dropout
        ).sum / Double(count)
    }
}

extension LoRAModel {
    /// Numbers for B, which starts as zero: an adapter then does something.
    func fillB() {
        var numbers = SampleNumbers(seed: 301)
        for (index, parameter) in parameters.parameters.enumerated()
        where parameter.name.hasSuffix("lora_B.weight") {
            parameters.value(index).assign(numbers.floats(parameter.count, scale: 0.1))
        }
        parameters.noteChange()
    }
}
