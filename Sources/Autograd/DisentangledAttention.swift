// Disentangled attention (He et al. 2021, arXiv 2006.03654) with keys and queries of positions from the
// same weights as those of tokens (arXiv 2111.09543, `share_att_key`), inside the sequences of a batch.
//
//     S_ij = (q_i . k_j + q_i . pk_{r(i-j)} + k_j . pq_{r(i-j)}) / sqrt(3 K)
//     q, k, v = x W^T + b        pq, pk = e W_{qk}^T + b_{qk}        O = dropout(softmax(S)) v
//
// r is the bucket of a distance and e its embedding. A sequence of T tokens has at most 2 T - 1 buckets:
// the products of its queries with all pk, and of its keys with all pq, are T x R for a head, in scratch
// memory of the thread that works on it, and each score picks its two from them. There is never a matrix
// of T x T x K. The rest is that of Attention.swift.
//
// The projections belong to the operation because their weights are used twice: a weight's gradient is
// folded over the leaves in one go (LeafFold.swift), each leaf's part being that of its tokens and of its
// buckets. One thread takes all sequences of a leaf for a head, in order, for they add to the same rows.
//
// Shape legend: N tokens, T of one sequence, R buckets, H heads, K head width, D = H K.

import TensorCore

/// What disentangled attention keeps for its backward pass.
struct DisentangledContext {
    let attention: AttentionContext
    /// `N x 3D`: queries, keys and values.
    let projections: Kept
    /// `R x 2D`: queries and keys of the widest leaf's buckets.
    let terms: Matrix
}

/// Queries and keys of buckets, or their gradients: those of one head that a sequence needs, `R x K`.
private struct PositionParts {
    let query: Matrix
    let key: Matrix

    /// - Parameter rows: Rows of `joined` that the sequence needs.
    init(_ joined: Matrix, rows: Range<Int>, _ head: AttentionHead) {
        let rows = joined.rows(rows)
        let width = joined.columns / 2
        query = rows.columns(head.columns)
        key = rows.columns(
            (width + head.columns.lowerBound)..<(width + head.columns.upperBound))
    }
}

extension Tape {
    /// Attention of every token to all tokens of its own sequence, by content and relative position.
    ///
    /// - Parameters:
    ///   - x: The tokens, `N x D`.
    ///   - weight: Weights of queries, keys and values one upon the other, `3D x D`.
    ///   - bias: Theirs, `1 x 3D`.
    ///   - positions: What `relativeEmbeddings` gave, maybe normalised and dropped out.
    ///   - heads: The count of heads; it divides the width.
    ///   - dropout: Dropout on the attention probabilities.
    public func disentangledAttention(
        _ x: Variable, weight: Variable, bias: Variable, positions: Variable, heads: Int,
        dropout: DropoutSite?
    ) -> Variable {
        guard let relative, positions.axis == .positions else {
            preconditionFailure("disentangled attention without relative embeddings")
        }
        let (rows, width) = (x.value.rows, x.value.columns)
        precondition(
            width % heads == 0 && weight.value.rows == 3 * width,
            "weights \(weight.value.rows) x \(weight.value.columns) for \(heads) heads of width "
                + "\(width)")
        let projections = fresh(rows: rows, columns: 3 * width)
        compute.measured("linear") { multiply(x.value, weight, bias, into: projections) }
        let widest = relative.rows(of: relative.widest)
        let terms = fresh(rows: widest.count, columns: 2 * width)
        compute.measured("position terms") {
            compute.gemm(
                positions.value.rows(widest), transposed: false,
                weight.value.rows(0..<2 * width), transposed: true, into: terms,
                bias: bias.value.columns(0..<2 * width), precision: precision)
        }
        let attention = AttentionContext(
            heads: heads, scale: 1 / Float(3 * width / heads).squareRoot(),
            maximum: arena.matrix(rows, heads), sum: arena.matrix(rows, heads),
            dropout: active(dropout).map {
                ($0, arena.dropoutMask(rows * heads, layout.longestSequence))
            })
        let values = AttentionParts(joined: projections)
        let output = fresh(rows: rows, columns: width)
        compute.measured("attention") {
            forEachHead(attention, width: width) { head, scratch in
                let part = values.part(head)
                let probabilities = scratch.square(0, head.rows.count)
                disentangledScores(
                    part, terms, relative, attention, head, scratch, into: probabilities)
                compute.serial.attentionRows(
                    probabilities, maximum: head.statistics(attention.maximum),
                    sum: head.statistics(attention.sum), dropout: rowsDropout(head, attention))
                compute.serial.gemm(
                    probabilities, part.value, into: head.part(output), precision: precision,
                    scratch: scratch.products)
            }
        }
        let context = DisentangledContext(
            attention: attention, projections: keep(projections), terms: terms)
        if !isRecording {
            recycle(projections)
            recycle(terms)
        }
        return record(
            .disentangledAttention(
                x: x, weight: weight, bias: bias, positions: positions, context), output,
            axis: .tokens)
    }

