// Adds a rank's leaves up, one after another, in the order of the tree, with as few buffers as the
// tree allows: a binary counter. It knows no other rank; `Communicator.reduceScatter` takes the
// canonical nodes from here and adds the rest. Tables of which a step touches few rows are kept by rows
// beside the buffers: TreeAccumulator+Rows.swift.

import Glibc

/// The running sum of a rank's leaves: flat gradients of `count` elements.
///
/// Use, once a step: `reset()`; for each own leaf `beginLeaf()`, fill, `finishLeaf()`; then
/// `Communicator.reduceScatter`. A bucket whose gradient is complete in the last leaf may be folded
/// with `fold(_:)` and reduced while the rest is still being computed.
///
/// Memory, kept from step to step: log2(leaves of the rank) + 1 buffers where the number of ranks is a
/// power of two, at most twice as many elsewhere.
public final class TreeAccumulator: @unchecked Sendable {
    /// The tree it serves.
    public let tree: LeafTree
    /// The rank whose leaves it adds.
    public let rank: Int
    /// Elements of a leaf.
    public let count: Int

    /// Tables whose elements are kept by rows; the buffers hold nothing of use there.
    public let tables: [RowTable]

    /// What the buffers hold: all elements but those that are kept by rows.
    public let bufferedRanges: [Range<Int>]

    /// The sum of a subtree: a buffer, and the rows of each table.
    struct Sum {
        let buffer: FloatBuffer
        var rows: [RowSet]
        var node: LeafTree.Node
    }

    var stack: [Sum] = []
    private var free: [FloatBuffer] = []
    var freeRows: [RowSet] = []
    /// Used by the communication thread while it reduces rows.
    var writtenRows = WrittenRows()
    private var nextLeaf: Int
    private var folded = 0
    private(set) var isInLeaf = false
    private var openLeaves = 1
    private var resultBuffer: FloatBuffer?

    /// Makes an accumulator for one rank's part of a tree.
    ///
    /// - Parameter tables: Tables to keep by rows, in the order of the buffer.
    public init(tree: LeafTree, rank: Int, count: Int, tables: [RowTable] = []) {
        precondition(count >= 0, "a leaf of \(count) elements")
        self.tree = tree
        self.rank = rank
        self.count = count
        self.tables = tables
        bufferedRanges = Self.rest(of: count, without: tables.map(\.elements))
        nextLeaf = tree.leaves(of: rank).lowerBound
    }

    /// Leaves that this rank computes in a step.
    public var leaves: Range<Int> { tree.leaves(of: rank) }

    /// Bytes of its buffers.
    public var allocatedBytes: Int {
        let held = stack.count + free.count + (resultBuffer == nil ? 0 : 1)
        let rows = (stack.flatMap(\.rows) + freeRows).reduce(0) { $0 + $1.allocatedBytes }
        return held * count * MemoryLayout<Float>.stride + rows
    }

    /// Forgets the last step and keeps its memory.
    public func reset() {
        free += stack.map(\.buffer)
        freeRows += stack.flatMap(\.rows)
        stack.removeAll(keepingCapacity: true)
        nextLeaf = leaves.lowerBound
        isInLeaf = false
    }

    /// Opens the next leaf and returns its buffer, filled with zeros unless asked otherwise.
    public func beginLeaf(zeroed: Bool = true) -> UnsafeMutableBufferPointer<Float> {
        beginSubtree(level: 0, zeroed: zeroed).buffer
    }

    /// Opens the subtree of `2^level` leaves that begins with the next leaf, for a caller that adds
    /// the leaves of a subtree up by itself, in the tree's order; returns them and their buffer.
    public func beginSubtree(
        level: Int, zeroed: Bool = false
    ) -> (leaves: Range<Int>, buffer: UnsafeMutableBufferPointer<Float>) {
        let node = LeafTree.Node(level: level, index: nextLeaf >> level)
        precondition(!isInLeaf, "leaf \(nextLeaf) is not finished")
        precondition(
            node.leaves.lowerBound == nextLeaf && node.leaves.upperBound <= leaves.upperBound,
            "subtree \(node.leaves) at leaf \(nextLeaf); rank \(rank) has the leaves \(leaves)")
        let buffer = free.popLast() ?? FloatBuffer(count: count)
        if zeroed { memset(buffer.base, 0, count * MemoryLayout<Float>.stride) }
        stack.append(Sum(buffer: buffer, rows: tables.map { _ in emptyRows() }, node: node))
        isInLeaf = true
        openLeaves = node.leaves.count
        folded = 0
        return (node.leaves, UnsafeMutableBufferPointer(start: buffer.base, count: count))
    }

