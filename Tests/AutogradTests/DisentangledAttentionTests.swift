// Disentangled attention: its gradient rule, its buckets, and the same bits however leaves are grouped.

import Autograd
import Foundation
import Kernels
import TensorCore
import TestSupport
import Testing

@Suite struct DisentangledAttentionTests {
    typealias Input = GradientCheck.Input
    private static let dropout = DropoutSite(probability: 0.3, seed: 7, step: 11, site: 4)

    /// Far distances share buckets, or each has a row and the farthest are cut off.
    @Test(
        arguments: [
            RelativeBuckets(count: 4, maximumDistance: 16),
            RelativeBuckets(count: 0, maximumDistance: 3),
        ], [nil, 0.3] as [Float?])
    func gradients(buckets: RelativeBuckets, probability: Float?) {
        let site = probability == nil ? nil : Self.dropout
        let layout = GradientCheck.layout
        GradientCheck(
            inputs: [
                Input(name: "x", rows: GradientCheck.tokens, columns: 6),
                Input(name: "weight", rows: 18, columns: 6),
                Input(name: "bias", rows: 1, columns: 18),
                Input(name: "table", rows: 2 * buckets.span, columns: 6),
                Input(name: "gamma", rows: 1, columns: 6, center: 1),
                Input(name: "beta", rows: 1, columns: 6),
            ], depth: 80, seed: 31,
            tape: { tape, v in
                tape.disentangledAttention(
                    tape.activation(v[0]), weight: v[1], bias: v[2],
                    positions: tape.layerNorm(
                        tape.relativeEmbeddings(v[3], buckets),
                        NormWeights(gamma: v[4], beta: v[5], epsilon: 1e-3)),
                    heads: 2, dropout: site)
            },
            reference: { v in
                let table = v[3].layerNorm(v[4], v[5], epsilon: 1e-3)
                return Grid.disentangledAttention(
                    v[0].linear(v[1], v[2]), table.linear(v[1], v[2]), heads: 2, layout, buckets,
                    dropout: site)
            }
        ).run()
    }

    /// Values of transformers' `make_log_bucket_position`.
    @Test func bucketsOfTransformers() {
        let cases: [(count: Int, maximum: Int, distances: [Int], buckets: [Int])] = [
            (256, 512, [1, 5, 9, 20, 40], [1, 5, 9, 20, 40]),
            (8, 64, [1, 5, 9, 20, 40], [1, 5, 5, 6, 7]),
            (32, 128, [1, 5, 9, 20, 40], [1, 5, 9, 18, 23]),
            (16, 512, [1, 5, 9, 20, 40], [1, 5, 9, 10, 11]),
            (7, 40, [1, 5, 9, 20, 40], [1, 4, 4, 5, 6]),
            (64, 513, [1, 5, 9, 20, 40], [1, 5, 9, 20, 35]),
        ]
        for (count, maximum, distances, buckets) in cases {
            let ours = RelativeBuckets(count: count, maximumDistance: maximum)
            #expect(ours.span == count && ours.row(0) == count)
            for (distance, bucket) in zip(distances, buckets) {
                #expect(ours.row(distance) == count + bucket, "\(count), \(maximum): \(distance)")
                #expect(ours.row(-distance) == count - bucket, "\(count), \(maximum): -\(distance)")
            }
            let rows = (-2 * maximum...2 * maximum).map(ours.row)
            #expect(rows == rows.sorted() && rows.allSatisfy((0..<2 * count).contains))
        }
    }

    /// A network of two layers that share the embeddings of distances.
    private struct Network {
        let buckets = RelativeBuckets(count: 4, maximumDistance: 16)
        let parameters = ParameterSet([
            ("words", [11, 12]), ("first", [36, 12]), ("first.bias", [36]), ("second", [36, 12]),
            ("second.bias", [36]), ("table", [8, 12]), ("gamma", [12]), ("beta", [12]),
        ])

        init() {
            var numbers = SampleNumbers(seed: 3)
            for (index, parameter) in parameters.parameters.enumerated() {
                parameters.value(index).assign(numbers.floats(parameter.count, scale: 0.7))
            }
        }

