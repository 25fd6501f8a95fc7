// Attention of every token to itself and what stands before it in its sequence, with rotary positions,
// grouped heads and maybe a window: what decoders train with.
//
// For each sequence and query head: O = softmax(mask(Q K^T / sqrt(K))) V. Rows of queries are worked on
// in blocks, against the keys that the block can see and no others; of the scores only each row's maximum
// and sum are kept, and the backward pass makes them again (Dao et al. 2022, arXiv 2205.14135).
//
// Shape legend: N tokens, T tokens of one sequence, H query heads, G key heads, K head width.

public import TensorCore

/// The heads of causal attention.
public struct CausalAttentionShape: Sendable {
    /// H, the count of query heads; a multiple of the key heads.
    public let heads: Int
    /// G, the count of heads of keys and values.
    public let keyHeads: Int
    /// K, the width of a head.
    public let headWidth: Int
    /// How many tokens one sees, itself included; nil for all before it.
    public let window: Int?

    /// Heads of one layer.
    public init(heads: Int, keyHeads: Int, headWidth: Int, window: Int?) {
        precondition(
            keyHeads > 0 && heads % keyHeads == 0, "\(heads) heads share \(keyHeads) key heads")
        self.heads = heads
        self.keyHeads = keyHeads
        self.headWidth = headWidth
        self.window = window
    }

    var queryWidth: Int { heads * headWidth }
    var keyWidth: Int { keyHeads * headWidth }
    var width: Int { queryWidth + 2 * keyWidth }

    /// The columns of a query head.
    func query(_ head: Int) -> Range<Int> { head * headWidth..<(head + 1) * headWidth }
    /// The columns of a head of keys.
    func key(_ head: Int) -> Range<Int> {
        queryWidth + head * headWidth..<queryWidth + (head + 1) * headWidth
    }
    /// The columns of a head of values.
    func value(_ head: Int) -> Range<Int> {
        let start = queryWidth + keyWidth + head * headWidth
        return start..<start + headWidth
    }
    /// The tokens of a sequence that the one at a position sees.
    func visible(_ position: Int) -> Range<Int> {
        max(0, position + 1 - (window ?? position + 1))..<position + 1
    }
}

/// What causal attention keeps for its backward pass.
struct CausalAttentionContext {
    let shape: CausalAttentionShape
    let rotary: RotaryTable
    /// `N x H`: the largest visible score of each row, and the sum of exponentials less it.
    let maximum: Matrix
    let sum: Matrix

    var scale: Float { 1 / Float(shape.headWidth).squareRoot() }
}

/// Some rows of one query head of one sequence, and the keys that they see.
private struct QueryBlock {
    let head: Int
    let keyHead: Int
    /// Rows of the batch.
    let queries: Range<Int>
    let keys: Range<Int>
    /// Position in its sequence of the first query, and of the first key.
    let position: Int
    let firstKey: Int
}

extension Tape {
    /// Rows of queries that are worked on at a time.
    private static let queryBlock = 64

    /// Causal attention over queries, keys and values side by side, `N x (H + 2G) K`, giving `N x H K`.
    ///
    /// The queries and keys of `projections` are turned by their positions in place: nothing but this may
    /// read its value. The table must hold all positions of the batch.
    public func causalAttention(
        projections: Variable, _ shape: CausalAttentionShape, rotary: RotaryTable
    ) -> Variable {
        let values = projections.value
        precondition(
            values.columns == shape.width,
            "\(values.columns) columns of queries, keys and values, not \(shape.width)")
        let context = CausalAttentionContext(
            shape: shape, rotary: rotary, maximum: arena.matrix(values.rows, shape.heads),
            sum: arena.matrix(values.rows, shape.heads))
        let output = fresh(rows: values.rows, columns: shape.queryWidth)
        compute.measured("attention") {
            rotate(values, context, backward: false)
            let serial = compute.serial
            forEachKeyHead(shape) { blocks, scratch in
                for block in blocks {
                    let scores = self.scores(block, values, context, scratch)
                    for row in 0..<scores.rows {
                        let seen = self.seen(row, of: scores, block, shape)
                        let (maximum, sum) = serial.softmax(seen, into: seen)
                        context.maximum[block.queries.lowerBound + row, block.head] = maximum
                        context.sum[block.queries.lowerBound + row, block.head] = sum
                    }
                    serial.gemm(
                        scores, values.rows(block.keys).columns(shape.value(block.keyHead)),
                        into: output.rows(block.queries).columns(shape.query(block.head)),
                        precision: precision, scratch: scratch.products)
                }
            }
        }
        return record(.causalAttention(projections, context), output, axis: .tokens)
    }

