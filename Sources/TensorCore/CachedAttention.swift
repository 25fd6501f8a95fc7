// Attention of a few new tokens of one sequence to what a `KeyValueCache` holds, for one key head and the
// query heads that share it (grouped-query attention: Ainslie et al. 2023, arXiv 2305.13245).
//
// Definition: a score is one chain over K; a softmax is that of the row's visible tokens alone; a
// weighted sum of values is one chain a page, pages in ascending order. So a token's result depends on
// its sequence and position and on nothing else: not on the pass, its neighbours or the threads.
//
// Shape legend: R tokens, G query heads that share a key head, K head width.

internal import Kernels

/// What some tokens of one sequence attend to, and with which heads.
public struct CachedAttentionHead {
    let cache: KeyValueCache
    let shape: KeyValueShape
    let layer: Int
    let head: Int
    let firstPosition: Int
    let window: Int?
    let scale: Float

    /// - Parameters:
    ///   - cache: The sequence's keys and values, those of the attending tokens included.
    ///   - pool: Where the cache has its pages from.
    ///   - layer: The layer.
    ///   - head: The key head.
    ///   - firstPosition: Position of the first of the attending tokens; the others follow.
    ///   - window: How many tokens one sees, itself included; nil for all before it.
    ///   - scale: Factor on the scores, as a rule 1 / sqrt(K).
    public init(
        cache: KeyValueCache, pool: KeyValuePool, layer: Int, head: Int, firstPosition: Int,
        window: Int?, scale: Float
    ) {
        self.cache = cache
        shape = pool.shape
        self.layer = layer
        self.head = head
        self.firstPosition = firstPosition
        self.window = window
        self.scale = scale
    }

    /// The tokens that the one at a position sees.
    fileprivate func visible(_ position: Int) -> Range<Int> {
        max(0, position + 1 - (window ?? position + 1))..<position + 1
    }

    fileprivate func panels(_ page: Int) -> UnsafeMutablePointer<Float> {
        cache.pages[page].floats + shape.offset(layer: layer, head: head)
    }
}

extension SerialKernels {
    /// O = softmax(scale Q K^T) V for each of the query heads of one key head.
    ///
    /// - Parameters:
    ///   - queries: `R x G K`, the query heads side by side.
    ///   - head: What they attend to.
    ///   - output: `R x G K`; it may not overlap the queries.
    ///   - scratch: Memory of this thread.
    public func cachedAttention(
        _ queries: Matrix, _ head: CachedAttentionHead, into output: Matrix,
        scratch: GEMMScratch
    ) {
        queries.checkShape(output, "cachedAttention")
        let width = head.shape.headWidth
        precondition(
            queries.columns % width == 0
                && head.firstPosition + queries.rows <= head.cache.count,
            "cachedAttention: \(queries.rows) x \(queries.columns) queries from position "
                + "\(head.firstPosition) of \(head.cache.count)")
        guard queries.count > 0 else { return }
        let group = queries.columns / width
        if queries.rows == 1 {
            attend(
                queries.reshaped(rows: group, columns: width), head, sameToken: true,
                into: output.reshaped(rows: group, columns: width), scratch)
        } else {
            for index in 0..<group {
                let columns = index * width..<(index + 1) * width
                attend(
                    queries.columns(columns), head, sameToken: false,
                    into: output.columns(columns), scratch)
            }
        }
    }

