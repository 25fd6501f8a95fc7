// The fixed binary tree in which a step's gradient is summed. It is a plan over indices; the buffers
// are TreeAccumulator's.
//
// A step's gradient is the sum of V leaves (micro-batches), V a power of two. Floating-point sums
// depend on their grouping, so the grouping is fixed: ((0+1)+(2+3))+((4+5)+(6+7)) for V = 8, whoever
// computes which leaf. A rank owns consecutive leaves, adds up every subtree that lies wholly in its
// part, and sends only the largest of them, its *canonical nodes*; the rest of the tree is added
// where the result is wanted. So the bits don't depend on the number of ranks.

/// The tree over a step's leaves, and which rank computes which of them.
public struct LeafTree: Sendable, Equatable {
    /// A subtree: the leaves `index << level ..< (index + 1) << level`.
    public struct Node: Sendable, Equatable {
        /// Height: 0 for a leaf.
        public let level: Int
        /// Position among the nodes of its level.
        public let index: Int

        /// The leaves under it.
        public var leaves: Range<Int> { index << level..<(index + 1) << level }

        /// Whether the node at its right, of the same level, has the same parent.
        func isLeftSibling(of other: Node) -> Bool {
            level == other.level && index & 1 == 0 && other.index == index + 1
        }

        /// The node above.
        var parent: Node { Node(level: level + 1, index: index >> 1) }
    }

    /// One addition of the last part of the sum: node values by their place in `nodes`.
    struct Addition: Equatable {
        let left: Int
        let right: Int
    }

    /// Leaves of a step: a power of two.
    public let leafCount: Int

    /// Ranks that share them.
    public let ranks: Int

    /// The canonical nodes of all ranks in leaf order, with the rank that has each.
    let nodes: [(rank: Int, node: Node)]

    /// What turns the values of `nodes` into the sum: each addition leaves its result at `left`, and
    /// the last one leaves the sum at 0.
    let additions: [Addition]

    /// Plans a tree.
    ///
    /// The number of leaves is a power of two; ranks may be more than leaves.
    public init(leafCount: Int, ranks: Int) {
        precondition(
            leafCount > 0 && leafCount & (leafCount - 1) == 0,
            "the number of micro-batches is a power of two, not \(leafCount)")
        precondition(ranks > 0, "a tree needs ranks, not \(ranks)")
        self.leafCount = leafCount
        self.ranks = ranks
        nodes = (0..<ranks).flatMap { rank in
            Self.canonicalNodes(of: Self.part(rank, of: ranks, leafCount: leafCount))
                .map { (rank, $0) }
        }
        additions = Self.additions(over: nodes.map(\.node))
    }

    /// The leaves that a rank computes; they are consecutive, and none where ranks outnumber leaves.
    public func leaves(of rank: Int) -> Range<Int> {
        precondition(rank >= 0 && rank < ranks, "rank \(rank) of \(ranks)")
        return Self.part(rank, of: ranks, leafCount: leafCount)
    }

    /// The largest subtrees that lie wholly in a rank's part, in leaf order.
    public func nodes(of rank: Int) -> [Node] {
        Self.canonicalNodes(of: leaves(of: rank))
    }

    /// Whether two plans are the same.
    public static func == (left: LeafTree, right: LeafTree) -> Bool {
        left.leafCount == right.leafCount && left.ranks == right.ranks
    }

    /// Adds up one value a leaf in the tree's order: the plain form of what the ranks do together.
    public func sum(_ leaves: [Double]) -> Double {
        precondition(leaves.count == leafCount, "\(leaves.count) values for \(leafCount) leaves")
        var level = leaves
        while level.count > 1 {
            level = (0..<level.count / 2).map { level[2 * $0] + level[2 * $0 + 1] }
        }
        return level[0]
    }

    private static func part(_ rank: Int, of ranks: Int, leafCount: Int) -> Range<Int> {
        rank * leafCount / ranks..<(rank + 1) * leafCount / ranks
    }

    /// Splits a range of leaves greedily into the largest aligned subtrees.
    static func canonicalNodes(of range: Range<Int>) -> [Node] {
        var found: [Node] = []
        var start = range.lowerBound
        while start < range.upperBound {
            var level = 0
            while start & ((2 << level) - 1) == 0, start + (2 << level) <= range.upperBound {
                level += 1
            }
            found.append(Node(level: level, index: start >> level))
            start += 1 << level
        }
        return found
    }

    private static func additions(over nodes: [Node]) -> [Addition] {
        var stack: [(place: Int, node: Node)] = []
        var found: [Addition] = []
        for (place, node) in nodes.enumerated() {
            var (place, node) = (place, node)
            while let last = stack.last, last.node.isLeftSibling(of: node) {
                found.append(Addition(left: last.place, right: place))
                (place, node) = (last.place, node.parent)
                stack.removeLast()
            }
            stack.append((place, node))
        }
        return found
    }
}
