// Updates of low rank on the tape: y += u B^T with u = scale dropout(x) A^T, and their gradients. What is
// kept is u, which is narrow, and the bits of the mask; the dropped input is made again.
//
// The factor goes onto u and onto u's gradient, the two narrow matrices: then A's and B's gradients are
// plain products, which can be added leaf by leaf where they are computed (LeafFold.swift).
//
// Shape legend: R rows of the batch, D and E widths, P the sum of the parts' ranks.

import TensorCore

extension Tape {
    /// Writes y = u B^T + b, to which the product with the frozen weight is added.
    func begin(
        _ update: LowRankUpdate, _ x: Variable, bias: Matrix?, into y: Matrix
    ) -> LowRankContext {
        let rows = x.value.rows
        var mask: DropoutMask?
        var input = x.value
        if let site = active(update.dropout) {
            input = fresh(rows: rows, columns: x.value.columns)
            mask = arena.dropoutMask(rows, x.value.columns)
            compute.measured("dropout") {
                compute.dropout(
                    x.value, probability: site.probability,
                    stream: site.stream(layout, axis: x.axis), into: input, keeping: mask)
            }
        }
        let projected = fresh(rows: rows, columns: update.down.value.rows)
        compute.measured("low rank") {
            multiply(input, update.down, nil, into: projected)
            if mask != nil { recycle(input) }
            scale(projected, by: update)
            var end = 0
            for (part, ranks) in update.ranked {
                fill(
                    y.columns(end..<part.columns.lowerBound),
                    bias?.columns(end..<part.columns.lowerBound))
                multiply(
                    projected.columns(ranks), part.up, bias: bias?.columns(part.columns),
                    into: y.columns(part.columns))
                end = part.columns.upperBound
            }
            fill(y.columns(end..<y.columns), bias?.columns(end..<y.columns))
        }
        return LowRankContext(update: update, projected: projected, mask: mask)
    }

    /// With du = scale dy B: dB = dy^T u;  dA = du^T dropout(x);  dx += dropout(du A).
    func differentiate(_ context: LowRankContext, _ x: Variable, _ dy: Matrix) {
        let update = context.update
        let gradient = fresh(rows: dy.rows, columns: update.down.value.rows)
        for (part, ranks) in update.ranked {
            let dPart = dy.columns(part.columns)
            let projected = context.projected.columns(ranks)
            foldProduct(of: part.up, axis: x.axis, dPart) { projected.rows($0) }
            compute.gemm(
                dPart, part.up.value, into: gradient.columns(ranks), precision: precision)
        }
        scale(gradient, by: update)
        foldInput(context, x, gradient)
        accumulate(into: x) { dx, adding in
            guard let mask = context.mask, let probability = update.dropout?.probability else {
                return compute.gemm(
                    gradient, update.down.value, into: dx, accumulate: adding,
                    precision: precision)
            }
            let dropped = fresh(rows: dx.rows, columns: dx.columns)
            compute.gemm(gradient, update.down.value, into: dropped, precision: precision)
            compute.dropout(
                dropped, probability: probability, mask: mask, into: adding ? dropped : dx)
            if adding { compute.add(dx, dropped, into: dx) }
            recycle(dropped)
        }
        recycle(gradient)
    }

    /// dA: the sum over the leaves of du^T dropout(x).
    private func foldInput(_ context: LowRankContext, _ x: Variable, _ gradient: Matrix) {
        let down = context.update.down
        if let mask = context.mask, let probability = context.update.dropout?.probability {
            let input = value(of: x)
            let dropped = fresh(rows: input.rows, columns: input.columns)
            compute.dropout(input, probability: probability, mask: mask, into: dropped)
            foldProduct(of: down, axis: x.axis, gradient) { dropped.rows($0) }
            recycle(dropped)
        } else if let stash = stash(of: x) {
            foldProduct(of: down, axis: x.axis, gradient) { stash.rows($0) }
        } else {
            let input = value(of: x)
            foldProduct(of: down, axis: x.axis, gradient) { input.rows($0) }
        }
    }

    /// The product with one part's B, through its packed panels.
    private func multiply(_ x: Matrix, _ up: Variable, bias: Matrix?, into y: Matrix) {
        guard let indices = weights(up) else {
            preconditionFailure("B of an update isn't one of the trained weights")
        }
        let packed = memory.panels.transposed(indices, of: parameters, compute, precision)
        compute.gemm(x, packed, into: y, bias: bias)
    }

    private func scale(_ projected: Matrix, by update: LowRankUpdate) {
        for (part, ranks) in update.ranked where part.scale != 1 {
            compute.scale(part.scale, projected.columns(ranks), into: projected.columns(ranks))
        }
    }

    /// The output where there is no update: what stands there before the frozen product is added.
    private func fill(_ y: Matrix, _ bias: Matrix?) {
        guard y.columns > 0 else { return }
        guard let bias else { return y.fill(0) }
        for row in 0..<y.rows { y.row(row).copy(from: bias) }
    }
}
