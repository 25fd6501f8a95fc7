// Softmax attention inside the sequences of a packed batch.
//
// For each sequence and head: O = dropout(softmax(Q K^T / sqrt(K))) V. The score matrix of one
// (sequence, head) lives in scratch memory of the thread that works on it; only each row's maximum
// and sum of exponentials are kept, and the backward pass computes the probabilities again from them
// (Dao et al. 2022, arXiv 2205.14135, gives the algebra). So memory grows with N, not with T squared.
//
// Shape legend: N tokens, T tokens of one sequence, H heads, K head width, D = H K.

import Synchronization
import TensorCore

/// What attention keeps for its backward pass.
struct AttentionContext {
    let heads: Int
    /// Factor on the scores, 1 / sqrt(K).
    let scale: Float
    /// `N x H`: the largest score of each row.
    let maximum: Matrix
    /// `N x H`: the sum of the exponentials of a row's scores less their maximum.
    ///
    /// Kept apart from it: in one number, the logarithm of the whole, large scores would drown it.
    let sum: Matrix
    /// Dropout on the probabilities, nil for none.
    let dropout: DropoutSite?
}

extension Tape {
    /// Attention of every token to all tokens of its own sequence; all are `N x D`.
    ///
    /// - Parameters:
    ///   - query: Queries, the heads side by side.
    ///   - key: Keys.
    ///   - value: Values.
    ///   - heads: The count of heads; it divides the width.
    ///   - dropout: Dropout on the attention probabilities.
    public func attention(
        query: Variable, key: Variable, value: Variable, heads: Int, dropout: DropoutSite?
    ) -> Variable {
        let width = query.value.columns
        precondition(width % heads == 0, "width \(width) isn't a multiple of \(heads) heads")
        // The three gradients are written side by side, each into a matrix of its own.
        precondition(
            query.index != key.index && key.index != value.index && query.index != value.index,
            "attention's query, key and value are variables \(query.index), \(key.index), "
                + "\(value.index): they have to be three")
        let context = AttentionContext(
            heads: heads, scale: 1 / Float(width / heads).squareRoot(),
            maximum: arena.matrix(query.value.rows, heads),
            sum: arena.matrix(query.value.rows, heads),
            dropout: isRecording ? dropout.flatMap { $0.probability > 0 ? $0 : nil } : nil)
        let output = arena.matrix(query.value.rows, width)
        forEachHead(context, width: width) { head, scratch in
            let (q, k, v) = (head.part(query), head.part(key), head.part(value))
            let probabilities = scratch.square(0, head.rows.count)
            compute.serial.gemm(
                q, transposed: false, k, transposed: true, into: probabilities,
                scale: context.scale, scratch: scratch.products)
            for row in 0..<head.rows.count {
                let scores = probabilities.row(row)
                let (maximum, sum) = compute.serial.softmax(scores, into: scores)
                context.maximum[head.rows.lowerBound + row, head.index] = maximum
                context.sum[head.rows.lowerBound + row, head.index] = sum
            }
            dropRows(of: probabilities, head, context, into: probabilities)
            compute.serial.gemm(
                probabilities, v, into: head.part(output), scratch: scratch.products)
        }
        return record(
            .attention(query: query, key: key, value: value, context), output, axis: .tokens)
    }