        func gradients(
            _ batch: SampleNetwork.Batch, nodes: [Range<Int>], _ compute: Compute
        ) -> [[Float]] {
            let (texts, layout) = batch.part(
                nodes[0].lowerBound..<nodes[nodes.count - 1].upperBound)
            if texts.isEmpty {
                return nodes.map { _ in [Float](repeating: 0, count: parameters.elementCount) }
            }
            let arena = Arena()
            let buffers = nodes.map { _ in arena.zeros(1, parameters.elementCount) }
            let tape = Tape(
                compute: compute, memory: TapeMemory(), parameters: parameters, layout: layout,
                sink: GradientSink(
                    nodes: nodes.indices.map {
                        .init(leaves: nodes[$0], gradients: buffers[$0])
                    }))
            func weight(_ name: String) -> Variable {
                guard let index = parameters.index(of: name) else {
                    preconditionFailure("no weight \(name)")
                }
                return tape.parameter(index)
            }
            let positions = tape.layerNorm(
                tape.relativeEmbeddings(weight("table"), buckets),
                NormWeights(gamma: weight("gamma"), beta: weight("beta"), epsilon: 1e-6))
            var state = tape.embeddingSum([weight("words")], ids: [texts.flatMap { $0 }])
            for (number, name) in ["first", "second"].enumerated() {
                let site = DropoutSite(
                    probability: 0.2, seed: 5, step: 9, site: UInt32(number + 1))
                state = tape.disentangledAttention(
                    state, weight: weight(name), bias: weight("\(name).bias"),
                    positions: tape.dropout(
                        positions,
                        DropoutSite(
                            probability: 0.2, seed: 5, step: 9, site: UInt32(number + 7))),
                    heads: 3, dropout: site)
            }
            let pooled = tape.meanPool(state)
            let gradient = arena.matrix(texts.count, 12)
            for row in 0..<texts.count {
                var numbers = SampleNumbers(seed: 1000 + UInt64(layout.samples[row]))
                gradient.row(row).assign(numbers.floats(12))
            }
            tape.backward(from: pooled, gradient: gradient)
            return buffers.map { $0.toArray() }
        }
    }

    /// Leaves with sequences of other lengths need other buckets; one is empty.
    @Test(arguments: InstructionSet.available, [1, 3])
    func leavesInAnyCompany(set: InstructionSet, threads: Int) {
        let network = Network()
        let batch = SampleNetwork.Batch(
            texts: SampleNetwork.texts(lengths: [17, 1, 64, 2, 1, 5, 41], seed: 5),
            leafOffsets: [0, 2, 2, 5, 7])
        let compute = Compute(threads: threads, instructionSet: set)
        let together = network.gradients(batch, nodes: [0..<1, 1..<2, 2..<3, 3..<4], compute)
        let one = Compute(threads: 1, instructionSet: set)
        for leaf in 0..<4 {
            let alone = network.gradients(batch, nodes: [leaf..<leaf + 1], one)[0]
            #expect(alone.bits == together[leaf].bits, "leaf \(leaf)")
        }
        let whole = network.gradients(batch, nodes: [0..<4], compute)[0]
        let halves = network.gradients(batch, nodes: [0..<2, 2..<4], one)
        #expect(whole.bits == zip(halves[0], halves[1]).map { $0 + $1 }.bits)
        #expect(whole.contains { $0 != 0 })
    }
}

extension Grid {
    /// Disentangled attention from queries, keys and values of tokens (`N x 3D`) and of buckets.
    fileprivate static func disentangledAttention(
        _ tokens: Grid, _ positions: Grid, heads: Int, _ layout: BatchLayout,
        _ buckets: RelativeBuckets, dropout: DropoutSite?
    ) -> Grid {
        let width = tokens.columns / 3
        let headWidth = width / heads
        var output = Grid(tokens.rows, width) { _, _ in 0 }
        for sequence in 0..<layout.sequenceCount {
            let rows = layout.tokens(of: sequence)
            for head in 0..<heads {
                let columns = (head * headWidth)..<((head + 1) * headWidth)
                for i in rows {
                    let scores = rows.map { j in
                        let bucket = buckets.row(i - j)
                        return columns.reduce(0) { sum, k in
                            sum + tokens[i, k] * tokens[j, width + k]
                                + tokens[i, k] * positions[bucket, width + k]
                                + tokens[j, width + k] * positions[bucket, k]
                        } / Double(3 * headWidth).squareRoot()
                    }
                    let powers = scores.map { exp($0 - (scores.max() ?? 0)) }
                    let sum = powers.reduce(0, +)
                    for (place, j) in rows.enumerated() {
                        let kept = keeps(place, i, head, dropout, layout)
                        for column in columns {
                            output.values[i * width + column] +=
                                kept * powers[place] / sum * tokens[j, 2 * width + column]
                        }
                    }
                }
            }
        }
        return output
    }
}
