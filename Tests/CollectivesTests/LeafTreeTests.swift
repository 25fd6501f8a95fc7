// The plan of the sum, by exhaustion over small sizes.

import Testing

@testable import Collectives

@Suite struct LeafTreeTests {
    @Test func partsCoverTheLeavesInOrder() {
        for leaves in [1, 2, 4, 8, 16, 64] {
            for ranks in 1...20 {
                let tree = LeafTree(leafCount: leaves, ranks: ranks)
                let all = (0..<ranks).flatMap { Array(tree.leaves(of: $0)) }
                #expect(all == Array(0..<leaves))
                let sizes = (0..<ranks).map { tree.leaves(of: $0).count }
                #expect((sizes.max() ?? 0) - (sizes.min() ?? 0) <= 1)
                for rank in 0..<ranks {
                    #expect(
                        tree.nodes(of: rank).flatMap { Array($0.leaves) }
                            == Array(tree.leaves(of: rank)))
                }
            }
        }
    }

    @Test func canonicalNodesAreTheLargestSubtrees() {
        func nodes(_ range: Range<Int>) -> [Range<Int>] {
            LeafTree.canonicalNodes(of: range).map(\.leaves)
        }
        #expect(nodes(0..<8) == [0..<8])
        #expect(nodes(2..<5) == [2..<4, 4..<5])
        #expect(nodes(5..<8) == [5..<6, 6..<8])
        #expect(nodes(1..<7) == [1..<2, 2..<4, 4..<6, 6..<7])
        #expect(nodes(3..<3) == [])
    }

    @Test func additionsMakeTheTreeSum() {
        // Strings show the grouping itself.
        func grouped(_ range: Range<Int>) -> String {
            guard range.count > 1 else { return "\(range.lowerBound)" }
            let middle = range.lowerBound + range.count / 2
            return "(\(grouped(range.lowerBound..<middle))+\(grouped(middle..<range.upperBound)))"
        }
        for leaves in [1, 2, 8, 32] {
            for ranks in 1...12 {
                let tree = LeafTree(leafCount: leaves, ranks: ranks)
                var values = tree.nodes.map { grouped($0.node.leaves) }
                for addition in tree.additions {
                    values[addition.left] = "(\(values[addition.left])+\(values[addition.right]))"
                }
                #expect(values[0] == grouped(0..<leaves))
            }
        }
    }

    @Test func accumulatorNeedsFewBuffers() {
        for (leaves, ranks) in [(1, 1), (8, 1), (16, 3), (64, 1), (64, 5)] {
            let tree = LeafTree(leafCount: leaves, ranks: ranks)
            for rank in 0..<ranks {
                let accumulator = TreeAccumulator(tree: tree, rank: rank, count: 1)
                for _ in 0..<2 {
                    accumulator.reset()
                    for leaf in accumulator.leaves {
                        accumulator.beginLeaf()[0] = Float(leaf)
                        accumulator.finishLeaf()
                    }
                }
                let own = accumulator.leaves.count
                // log2(own) + 1 where the part begins at a multiple of its size.
                let depth = own == 0 ? 0 : Int.bitWidth - own.leadingZeroBitCount
                let buffers = leaves % ranks == 0 ? depth : 2 * depth
                #expect(accumulator.allocatedBytes <= buffers * 4)
                #expect(
                    accumulator.canonicalBuffers.map { $0.pointee }
                        == tree.nodes(of: rank).map { Float($0.leaves.reduce(0, +)) })
            }
        }
    }

    @Test func leavesFoldInPieces() {
        let tree = LeafTree(leafCount: 8, ranks: 1)
        let accumulator = TreeAccumulator(tree: tree, rank: 0, count: 10_000)
        accumulator.reset()
        for leaf in 0..<8 {
            let buffer = accumulator.beginLeaf()
            for index in 0..<10_000 { buffer[index] = leafValue(leaf, index) }
            if leaf % 2 == 1 {
                accumulator.fold(6001..<10_000)
                accumulator.fold(0..<17)
                accumulator.fold(17..<6001)
            }
            accumulator.finishLeaf()
        }
        let sum = Array(accumulator.reduced)
        #expect(sum.map(\.bitPattern) == plainTreeSum(leaves: 8, count: 10_000).map(\.bitPattern))
    }

    @Test func additionOfElements() {
        for count in [0, 1, 15, 16, 17, 100] {
            let left = FloatBuffer(count: count + 1)
            let right = FloatBuffer(count: count + 1)
            for index in 0...count {
                left.base[index] = Float(index)
                right.base[index] = 0.5
            }
            addElements(left.base, right.base, into: left.base, count: count)
            #expect((0..<count).allSatisfy { left.base[$0] == Float($0) + 0.5 })
            #expect(left.base[count] == Float(count))
        }
    }
}

@Suite struct BucketLayoutTests {
    @Test func partsTileTheBuffer() {
        for count in [0, 1, 63, 64, 65, 1000, 4096] {
            for ranks in 1...9 {
                for bucketSize in [1, 64, 500, 10_000] {
                    let layout = BucketLayout(
                        count: count, ranks: ranks, bucketSize: bucketSize, blockSize: 64)
                    let parts = layout.buckets.indices.flatMap { bucket in
                        (0..<ranks).map { layout.part(bucket: bucket, rank: $0) }
                    }
                    #expect(parts.flatMap { Array($0) } == Array(0..<count))
                    #expect(
                        parts.allSatisfy {
                            $0.isEmpty
                                || $0.lowerBound % 64 == 0
                                    && ($0.upperBound % 64 == 0 || $0.upperBound == count)
                        })
                    let blocks = (0..<ranks).flatMap { layout.ownedBlocks(by: $0) }.sorted()
                    #expect(blocks == Array(0..<layout.blockCount))
                }
            }
        }
    }

    @Test func givenBoundaries() {
        let layout = BucketLayout(boundaries: [0, 128, 128, 300], ranks: 2, blockSize: 64)
        #expect(layout.buckets == [0..<128, 128..<300])
        #expect(layout.owned(by: 0) == [0..<64, 128..<192])
        #expect(layout.owned(by: 1) == [64..<128, 192..<300])
        #expect(layout.block(4) == 256..<300)
    }
}