    /// The scores of one head of one sequence.
    private func disentangledScores(
        _ part: AttentionParts, _ terms: Matrix, _ relative: RelativePositions,
        _ context: AttentionContext, _ head: AttentionHead, _ scratch: AttentionScratch,
        into scores: Matrix
    ) {
        let length = head.rows.count
        guard let places = relative.places[length] else {
            preconditionFailure("no places for a sequence of \(length) tokens")
        }
        let positions = PositionParts(
            terms, rows: relative.rows(length: length, of: relative.widest), head)
        func product(_ a: Matrix, _ b: Matrix, into c: Matrix) {
            compute.serial.gemm(
                a, transposed: false, b, transposed: true, into: c, scale: context.scale,
                precision: precision, scratch: scratch.products)
        }
        product(part.query, part.key, into: scores)
        let (byQuery, byKey) = scratch.terms(length, places.count)
        product(part.query, positions.key, into: byQuery)
        product(part.key, positions.query, into: byKey)
        compute.serial.relativeScores(
            scores, queryTerms: byQuery, keyTerms: byKey, places: places)
    }

    /// Hands the output's gradient to tokens, buckets and weights.
    func differentiateDisentangledAttention(
        _ x: Variable, weight: Variable, bias: Variable, positions: Variable,
        _ context: DisentangledContext, _ dOutput: Matrix
    ) {
        guard let relative else { return }
        let width = dOutput.columns
        let dProjections = fresh(rows: dOutput.rows, columns: 3 * width)
        let dTerms = fresh(rows: positions.value.rows, columns: 2 * width)
        dTerms.fill(0)
        withKept(context.projections) { projections in
            disentangledBackward(
                AttentionParts(joined: projections), context, relative, dOutput,
                into: AttentionParts(joined: dProjections), dTerms)
        }
        let shared = weight.value.rows(0..<2 * width)
        compute.measured("input gradient") {
            accumulate(into: x) { dx, adding in
                compute.gemm(
                    dProjections, weight.value, into: dx, accumulate: adding, precision: precision)
            }
            accumulate(into: positions) { dPositions, adding in
                compute.gemm(
                    dTerms, shared, into: dPositions, accumulate: adding, precision: precision)
            }
        }
        compute.measured("weight gradient") {
            if let stash = stash(of: x) {
                foldShared(of: weight, dProjections, dTerms, positions) { stash.rows($0) }
            } else {
                let input = value(of: x)
                foldShared(of: weight, dProjections, dTerms, positions) { input.rows($0) }
            }
        }
        compute.measured("bias gradient") {
            let part = fresh(rows: 1, columns: 2 * width)
            foldLeaves(of: bias, axis: .tokens, addsExactly: { _ in false }) { leaf, rows, sum, _ in
                compute.columnSum(dProjections.rows(rows), into: sum)
                compute.columnSum(dTerms.rows(relative.rows(of: leaf)), into: part)
                let first = sum.columns(0..<2 * width)
                compute.add(first, part, into: first)
            }
            recycle(part)
        }
        recycle(dProjections)
        recycle(dTerms)
    }

