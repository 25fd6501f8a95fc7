// Small sums: counts, losses, norms. Everybody gathers everybody's values and adds them in the same
// order, so all ranks have the same bits. Large sums are in Communicator+ReduceScatter.swift.

/// How values of different ranks are combined.
public enum ReductionOperator: Sendable {
    /// Their sum, added in rank order. Integer sums wrap around.
    case sum
    /// The least. NaN if any is NaN.
    case minimum
    /// The greatest. NaN if any is NaN.
    case maximum
}

extension Communicator {
    /// Combines each value over the ranks, in rank order.
    ///
    /// The same bits on all ranks, but a floating-point sum depends on how many there are; where that
    /// matters use `sumOfLeaves` or `sumInBlockOrder`.
    public func allReduce(_ values: [Double], _ operation: ReductionOperator) throws -> [Double] {
        try reduce(values) { left, right in
            switch operation {
            case .sum: left + right
            case .minimum: left.isNaN || right.isNaN ? .nan : min(left, right)
            case .maximum: left.isNaN || right.isNaN ? .nan : max(left, right)
            }
        }
    }

    /// Combines each value over the ranks.
    public func allReduce(_ values: [Int64], _ operation: ReductionOperator) throws -> [Int64] {
        try reduce(values) { left, right in
            switch operation {
            case .sum: left &+ right
            case .minimum: min(left, right)
            case .maximum: max(left, right)
            }
        }
    }

    /// Adds values of micro-batches in the order of the tree: the same bits at any rank count.
    ///
    /// `own[i]` are the values of this rank's leaf `tree.leaves(of: rank)[i]`, for example its loss
    /// and its count; each leaf of each rank has `width` of them.
    public func sumOfLeaves(_ own: [[Double]], width: Int, tree: LeafTree) throws -> [Double] {
        precondition(
            tree.ranks == size && own.count == tree.leaves(of: rank).count
                && own.allSatisfy { $0.count == width },
            "leaves with \(own.map(\.count)) values on rank \(rank) of \(size), width \(width)")
        let leaves = try allGather(own.flatMap { $0 }).flatMap { $0 }
        return (0..<width).map { place in
            tree.sum((0..<tree.leafCount).map { leaves[$0 * width + place] })
        }
    }

    /// Adds sums of blocks in the order of the blocks: the same bits at any rank count and bucket
    /// size.
    ///
    /// `own` holds one value for each of `layout.ownedBlocks(by: rank)`, for example its sum of
    /// squares for a gradient's norm.
    public func sumInBlockOrder(_ own: [Double], layout: BucketLayout) throws -> Double {
        let mine = layout.ownedBlocks(by: rank)
        precondition(
            layout.ranks == size && own.count == mine.count,
            "\(own.count) sums for \(mine.count) blocks on rank \(rank) of \(size)")
        var blocks = [Double](repeating: 0, count: layout.blockCount)
        for (other, values) in try allGather(own).enumerated() {
            for (block, value) in zip(layout.ownedBlocks(by: other), values) {
                blocks[block] = value
            }
        }
        return blocks.reduce(0, +)
    }

    private func reduce<Value: BitwiseCopyable & Sendable>(
        _ values: [Value], _ combine: (Value, Value) -> Value
    ) throws -> [Value] {
        let all = try gatherEqual(values, name: "all-reduce")
        return values.indices.map { index in
            all.dropFirst().reduce(all[0][index]) { combine($0, $1[index]) }
        }
    }

    /// All-gather of the same number of values from each rank, without asking for counts first.
    func gatherEqual<Value: BitwiseCopyable & Sendable>(
        _ own: [Value], name: String
    ) throws -> [[Value]] {
        guard size > 1 else {
            try checkFailure()
            return [own]
        }
        guard !own.isEmpty else {
            try barrier()
            return [[Value]](repeating: [], count: size)
        }
        var all: [[Value]] = []
        try collective(name) { [self] in
            var values = [Value]()
            values.reserveCapacity(size * own.count)
            for _ in 0..<size { values += own }
            try values.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                let width = bytes.count / size
                try runAllGather((0..<size).map { [(base + $0 * width, width)] })
            }
            all = (0..<size).map { Array(values[$0 * own.count..<($0 + 1) * own.count]) }
        }
        return all
    }
}