    /// One row a token of one query head, or one row a query head of one token.
    private func attend(
        _ queries: Matrix, _ head: CachedAttentionHead, sameToken: Bool, into output: Matrix,
        _ scratch: GEMMScratch
    ) {
        let table = kernels.pointee
        let (shape, page) = (head.shape, KeyValuePage.tokens)
        let (rows, width, tile) = (queries.rows, shape.headWidth, shape.tile)
        let end = head.firstPosition + (sameToken ? 1 : rows)
        let firstPage = head.visible(head.firstPosition).lowerBound / page
        let lastPage = (end - 1) / page
        let start = firstPage * page
        let span = end - start
        let left = scratch.left.floats(rows * max(width, page) + table.lanes)
        let scores = scratch.right.floats(rows * span)
        let edge = scratch.tile(kernels)

        table.pack_a(queries.base, queries.stride, rows, width, left)
        for index in firstPage...lastPage {
            let columns = min(end, (index + 1) * page) - index * page
            table.gemm_block(
                left, head.panels(index), rows, columns, width,
                scores + (index - firstPage) * page, span, 0, nil, head.scale, edge)
        }
        var (maximum, sum): (Float, Float) = (0, 0)
        for row in 0..<rows {
            let visible = head.visible(head.firstPosition + (sameToken ? 0 : row))
            let line = scores + row * span
            line.update(repeating: 0, count: visible.lowerBound - start)
            let seen = line + (visible.lowerBound - start)
            table.softmax(seen, seen, visible.count, &maximum, &sum)
            (seen + visible.count).update(repeating: 0, count: end - visible.upperBound)
        }
        for index in firstPage...lastPage {
            let depth = min(end, (index + 1) * page) - index * page
            table.pack_a(scores + (index - firstPage) * page, span, rows, depth, left)
            let values = head.panels(index) + shape.keyCount
            for column in stride(from: 0, to: width, by: tile) {
                table.gemm_block(
                    left, values + column * page, rows, min(tile, width - column), depth,
                    output.base + column, output.stride, index == firstPage ? 0 : 1, nil, 1, edge)
            }
        }
    }
}

/// Neighbouring tokens of one sequence in a pass.
public struct CachedAttentionJob {
    /// The sequence's keys and values.
    public let cache: KeyValueCache
    /// Position of the first token.
    public let firstPosition: Int
    /// The tokens' rows in the pass.
    public let rows: Range<Int>

    /// - Parameters:
    ///   - cache: The sequence's keys and values, those of these tokens included.
    ///   - firstPosition: Position of the first token.
    ///   - rows: The tokens' rows in the pass.
    public init(cache: KeyValueCache, firstPosition: Int, rows: Range<Int>) {
        self.cache = cache
        self.firstPosition = firstPosition
        self.rows = rows
    }
}

extension Compute {
    /// Tokens whose scores are worked on at a time: enough to use the panels of keys well, few enough
    /// that their scores stay in the cache.
    private static let tokenBlock = 32

    /// Attention of the tokens of a pass, all heads of one layer, on all threads.
    ///
    /// - Parameters:
    ///   - jobs: Which rows belong to which sequence.
    ///   - queries: `N x H K`, the heads side by side.
    ///   - pool: Where the caches have their pages from.
    ///   - layer: The layer.
    ///   - window: How many tokens one sees, itself included; nil for all before it.
    ///   - scale: Factor on the scores, as a rule 1 / sqrt(K).
    ///   - output: `N x H K`; rows of no job stay as they are.
    public func cachedAttention(
        _ jobs: [CachedAttentionJob], queries: Matrix, pool: KeyValuePool, layer: Int,
        window: Int?, scale: Float, into output: Matrix
    ) {
        let heads = pool.shape.heads
        precondition(
            queries.columns % (heads * pool.shape.headWidth) == 0,
            "cachedAttention: \(queries.columns) columns of queries for \(heads) key heads")
        let width = queries.columns / heads
        var blocks: [(job: Int, rows: Range<Int>)] = []
        for (index, job) in jobs.enumerated() {
            for start in stride(
                from: job.rows.lowerBound, to: job.rows.upperBound, by: Self.tokenBlock)
            {
                blocks.append((index, start..<min(job.rows.upperBound, start + Self.tokenBlock)))
            }
        }
        parallelFor(blocks.count * heads) { items in
            for item in items {
                let (block, head) = item.quotientAndRemainder(dividingBy: heads)
                let (index, rows) = blocks[block]
                let job = jobs[index]
                let columns = head * width..<(head + 1) * width
                serial.cachedAttention(
                    queries.rows(rows).columns(columns),
                    CachedAttentionHead(
                        cache: job.cache, pool: pool, layer: layer, head: head,
                        firstPosition: job.firstPosition + rows.lowerBound - job.rows.lowerBound,
                        window: window, scale: scale),
                    into: output.rows(rows).columns(columns), scratch: scratchOfThread)
            }
        }
    }
}
