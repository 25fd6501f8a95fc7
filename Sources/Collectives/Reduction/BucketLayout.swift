// How a flat buffer (gradients, parameters, moments) is cut: into buckets, which are communicated one
// after another, and each bucket into one part a rank, which that rank reduces and updates (ZeRO-1).
// All cuts fall on multiples of a fixed block, so that sums made block by block don't depend on the
// number of ranks or the size of the buckets.

/// The cut of a flat buffer into buckets, and of each bucket into the ranks' parts.
public struct BucketLayout: Sendable, Equatable {
    /// Elements of the buffer.
    public let count: Int
    /// Ranks that share it.
    public let ranks: Int
    /// Elements of a block: no cut falls inside one.
    public let blockSize: Int
    /// The buckets, in the order of the buffer.
    public let buckets: [Range<Int>]

    /// Cuts `count` elements into buckets of about `bucketSize` (4 Mi elements are 16 MiB).
    ///
    /// Cutting each bucket, and not the whole buffer, into the ranks' parts lets every rank take part
    /// in every bucket: the network is used evenly while the backward pass is still running.
    ///
    /// - Parameter apart: Ranges whose buckets hold nothing else (tables kept by rows, say): whole
    ///   blocks, rising.
    public init(
        count: Int, ranks: Int, bucketSize: Int = 4 << 20, blockSize: Int = 1024,
        apart: [Range<Int>] = []
    ) {
        precondition(
            count >= 0 && ranks > 0 && bucketSize > 0 && blockSize > 0,
            "count \(count), ranks \(ranks), bucket \(bucketSize), block \(blockSize)")
        let step = max(1, bucketSize / blockSize) * blockSize
        let edges = [0] + apart.flatMap { [$0.lowerBound, $0.upperBound] } + [count]
        let starts = zip(edges, edges.dropFirst()).flatMap { stride(from: $0, to: $1, by: step) }
        self.init(boundaries: Array(starts) + [count], ranks: ranks, blockSize: blockSize)
    }

    /// Cuts at given places: rising multiples of the block size from 0, then the count.
    public init(boundaries: [Int], ranks: Int, blockSize: Int = 1024) {
        precondition(
            boundaries.first == 0 && ranks > 0 && blockSize > 0
                && zip(boundaries, boundaries.dropFirst()).allSatisfy { $0 <= $1 }
                && boundaries.dropLast().allSatisfy { $0 % blockSize == 0 },
            "bucket boundaries \(boundaries) for blocks of \(blockSize)")
        count = boundaries.last ?? 0
        self.ranks = ranks
        self.blockSize = blockSize
        buckets = zip(boundaries, boundaries.dropFirst()).filter { $0 < $1 }.map { $0..<$1 }
    }

    /// The part of a bucket that a rank reduces and updates; maybe empty.
    public func part(bucket: Int, rank: Int) -> Range<Int> {
        precondition(rank >= 0 && rank < ranks, "rank \(rank) of \(ranks)")
        let range = buckets[bucket]
        let blocks = (range.count + blockSize - 1) / blockSize
        let start = range.lowerBound + rank * blocks / ranks * blockSize
        let end = range.lowerBound + (rank + 1) * blocks / ranks * blockSize
        return min(start, range.upperBound)..<min(end, range.upperBound)
    }

    /// All that a rank reduces and updates: one range a bucket, empty ones left out.
    public func owned(by rank: Int) -> [Range<Int>] {
        buckets.indices.map { part(bucket: $0, rank: rank) }.filter { !$0.isEmpty }
    }

    /// Blocks of the whole buffer.
    public var blockCount: Int { (count + blockSize - 1) / blockSize }

    /// The elements of a block.
    public func block(_ index: Int) -> Range<Int> {
        index * blockSize..<min((index + 1) * blockSize, count)
    }

    /// The blocks that a rank owns, rising.
    public func ownedBlocks(by rank: Int) -> [Int] {
        owned(by: rank).flatMap { range in
            range.lowerBound / blockSize..<(range.upperBound + blockSize - 1) / blockSize
        }
    }
}