    /// Adds a finished range of the open leaf into the sums it completes.
    ///
    /// Each element once; threads may call it at a time for ranges that don't overlap, then
    /// `noteFolded` is theirs to call.
    public func fold(_ range: Range<Int>) {
        addUp(range)
        noteFolded(range.count)
    }

    /// Does the additions of `fold` without counting them: for use inside a parallel loop.
    public func addUp(_ range: Range<Int>) {
        precondition(isInLeaf, "no leaf is open")
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count)")
        let merges = mergesOfTopLeaf
        // Block by block, so that what one addition wrote is still in the cache for the next.
        for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.foldedBlock) {
            let elements = min(Self.foldedBlock, range.upperBound - start)
            for merge in 0..<merges {
                let right = stack[stack.count - 1 - merge].buffer.base + start
                let left = stack[stack.count - 2 - merge].buffer.base + start
                addElements(left, right, into: left, count: elements)
            }
        }
    }

    /// Elements that are added through all levels at a time: 16 KiB of each buffer.
    private static let foldedBlock = 4096

    /// Counts elements that were added by `addUp`.
    public func noteFolded(_ elements: Int) {
        folded += elements
        precondition(folded <= count, "\(folded) elements folded of a leaf of \(count)")
    }

    /// Closes the open leaf or subtree; folds its buffer whole if no part of it was folded before.
    public func finishLeaf() {
        precondition(isInLeaf, "no leaf is open")
        if folded == 0 { bufferedRanges.forEach(fold) }
        let buffered = bufferedRanges.reduce(0) { $0 + $1.count }
        precondition(
            folded == buffered, "\(folded) of \(buffered) elements of leaf \(nextLeaf) folded")
        for _ in 0..<mergesOfTopLeaf {
            let right = stack.removeLast()
            free.append(right.buffer)
            addRows(right.rows)
            stack[stack.count - 1].node = stack[stack.count - 1].node.parent
        }
        isInLeaf = false
        nextLeaf += openLeaves
    }

    /// The buffer where `reduceScatter` leaves this rank's parts of the sum.
    ///
    /// Valid until `reset`.
    public var reduced: UnsafeMutableBufferPointer<Float> {
        UnsafeMutableBufferPointer(start: resultBase, count: count)
    }

    /// How many sums the open leaf completes: the trailing ones of a binary counter, where the rank's
    /// part began early enough to hold their left sides.
    private var mergesOfTopLeaf: Int {
        guard var node = stack.last?.node else { return 0 }
        var merges = 0
        while stack.count - 2 - merges >= 0,
            stack[stack.count - 2 - merges].node
                .isLeftSibling(of: node)
        {
            node = node.parent
            merges += 1
        }
        return merges
    }

    /// The buffers of the canonical nodes, in leaf order.
    ///
    /// Also valid inside the last leaf, for what was folded of it.
    var canonicalBuffers: [UnsafeMutablePointer<Float>] {
        let lastStarted = isInLeaf ? nextLeaf + openLeaves : nextLeaf
        precondition(
            lastStarted == leaves.upperBound,
            "rank \(rank) reduces after \(lastStarted - leaves.lowerBound) of its leaves \(leaves)")
        let kept = stack.count - (isInLeaf ? mergesOfTopLeaf : 0)
        return stack.prefix(kept).map(\.buffer.base)
    }

    private var resultBase: UnsafeMutablePointer<Float> {
        // The first node's own part is read before the sum is written there, and no other rank
        // needs it: it can hold the result. A rank without leaves needs a buffer of its own.
        if let first = stack.first { return first.buffer.base }
        let buffer = resultBuffer ?? FloatBuffer(count: count)
        resultBuffer = buffer
        return buffer.base
    }
}