    /// Sums the gradient of the weights over the leaves; `input` gives rows of x.
    private func foldShared(
        of weight: Variable, _ dProjections: Matrix, _ dTerms: Matrix, _ positions: Variable,
        _ input: (_ rows: Range<Int>) -> some ProductOperand
    ) {
        let embeddings = value(of: positions)
        foldLeaves(of: weight, axis: .tokens, addsExactly: { _ in false }) { leaf, rows, sum, _ in
            compute.gemm(
                dProjections.rows(rows), transposed: true, input(rows), into: sum,
                precision: precision)
            let buckets = self.rows(ofLeaf: leaf + layout.leaves.lowerBound, on: .positions)
            compute.gemm(
                dTerms.rows(buckets), transposed: true, embeddings.rows(buckets),
                into: sum.rows(0..<dTerms.columns), accumulate: true, precision: precision)
        }
    }

    /// As attention's own (Attention.swift), with the scores' gradient dS handed to the terms as well:
    /// with C and P the terms by query and key, dC and dP gather dS; dq += dC pk; dpk += dC^T q;
    /// dk += dP pq; dpq += dP^T k.
    private func disentangledBackward(
        _ values: AttentionParts, _ context: DisentangledContext, _ relative: RelativePositions,
        _ dOutput: Matrix, into gradients: AttentionParts, _ dTerms: Matrix
    ) {
        let serial = compute.serial
        let attention = context.attention
        forEachLeafAndHead(attention, width: dOutput.columns) { leaf, head, scratch in
            let (part, gradient) = (values.part(head), gradients.part(head))
            let dO = head.part(dOutput)
            let length = head.rows.count
            let probabilities = scratch.square(0, length)
            let dScores = scratch.square(1, length)
            func product(
                _ a: Matrix, transposed: Bool = false, _ b: Matrix, transposedRight: Bool = false,
                into c: Matrix, accumulate: Bool = false, scale: Float = attention.scale
            ) {
                serial.gemm(
                    a, transposed: transposed, b, transposed: transposedRight, into: c,
                    accumulate: accumulate, scale: scale, precision: precision,
                    scratch: scratch.products)
            }
            disentangledScores(
                part, context.terms, relative, attention, head, scratch, into: probabilities)
            let dropout = rowsDropout(head, attention)
            serial.attentionRowsAgain(
                probabilities, dropped: dScores, maximum: head.statistics(attention.maximum),
                sum: head.statistics(attention.sum), dropout: dropout)
            product(
                dropout == nil ? probabilities : dScores, transposed: true, dO,
                into: gradient.value, scale: 1)
            product(dO, part.value, transposedRight: true, into: dScores, scale: 1)
            serial.attentionRowsBackward(probabilities, gradient: dScores, dropout: dropout)
            product(dScores, part.key, into: gradient.query)
            product(dScores, transposed: true, part.query, into: gradient.key)

            guard let places = relative.places[length] else { return }
            let (byQuery, byKey) = scratch.terms(length, places.count)
            serial.relativeScoresBackward(
                dScores, queryTerms: byQuery, keyTerms: byKey, places: places)
            let positions = PositionParts(
                context.terms, rows: relative.rows(length: length, of: relative.widest), head)
            product(byQuery, positions.key, into: gradient.query, accumulate: true)
            product(byKey, positions.query, into: gradient.key, accumulate: true)
            let dPositions = PositionParts(
                dTerms.rows(relative.rows(of: leaf)),
                rows: relative.rows(length: length, of: leaf), head)
            product(
                byQuery, transposed: true, part.query, into: dPositions.key, accumulate: true)
            product(
                byKey, transposed: true, part.key, into: dPositions.query, accumulate: true)
        }
    }

    /// Runs a body for every sequence and head, those of a leaf and head one after another.
    private func forEachLeafAndHead(
        _ context: AttentionContext, width: Int,
        _ body: (_ leaf: Int, AttentionHead, AttentionScratch) -> Void
    ) {
        let headWidth = width / context.heads
        let pool = memory.scratch
        compute.parallelFor(layout.leaves.count * context.heads) { items in
            let scratch = pool.take()
            for item in items {
                let (leaf, head) = item.quotientAndRemainder(dividingBy: context.heads)
                for sequence in layout.leafOffsets[leaf]..<layout.leafOffsets[leaf + 1] {
                    let rows =
                        layout.sequenceOffsets[sequence]..<layout.sequenceOffsets[sequence + 1]
                    body(
                        leaf,
                        AttentionHead(
                            index: head, rows: rows,
                            columns: (head * headWidth)..<((head + 1) * headWidth)), scratch)
                }
            }
            pool.give(scratch)
        }
    }
}
