// Softmax attention inside the sequences of a packed batch.
//
// For each sequence and head: O = dropout(softmax(Q K^T / sqrt(K))) V. The score matrix of one
// (sequence, head) lives in scratch memory of the thread that works on it; only each row's maximum
// and sum of exponentials are kept, and the backward pass computes the probabilities again from them
// (Dao et al. 2022, arXiv 2205.14135, gives the algebra). So memory grows with N, not with T squared.
//
// Shape legend: N tokens, T tokens of one sequence, H heads, K head width, D = H K.

import TensorCore

/// Where queries, keys and values come from.
enum AttentionInputs {
    /// Three variables of `N x D`.
    case separate(query: Variable, key: Variable, value: Variable)
    /// One variable of `N x 3D`: queries, keys and values side by side.
    case joined(Variable)

    /// Queries, keys and values, `N x D` each, from the matrices that the variables stand for.
    func values(_ matrix: (Variable) -> Matrix) -> AttentionParts {
        switch self {
        case .separate(let query, let key, let value):
            AttentionParts(query: matrix(query), key: matrix(key), value: matrix(value))
        case .joined(let projections): AttentionParts(joined: matrix(projections))
        }
    }
}

/// Queries, keys and values, or their gradients: `N x D` for a batch, `T x K` for a head.
struct AttentionParts {
    let query: Matrix
    let key: Matrix
    let value: Matrix

    init(query: Matrix, key: Matrix, value: Matrix) {
        (self.query, self.key, self.value) = (query, key, value)
    }

    /// The three thirds of the columns.
    init(joined: Matrix) {
        let width = joined.columns / 3
        query = joined.columns(0..<width)
        key = joined.columns(width..<2 * width)
        value = joined.columns(2 * width..<3 * width)
    }

