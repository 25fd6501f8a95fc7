// The sum of a table's gradient over the ranks, by its rows: each rank gets the sums of its parts, added
// in the order of the tree, as in Communicator+ReduceScatter.swift; but only rows that somebody touched
// cross, and only they are added.
//
// Where that would move more bytes than the whole table the rows are written to the buffers, and the
// table's buckets are reduced as all others. All ranks see all counts first, so all decide alike.

import Glibc

extension Communicator {
    /// Begins to add the rows of one table, after the accumulator's last leaf, and returns.
    ///
    /// This rank's parts of the sum end in `accumulator.reduced`, with zeros between the rows. The
    /// accumulator's rows are used up. A collective: all ranks begin it at the same place, those
    /// without leaves as well.
    ///
    /// - Parameter table: Place in `accumulator.tables`.
    public func startReduceRows(
        _ accumulator: TreeAccumulator, layout: BucketLayout, table: Int
    ) -> PendingOperation {
        check(accumulator, layout)
        let buffers = accumulator.canonicalBuffers
        let result = accumulator.reduced.baseAddress
        let reduction = RowReduction(
            tree: accumulator.tree, layout: layout, table: accumulator.tables[table], rank: rank,
            own: accumulator.canonicalRows(ofTable: table))
        return startCollective("reduce-scatter of rows of table \(table)") { [self] in
            guard let result else { return }
            var counts = reduction.ownCounts
            try gather(&counts, reduction)
            // An error may unwind the caller's stack while this runs: the memory stays until then.
            try withExtendedLifetime(accumulator) {
                if reduction.favoursRows(counts) {
                    try reduceRows(reduction, counts, accumulator, table, into: result)
                } else {
                    for buffer in buffers + [result] {
                        accumulator.writtenRows.forget(buffer, table: table)
                    }
                    reduction.writeRows(to: buffers)
                    try reduceBuckets(reduction, buffers, into: result)
                }
            }
        }
    }

    // MARK: On the communication thread

    /// Puts the ranks' counts together.
    private func gather(_ counts: inout [RowCount], _ reduction: RowReduction) throws {
        guard size > 1 else { return }
        try counts.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let blocks = (0..<size).map { other in
                let range = reduction.countRange(of: other)
                let width = MemoryLayout<RowCount>.stride
                return [(base: base + range.lowerBound * width, bytes: range.count * width)]
            }
            try runAllGather(blocks)
        }
    }

    private func reduceRows(
        _ reduction: RowReduction, _ counts: [RowCount], _ accumulator: TreeAccumulator,
        _ table: Int, into result: UnsafeMutablePointer<Float>
    ) throws {
        let staged = staging.rowSets(
            reduction.remoteRows(counts), width: reduction.table.width)
        let runs = reduction.runs(counts, staged: staged)
        let batch = try start(
            reduction.arrivals(runs) + peers.flatMap { reduction.departures(to: $0) })
        let parts = reduction.buckets.map { reduction.layout.part(bucket: $0, rank: rank) }
        var written = accumulator.writtenRows.clear(
            result, table: table, parts: parts, layout: reduction.layout)
        try endpoint.finish(batch)
        var sum = RowSum(table: reduction.table, additions: reduction.tree.additions)
        for (place, part) in parts.enumerated() {
            sum.addUp(runs.map { $0[place] }, in: part, into: result) { written.append($0) }
        }
        accumulator.writtenRows.note(written, in: result, table: table)
    }

    private func reduceBuckets(
        _ reduction: RowReduction, _ buffers: [UnsafeMutablePointer<Float>],
        into result: UnsafeMutablePointer<Float>
    ) throws {
        for bucket in reduction.buckets.reversed() {
            try run(
                BucketReduction(
                    tree: reduction.tree, layout: reduction.layout, bucket: bucket,
                    nodes: buffers, result: result))
        }
    }
}
