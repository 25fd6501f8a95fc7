// The sum of a step's gradient over the ranks: each rank gets its part of each bucket, added in the
// order of the tree. See docs/decisions/0002-direct-tree-reduce-scatter.md for the ways rejected.
//
// Of each of its canonical nodes a rank sends every peer the slice which that peer owns: each byte
// crosses once, straight to where it is added, as in the best reduce-scatter algorithms. Slices go in
// chunks that fit a core's cache: while chunk c is added, chunk c + 1 arrives.

import Glibc

extension Communicator {
    /// Adds one bucket of all leaves of all ranks; this rank's part of the sum ends in
    /// `accumulator.reduced`, at its place in the flat buffer.
    ///
    /// The accumulator's sums are used up for the bucket. With two buckets in flight the second
    /// begins when the first is over.
    public func reduceScatter(
        _ accumulator: TreeAccumulator, layout: BucketLayout, bucket: Int
    ) throws {
        try startReduceScatter(accumulator, layout: layout, bucket: bucket).wait()
    }

    /// Adds all buckets of an accumulator without tables, one after another.
    public func reduceScatter(_ accumulator: TreeAccumulator, layout: BucketLayout) throws {
        let pending = layout.buckets.indices.map {
            startReduceScatter(accumulator, layout: layout, bucket: $0)
        }
        for operation in pending { try operation.wait() }
    }

    /// Begins to add one bucket and returns; the bucket must have been folded in the last leaf.
    ///
    /// Buckets are started in the same order on all ranks.
    public func startReduceScatter(
        _ accumulator: TreeAccumulator, layout: BucketLayout, bucket: Int
    ) -> PendingOperation {
        check(accumulator, layout)
        let nodes = accumulator.canonicalBuffers
        let result = accumulator.reduced
        let reduction = BucketReduction(
            tree: accumulator.tree, layout: layout, bucket: bucket, nodes: nodes,
            result: result.baseAddress)
        return startCollective("reduce-scatter of bucket \(bucket)") { [self] in
            // An error may unwind the caller's stack while this runs: the buffers stay until then.
            try withExtendedLifetime(accumulator) { try run(reduction) }
        }
    }

    func check(_ accumulator: TreeAccumulator, _ layout: BucketLayout) {
        precondition(
            accumulator.rank == rank && accumulator.tree.ranks == size && layout.ranks == size
                && layout.count == accumulator.count,
            "a tree for rank \(accumulator.rank) of \(accumulator.tree.ranks) and \(layout.count)"
                + " elements, on rank \(rank) of \(size) with \(accumulator.count)")
    }

    /// Adds one bucket; on the communication thread.
    func run(_ reduction: BucketReduction) throws {
        guard let result = reduction.result else { return }
        let part = reduction.layout.part(bucket: reduction.bucket, rank: rank)
        let chunk = reduction.chunk
        let staged = staging.floats(2 * reduction.remoteCount(on: rank) * chunk)
        var arrivals: [(any MessageBatch)?] = [nil, nil]
        var departures: [any MessageBatch] = []
        let chunks = (reduction.longestPart + chunk - 1) / chunk
        // Once round c is reached, chunk c + 1 has been asked for and sent on its way. A rank can be
        // one chunk ahead of its peers, no more, so what is in flight stays bounded.
        func begin(_ index: Int) throws {
            guard index < chunks else { return }
            arrivals[index & 1] = try start(
                reduction.arrivals(chunk: index, staged: staged, rank: rank))
            departures.append(
                try start(reduction.departures(chunk: index, rank: rank, peers: peers)))
        }
        try begin(0)
        for index in 0..<chunks {
            try begin(index + 1)
            if let batch = arrivals[index & 1] { try endpoint.finish(batch) }
            if departures.count > 4 { try endpoint.finish(departures.removeFirst()) }
            let range = reduction.range(ofChunk: index, in: part)
            guard !range.isEmpty else { continue }
            var values = reduction.values(chunk: index, staged: staged, rank: rank)
            reduction.addUp(&values, into: result + range.lowerBound, count: range.count)
        }
        for batch in departures { try endpoint.finish(batch) }
    }
}

/// The plan of one bucket's reduction: who sends which slice of which node in which chunk.
struct BucketReduction {
    let tree: LeafTree
    let layout: BucketLayout
    let bucket: Int
    /// This rank's canonical nodes.
    let nodes: [UnsafeMutablePointer<Float>]
    let result: UnsafeMutablePointer<Float>?

    /// Floats of a chunk.
    ///
    /// Its nodes together should stay in a second-level cache while they are added; every rank
    /// computes the same size.
    var chunk: Int {
        let perNode = (2 << 20) / MemoryLayout<Float>.stride / tree.nodes.count
        return min(256 << 10, max(4 << 10, perNode / 1024 * 1024))
    }

    var longestPart: Int {
        (0..<layout.ranks).map { layout.part(bucket: bucket, rank: $0).count }.max() ?? 0
    }

    func remoteCount(on rank: Int) -> Int {
        tree.nodes.count { $0.rank != rank }
    }

    /// Elements of a part that a chunk holds; empty past its end.
    func range(ofChunk index: Int, in part: Range<Int>) -> Range<Int> {
        let start = min(part.lowerBound + index * chunk, part.upperBound)
        return start..<min(start + chunk, part.upperBound)
    }

    func arrivals(chunk index: Int, staged: UnsafeMutablePointer<Float>, rank: Int) -> [Message] {
        let range = range(ofChunk: index, in: layout.part(bucket: bucket, rank: rank))
        guard !range.isEmpty else { return [] }
        return zip(tree.nodes, values(chunk: index, staged: staged, rank: rank))
            .filter { $0.0.rank != rank }
            .map { entry, value in
                .receive(value, bytes: range.count * MemoryLayout<Float>.stride, from: entry.rank)
            }
    }

    func departures(chunk index: Int, rank: Int, peers: [Int]) -> [Message] {
        peers.flatMap { peer -> [Message] in
            let range = range(ofChunk: index, in: layout.part(bucket: bucket, rank: peer))
            guard !range.isEmpty else { return [] }
            return nodes.map { node in
                .send(
                    node + range.lowerBound, bytes: range.count * MemoryLayout<Float>.stride,
                    to: peer)
            }
        }
    }

    /// Where the values of all nodes of the tree are for a chunk of this rank's part: its own in
    /// place, those of others staged, in two sets that take turns.
    func values(chunk index: Int, staged: UnsafeMutablePointer<Float>, rank: Int)
        -> [UnsafeMutablePointer<Float>]
    {
        let start = range(ofChunk: index, in: layout.part(bucket: bucket, rank: rank)).lowerBound
        let set = staged + (index & 1) * remoteCount(on: rank) * chunk
        var own = 0
        var remote = 0
        return tree.nodes.map { entry in
            if entry.rank == rank {
                own += 1
                return nodes[own - 1] + start
            }
            remote += 1
            return set + (remote - 1) * chunk
        }
    }

    /// Adds the values up in the tree's order.
    func addUp(
        _ values: inout [UnsafeMutablePointer<Float>], into sum: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        guard let last = tree.additions.last else {
            if values[0] != sum { memcpy(sum, values[0], count * MemoryLayout<Float>.stride) }
            return
        }
        for addition in tree.additions.dropLast() {
            addElements(
                values[addition.left], values[addition.right], into: values[addition.left],
                count: count)
        }
        addElements(values[last.left], values[last.right], into: sum, count: count)
    }
}