    func part(_ head: AttentionHead) -> AttentionParts {
        AttentionParts(query: head.part(query), key: head.part(key), value: head.part(value))
    }
}

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
    /// Dropout on the probabilities, with what it kept: row `token * H + head`; nil for none.
    let dropout: (site: DropoutSite, mask: DropoutMask)?
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
        // The three gradients are written side by side, each into a matrix of its own.
        precondition(
            query.index != key.index && key.index != value.index && query.index != value.index,
            "attention's query, key and value are variables \(query.index), \(key.index), "
                + "\(value.index): they have to be three")
        return attention(
            .separate(query: query, key: key, value: value), heads: heads, dropout: dropout)
    }

    /// The same with queries, keys and values side by side, `N x 3D`.
    public func attention(
        projections: Variable, heads: Int, dropout: DropoutSite?
    ) -> Variable {
        precondition(
            projections.value.columns % 3 == 0,
            "\(projections.value.columns) columns of queries, keys and values")
        return attention(.joined(projections), heads: heads, dropout: dropout)
    }

    private func attention(
        _ inputs: AttentionInputs, heads: Int, dropout: DropoutSite?
    ) -> Variable {
        let values = inputs.values(\.value)
        let (rows, width) = (values.query.rows, values.query.columns)
        precondition(width % heads == 0, "width \(width) isn't a multiple of \(heads) heads")
        let context = AttentionContext(
            heads: heads, scale: 1 / Float(width / heads).squareRoot(),
            maximum: arena.matrix(rows, heads), sum: arena.matrix(rows, heads),
            dropout: active(dropout).map {
                ($0, arena.dropoutMask(rows * heads, layout.longestSequence))
            })
        let output = fresh(rows: rows, columns: width)
        compute.measured("attention") {
            forEachHead(context, width: width) { head, scratch in
                let part = values.part(head)
                let probabilities = scratch.square(0, head.rows.count)
                compute.serial.gemm(
                    part.query, transposed: false, part.key, transposed: true,
                    into: probabilities, scale: context.scale, precision: precision,
                    scratch: scratch.products)
                compute.serial.attentionRows(
                    probabilities, maximum: head.statistics(context.maximum),
                    sum: head.statistics(context.sum), dropout: rowsDropout(head, context))
                compute.serial.gemm(
                    probabilities, part.value, into: head.part(output), precision: precision,
                    scratch: scratch.products)
            }
        }
        return record(.attention(inputs, context), output, axis: .tokens)
    }

    /// Hands the output's gradient to the inputs.
    func differentiateAttention(
        _ inputs: AttentionInputs, _ context: AttentionContext, _ dOutput: Matrix
    ) {
        let values = inputs.values(value(of:))
        switch inputs {
        case .joined(let projections):
            accumulate(into: projections) { gradient, adding in
                attentionBackward(
                    values, context, dOutput, into: AttentionParts(joined: gradient),
                    adding: (adding, adding, adding))
            }
        case .separate(let query, let key, let value):
            accumulate(into: query, alwaysRuns: true) { dQuery, addingQuery in
                accumulate(into: key, alwaysRuns: true) { dKey, addingKey in
                    accumulate(into: value, alwaysRuns: true) { dValue, addingValue in
                        attentionBackward(
                            values, context, dOutput,
                            into: AttentionParts(query: dQuery, key: dKey, value: dValue),
                            adding: (addingQuery, addingKey, addingValue))
                    }
                }
            }
        }
    }

    /// With P the probabilities, M the dropout mask and dO the output's gradient:
    /// dV = (P M)^T dO;  dP = (dO V^T) M;  dS = P (dP - rowsum(P dP)) / sqrt(K);  dQ = dS K;
    /// dK = dS^T Q.
    private func attentionBackward(
        _ values: AttentionParts, _ context: AttentionContext, _ dOutput: Matrix,
        into gradients: AttentionParts, adding: (query: Bool, key: Bool, value: Bool)
    ) {
        let serial = compute.serial
        forEachHead(context, width: dOutput.columns) { head, scratch in
            let (part, gradient) = (values.part(head), gradients.part(head))
            let dO = head.part(dOutput)
            let probabilities = scratch.square(0, head.rows.count)
            let dropped = scratch.square(1, head.rows.count)
            let products = scratch.products
            serial.gemm(
                part.query, transposed: false, part.key, transposed: true, into: probabilities,
                scale: context.scale, precision: precision, scratch: products)
            let dropout = rowsDropout(head, context)
            serial.attentionRowsAgain(
                probabilities, dropped: dropped, maximum: head.statistics(context.maximum),
                sum: head.statistics(context.sum), dropout: dropout)
            let used = context.dropout == nil ? probabilities : dropped
            serial.gemm(
                used, transposed: true, dO, into: gradient.value, accumulate: adding.value,
                precision: precision, scratch: products)
            // From here on `dropped` holds dP, then dS.
            serial.gemm(
                dO, transposed: false, part.value, transposed: true, into: dropped,
                precision: precision, scratch: products)
            serial.attentionRowsBackward(probabilities, gradient: dropped, dropout: dropout)
            serial.gemm(
                dropped, part.key, into: gradient.query, accumulate: adding.query,
                scale: context.scale, precision: precision, scratch: products)
            serial.gemm(
                dropped, transposed: true, part.query, into: gradient.key,
                accumulate: adding.key, scale: context.scale, precision: precision,
                scratch: products)
        }
    }

    /// The dropout of a head's rows: masks are keyed by sample, query position, head and site.
    func rowsDropout(
        _ head: AttentionHead, _ context: AttentionContext
    ) -> RowsDropout? {
        context.dropout.map { site, mask in
            RowsDropout(
                probability: site.probability, mask: mask,
                firstMask: head.rows.lowerBound * context.heads + head.index,
                maskStep: context.heads, seed: site.seed, step: site.step,
                site: site.site | UInt32(head.index + 1) << 16,
                sample: layout.sampleOfToken[head.rows.lowerBound])
        }
    }

    /// Runs a body for every sequence and head, on all threads.
    func forEachHead(
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