    /// With P the probabilities and dO the output's gradient: dV = P^T dO;  dP = dO V^T;
    /// dS = P (dP - rowsum(P dP)) / sqrt(K);  dQ = dS K;  dK = dS^T Q; the sums over the query heads that
    /// share a key head, and over blocks of queries, in ascending order.
    func differentiateCausalAttention(
        _ projections: Variable, _ context: CausalAttentionContext, _ dOutput: Matrix
    ) {
        let values = value(of: projections)
        accumulate(
            into: projections,
            writing: { gradient in
                let (serial, shape, scale) = (compute.serial, context.shape, context.scale)
                gradient.columns(shape.queryWidth..<shape.width).fill(0)
                forEachKeyHead(shape) { blocks, scratch in
                    for block in blocks {
                        let dO = dOutput.rows(block.queries).columns(shape.query(block.head))
                        let (key, value) = (shape.key(block.keyHead), shape.value(block.keyHead))
                        let probabilities = self.scores(block, values, context, scratch)
                        for row in 0..<probabilities.rows {
                            let seen = self.seen(row, of: probabilities, block, shape)
                            let place = block.queries.lowerBound + row
                            serial.exp(seen, shift: context.maximum[place, block.head], into: seen)
                            serial.scale(1 / context.sum[place, block.head], seen, into: seen)
                        }
                        serial.gemm(
                            probabilities, transposed: true, dO,
                            into: gradient.rows(block.keys).columns(value), accumulate: true,
                            precision: precision, scratch: scratch.products)
                        let dScores = scratch.block(1, probabilities.rows, probabilities.columns)
                        serial.gemm(
                            dO, transposed: false, values.rows(block.keys).columns(value),
                            transposed: true, into: dScores, precision: precision,
                            scratch: scratch.products)
                        for row in 0..<dScores.rows {
                            serial.softmaxBackward(
                                probabilities.row(row), dScores.row(row), into: dScores.row(row))
                        }
                        serial.gemm(
                            dScores, values.rows(block.keys).columns(key),
                            into: gradient.rows(block.queries).columns(shape.query(block.head)),
                            scale: scale, precision: precision, scratch: scratch.products)
                        serial.gemm(
                            dScores, transposed: true,
                            values.rows(block.queries).columns(shape.query(block.head)),
                            into: gradient.rows(block.keys).columns(key), accumulate: true,
                            scale: scale, precision: precision, scratch: scratch.products)
                    }
                }
                rotate(gradient, context, backward: true)
            })
    }

    /// The scores of a block's queries by the keys that any of them sees.
    private func scores(
        _ block: QueryBlock, _ values: Matrix, _ context: CausalAttentionContext,
        _ scratch: AttentionScratch
    ) -> Matrix {
        let shape = context.shape
        let scores = scratch.block(0, block.queries.count, block.keys.count)
        compute.serial.gemm(
            values.rows(block.queries).columns(shape.query(block.head)), transposed: false,
            values.rows(block.keys).columns(shape.key(block.keyHead)), transposed: true,
            into: scores, scale: context.scale, precision: precision, scratch: scratch.products)
        return scores
    }

    /// The part of a row of scores that its token sees; the rest of the row becomes zero.
    private func seen(
        _ row: Int, of scores: Matrix, _ block: QueryBlock, _ shape: CausalAttentionShape
    ) -> Matrix {
        let visible = shape.visible(block.position + row)
        let columns =
            visible.lowerBound - block.firstKey..<visible.upperBound - block.firstKey
        let line = scores.row(row)
        line.columns(0..<columns.lowerBound).fill(0)
        line.columns(columns.upperBound..<scores.columns).fill(0)
        return line.columns(columns)
    }

    /// Turns queries and keys by the position of their row.
    private func rotate(_ rows: Matrix, _ context: CausalAttentionContext, backward: Bool) {
        let turned = 0..<context.shape.queryWidth + context.shape.keyWidth
        let (serial, positions) = (compute.serial, layout.positionOfToken)
        compute.parallelFor(rows.rows, grain: 32) { range in
            for row in range {
                serial.rotate(
                    rows.row(row).columns(turned), position: Int(positions[row]), context.rotary,
                    backward: backward)
            }
        }
    }

    /// Runs a body for every sequence and key head, on all threads, with the blocks of all query heads
    /// that share it.
    private func forEachKeyHead(
        _ shape: CausalAttentionShape, _ body: ([QueryBlock], AttentionScratch) -> Void
    ) {
        let pool = memory.scratch
        let group = shape.heads / shape.keyHeads
        compute.parallelFor(layout.sequenceCount * shape.keyHeads) { items in
            let scratch = pool.take()
            for item in items {
                let (sequence, keyHead) = item.quotientAndRemainder(dividingBy: shape.keyHeads)
                let start = layout.sequenceOffsets[sequence]
                let length = layout.sequenceOffsets[sequence + 1] - start
                var blocks: [QueryBlock] = []
                for head in keyHead * group..<(keyHead + 1) * group {
                    for position in stride(from: 0, to: length, by: Self.queryBlock) {
                        let end = min(length, position + Self.queryBlock)
                        let firstKey = shape.visible(position).lowerBound
                        blocks.append(
                            QueryBlock(
                                head: head, keyHead: keyHead,
                                queries: start + position..<start + end,
                                keys: start + firstKey..<start + end, position: position,
                                firstKey: firstKey))
                    }
                }
                body(blocks, scratch)
            }
            pool.give(scratch)
        }
    }
}
