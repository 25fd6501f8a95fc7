// A small encoder with every kind of operation, on sequences that are cut into leaves: what the tests
// of the gradient tree and of bitwise equality run.

import Autograd
import TensorCore
import TestSupport

/// An embedding, one attention layer, pooled two ways.
struct SampleNetwork {
    static let width = 24
    static let words = 11
    static let classes = 3

    let parameters: ParameterSet

    init(seed: UInt64) {
        let width = Self.width
        parameters = ParameterSet([
            ("words", [Self.words, width]), ("positions", [64, width]),
            ("query", [width, width]), ("key", [width, width]), ("value", [width, width]),
            ("query.bias", [width]), ("mix", [width, width]), ("inner", [2 * width, width]),
            ("inner.bias", [2 * width]),
            ("outer", [width, 2 * width]), ("gamma", [width]), ("beta", [width]),
            ("classifier", [Self.classes, width]), ("classifier.bias", [Self.classes]),
            ("unused", [3, 3]),
        ])
        var numbers = SampleNumbers(seed: seed)
        for (index, parameter) in parameters.parameters.enumerated() {
            parameters.value(index).assign(numbers.floats(parameter.count, scale: 0.5))
        }
    }

    /// Some texts of the given lengths.
    static func texts(lengths: [Int], seed: UInt64) -> [[Int32]] {
        var numbers = SampleNumbers(seed: seed)
        return lengths.map { (0..<$0).map { _ in Int32(numbers.below(words)) } }
    }

    private func variable(_ name: String, _ tape: Tape) -> Variable {
        guard let index = parameters.index(of: name) else {
            preconditionFailure("no weight \(name)")
        }
        return tape.parameter(index)
    }

    /// The scores of each text, `S x 3`.
    func scores(_ tape: Tape, _ texts: [[Int32]], dropout: Bool) -> Variable {
        func weight(_ name: String) -> Variable { variable(name, tape) }
        func site(_ number: UInt32) -> DropoutSite? {
            dropout ? DropoutSite(probability: 0.2, seed: 5, step: 9, site: number) : nil
        }
        let x = tape.embeddingSum(
            [weight("words"), weight("positions")],
            ids: [texts.flatMap { $0 }, tape.layout.positionOfToken.map(Int32.init)])
        let context = tape.attention(
            query: tape.linear(x, weight: weight("query"), bias: weight("query.bias")),
            key: tape.linear(x, weight: weight("key"), bias: nil),
            value: tape.linear(x, weight: weight("value"), bias: nil), heads: 3,
            dropout: site(1))
        let middle = tape.linearAddNorm(
            tape.dropout(context, site(4)), weight: weight("mix"), bias: nil, dropout: site(2),
            residual: x,
            norm: NormWeights(gamma: weight("gamma"), beta: weight("beta"), epsilon: 1e-6))
        let inner = tape.linear(
            middle, weight: weight("inner"), bias: weight("inner.bias"), activation: .gelu)
        let last = tape.add(tape.linear(inner, weight: weight("outer"), bias: nil), middle)
        tape.discard(inner)
        let pooled = tape.tanh(tape.add(tape.meanPool(last), tape.relu(tape.firstToken(last))))
        return tape.linear(
            tape.dropout(pooled, site(3)), weight: weight("classifier"),
            bias: weight("classifier.bias"))
    }

    /// Texts cut into leaves.
    struct Batch {
        let texts: [[Int32]]
        /// First text of each leaf, and the count of texts.
        let leafOffsets: [Int]

        /// The layout of some of the leaves, and their texts.
        func part(_ leaves: Range<Int>) -> (texts: [[Int32]], layout: BatchLayout) {
            let first = leafOffsets[leaves.lowerBound]
            let range = first..<leafOffsets[leaves.upperBound]
            return (
                Array(texts[range]),
                BatchLayout(
                    lengths: texts[range].map(\.count), samples: range.map { UInt32($0 + 100) },
                    leafOffsets: leafOffsets[leaves.lowerBound...leaves.upperBound].map {
                        $0 - first
                    }, leaves: leaves)
            )
        }
    }

    /// The gradients of subtrees, each as the flat buffer, computed in one pass.
    ///
    /// - Parameters:
    ///   - filling: What the buffers hold before.
    ///   - collectors: What takes tables by rows, by the subtree's place.
    func gradients(
        _ batch: Batch, nodes: [Range<Int>], _ compute: Compute, dropout: Bool = true,
        filling: Float = 0, collectors: (_ place: Int) -> [RowCollector] = { _ in [] }
    ) -> [[Float]] {
        let leaves = (nodes.first?.lowerBound ?? 0)..<(nodes.last?.upperBound ?? 0)
        let (texts, layout) = batch.part(leaves)
        // A rank skips a pass without samples: its gradient is zero.
        if texts.isEmpty {
            return nodes.map { _ in [Float](repeating: 0, count: parameters.elementCount) }
        }
        let arena = Arena()
        let buffers = nodes.map { _ in arena.zeros(1, parameters.elementCount) }
        for buffer in buffers {
            // Gaps are zero from the start.
            for parameter in parameters.parameters { buffer.columns(parameter.range).fill(filling) }
        }
        let tape = Tape(
            compute: compute, memory: TapeMemory(), parameters: parameters, layout: layout,
            sink: GradientSink(
                nodes: nodes.indices.map {
                    .init(
                        leaves: nodes[$0], gradients: buffers[$0], collectors: collectors($0))
                }))
        let output = scores(tape, texts, dropout: dropout)
        let gradient = arena.matrix(texts.count, Self.classes)
        for row in 0..<texts.count {
            // Keyed by the text's global index: the same wherever it is computed.
            var numbers = SampleNumbers(seed: 1000 + UInt64(layout.samples[row]))
            gradient.row(row).assign(numbers.floats(Self.classes))
        }
        tape.backward(from: output, gradient: gradient)
        return buffers.map { $0.toArray() }
    }
}

extension [Float] {
    /// The bits, so that -0 and +0 differ and NaN equals itself.
    var bits: [UInt32] { map(\.bitPattern) }
}
