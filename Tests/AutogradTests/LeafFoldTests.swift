// The gradient tree: what one pass over V leaves writes must be, bit for bit, what comes of computing
// every subtree apart and adding in the tree's order.

import Autograd
import Kernels
import TensorCore
import Testing

@Suite struct LeafFoldTests {
    /// V leaves of ragged texts; leaves without texts among them, first, last and side by side.
    static let batches: [(leafOffsets: [Int], name: String)] = [
        ([0, 5], "1"), ([0, 3, 5], "2"), ([0, 0, 5], "2, first empty"),
        ([0, 5, 5], "2, last empty"), ([0, 1, 3, 4, 5], "4"), ([0, 0, 3, 3, 5], "4, two empty"),
        ([0, 0, 0, 2, 5], "4, a half empty"), ([0, 1, 2, 4, 5, 7, 8, 10, 11], "8"),
        ([0, 0, 1, 1, 1, 1, 2, 3, 3], "8, fewer texts than leaves"),
        ([0, 0, 0, 0, 0, 0, 0, 0, 1], "8, one text"),
    ]

    private func batch(_ leafOffsets: [Int]) -> SampleNetwork.Batch {
        let lengths = (0..<(leafOffsets.last ?? 0)).map { [3, 1, 7, 1, 4, 2][$0 % 6] }
        return SampleNetwork.Batch(
            texts: SampleNetwork.texts(lengths: lengths, seed: 3), leafOffsets: leafOffsets)
    }

    /// Adds the leaves' own gradients in the tree.
    private func folded(_ leaves: ArraySlice<[Float]>) -> [Float] {
        if leaves.count == 1 { return leaves[leaves.startIndex] }
        let middle = leaves.startIndex + leaves.count / 2
        return zip(folded(leaves[..<middle]), folded(leaves[middle...])).map { $0 + $1 }
    }

    @Test(arguments: batches.indices)
    func onePassEqualsLeavesApart(index: Int) {
        let batch = batch(Self.batches[index].leafOffsets)
        let leaves = batch.leafOffsets.count - 1
        let network = SampleNetwork(seed: 1)
        for set in InstructionSet.available {
            let compute = Compute(threads: 2, instructionSet: set)
            let apart = (0..<leaves).map {
                network.gradients(batch, nodes: [$0..<($0 + 1)], compute)[0]
            }
            let whole = network.gradients(batch, nodes: [0..<leaves], compute)[0]
            #expect(whole.bits == folded(apart[...]).bits, "\(set), \(Self.batches[index].name)")
            #expect(whole.contains { $0 != 0 })
        }
    }

    /// The subtrees that a rank of two or three has, all in one pass.
    @Test(arguments: [[0..<4, 4..<6], [2..<4, 4..<8], [1..<2, 2..<4, 4..<5], [5..<6, 6..<8]])
    func severalSubtreesInOnePass(nodes: [Range<Int>]) {
        let network = SampleNetwork(seed: 2)
        let compute = Compute(threads: 2)
        for offsets in [[0, 1, 2, 4, 5, 7, 8, 10, 11], [0, 0, 1, 1, 1, 2, 2, 4, 4]] {
            let batch = batch(offsets)
            let together = network.gradients(batch, nodes: nodes, compute)
            for (node, gradient) in zip(nodes, together) {
                let apart = node.map {
                    network.gradients(batch, nodes: [$0..<($0 + 1)], compute)[0]
                }
                #expect(gradient.bits == folded(apart[...]).bits, "\(node) of \(offsets)")
            }
        }
    }

    /// Buffers are written whole: nothing of an earlier step stays, and gaps stay zero.
    @Test func gapsAndUnusedWeightsAreZero() {
        let network = SampleNetwork(seed: 1)
        let gradient = network.gradients(
            batch([0, 3, 5]), nodes: [0..<2], Compute(threads: 1))[0]
        var covered = Set<Int>()
        for parameter in network.parameters.parameters { covered.formUnion(parameter.range) }
        #expect(gradient.indices.allSatisfy { covered.contains($0) || gradient[$0] == 0 })
        let unused = network.parameters.parameters.filter { $0.name == "unused" }
        #expect(unused.allSatisfy { gradient[$0.range].allSatisfy { $0.bitPattern == 0 } })
    }
}