    /// With P the probabilities, M the dropout mask and dO the output's gradient:
    /// dV = (P M)^T dO;  dP = (dO V^T) M;  dS = P (dP - rowsum(P dP)) / sqrt(K);  dQ = dS K;
    /// dK = dS^T Q.
    func differentiateAttention(
        _ query: Variable, _ key: Variable, _ value: Variable, _ context: AttentionContext,
        _ dOutput: Matrix
    ) {
        accumulate(into: query, alwaysRuns: true) { dQuery, addingQuery in
            accumulate(into: key, alwaysRuns: true) { dKey, addingKey in
                accumulate(into: value, alwaysRuns: true) { dValue, addingValue in
                    forEachHead(context, width: dOutput.columns) { head, scratch in
                        let (q, k, v) = (head.part(query), head.part(key), head.part(value))
                        let dO = head.part(dOutput)
                        let probabilities = scratch.square(0, head.rows.count)
                        let dropped = scratch.square(1, head.rows.count)
                        let products = scratch.products
                        compute.serial.gemm(
                            q, transposed: false, k, transposed: true, into: probabilities,
                            scale: context.scale, scratch: products)
                        for row in 0..<head.rows.count {
                            let token = head.rows.lowerBound + row
                            let scores = probabilities.row(row)
                            compute.serial.exp(
                                scores, shift: context.maximum[token, head.index], into: scores)
                            compute.serial.scale(
                                1 / context.sum[token, head.index], scores, into: scores)
                        }
                        let used = context.dropout == nil ? probabilities : dropped
                        dropRows(of: probabilities, head, context, into: used)
                        compute.serial.gemm(
                            used, transposed: true, dO, into: head.part(dValue),
                            accumulate: addingValue, scratch: products)
                        // From here on `dropped` holds dP, then dS.
                        compute.serial.gemm(
                            dO, transposed: false, v, transposed: true, into: dropped,
                            scratch: products)
                        dropRows(of: dropped, head, context, into: dropped)
                        for row in 0..<head.rows.count {
                            compute.serial.softmaxBackward(
                                probabilities.row(row), dropped.row(row), into: dropped.row(row))
                        }
                        compute.serial.gemm(
                            dropped, k, into: head.part(dQuery), accumulate: addingQuery,
                            scale: context.scale, scratch: products)
                        compute.serial.gemm(
                            dropped, transposed: true, q, into: head.part(dKey),
                            accumulate: addingKey, scale: context.scale, scratch: products)
                    }
                }
            }
        }
    }

    /// Applies the dropout of a head's probability rows; a row's mask is keyed by sample, query
    /// position, head and site.
    private func dropRows(
        of source: Matrix, _ head: AttentionHead, _ context: AttentionContext,
        into target: Matrix
    ) {
        guard let site = context.dropout else { return }
        for row in 0..<head.rows.count {
            let token = head.rows.lowerBound + row
            compute.serial.dropout(
                source.row(row), probability: site.probability, seed: site.seed, step: site.step,
                site: site.site | UInt32(head.index + 1) << 16,
                sample: layout.sampleOfToken[token], position: UInt32(row), into: target.row(row))
        }
    }

    /// Runs a body for every sequence and head, on all threads.
    private func forEachHead(
        _ context: AttentionContext, width: Int,
        _ body: (AttentionHead, AttentionScratch) -> Void
    ) {
        let headWidth = width / context.heads
        let pool = memory.scratch
        compute.parallelFor(layout.sequenceCount * context.heads) { items in
            let scratch = pool.take()
            for item in items {
                let (sequence, head) = item.quotientAndRemainder(dividingBy: context.heads)
                let rows = layout.sequenceOffsets[sequence]..<layout.sequenceOffsets[sequence + 1]
                body(
                    AttentionHead(
                        index: head, rows: rows,
                        columns: (head * headWidth)..<((head + 1) * headWidth)), scratch)
            }
            pool.give(scratch)
        }
    }
}

/// One head of one sequence.
private struct AttentionHead {
    let index: Int
    let rows: Range<Int>
    let columns: Range<Int>

    /// The head's part of an `N x D` matrix, `T x K`.
    func part(_ matrix: Matrix) -> Matrix { matrix.rows(rows).columns(columns) }
    func part(_ variable: Variable) -> Matrix { part(variable.value) }
}

/// Memory for the score matrices of one thread; it grows to the longest sequence and is kept.
final class AttentionScratch {
    let products = GEMMScratch()
    private let arena = Arena()
    private var squares: [Matrix] = []

    /// One of two `T x T` matrices.
    fileprivate func square(_ index: Int, _ size: Int) -> Matrix {
        if squares.isEmpty || squares[0].count < size * size {
            arena.reset()
            squares = [arena.vector(size * size), arena.vector(size * size)]
        }
        return squares[index].columns(0..<(size * size)).reshaped(rows: size, columns: size)
    }
}

/// Scratch memory that threads take for a block of work and give back.
final class ScratchPool: Sendable {
    private let free = Mutex<[AttentionScratch]>([])

    func take() -> AttentionScratch {
        let known = free.withLock { UncheckedScratch(scratch: $0.popLast()) }
        return known.scratch ?? AttentionScratch()
    }

    func give(_ scratch: AttentionScratch) {
        let box = UncheckedScratch(scratch: scratch)
        free.withLock { if let scratch = box.scratch { $0.append(scratch) } }
    }

    /// Hands a scratch over: it belongs to one thread at a time.
    private struct UncheckedScratch: @unchecked Sendable {
        let scratch: AttentionScratch?
    }
}
