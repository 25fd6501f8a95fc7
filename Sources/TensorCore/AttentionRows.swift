// The rows of one head's scores, in whole blocks: softmax with dropout, the same again for the backward
// pass, and the gradient. The products around them are those of `SerialKernels`.

internal import Kernels

/// Dropout of the rows of one head: row r has the position `position + r` and the mask row
/// `firstMask + r * maskStep`.
public struct RowsDropout: Sendable {
    let probability: Float
    let mask: DropoutMask
    let firstMask: Int
    let maskStep: Int
    let seed: UInt64
    let step: UInt64
    let site: UInt32
    let sample: UInt32
    let position: UInt32

    /// The dropout of rows that follow each other, keyed as in `SerialKernels.dropout`.
    public init(
        probability: Float, mask: DropoutMask, firstMask: Int, maskStep: Int, seed: UInt64,
        step: UInt64, site: UInt32, sample: UInt32, position: UInt32 = 0
    ) {
        self.probability = probability
        self.mask = mask
        self.firstMask = firstMask
        self.maskStep = maskStep
        self.seed = seed
        self.step = step
        self.site = site
        self.sample = sample
        self.position = position
    }

    /// The kernels' form, checked for so many rows and columns.
    func settings(rows: Int, columns: Int) -> retort_rows_dropout {
        precondition(
            columns <= mask.columns && firstMask >= 0 && maskStep >= 0
                && firstMask + (rows - 1) * maskStep < mask.rows,
            "dropout: \(rows) x \(columns) from row \(firstMask) of \(mask.rows) x \(mask.columns)")
        let key = DropoutStream.key(seed: seed, step: step)
        let (threshold, factor) = DropoutStream.keep(probability)
        let bytes = DropoutMask.rowBytes(mask.columns)
        return retort_rows_dropout(
            row: retort_random_row(
                key0: key.0, key1: key.1, position: position, site: site, sample: sample),
            threshold: threshold, scale: factor, mask: mask.base + firstMask * bytes,
            mask_stride: maskStep * bytes)
    }
}

extension SerialKernels {
    /// Each row of scores becomes dropout(softmax(row)); the mask is kept.
    ///
    /// - Parameters:
    ///   - scores: The scores, without gaps between rows.
    ///   - maximum: Gets each row's largest score; as many rows, one column.
    ///   - sum: Gets each row's sum of e^(score - maximum).
    ///   - dropout: Nil for none.
    public func attentionRows(
        _ scores: Matrix, maximum: Matrix, sum: Matrix, dropout: RowsDropout?
    ) {
        guard checkRows(scores, maximum, sum) else { return }
        withSettings(dropout, scores) {
            kernels.pointee.attention_rows(
                scores.base, scores.rows, scores.columns, maximum.base, sum.base, maximum.stride,
                $0)
        }
    }

    /// The probabilities again, from what `attentionRows` kept; `dropped` gets them with dropout, if
    /// there is one.
    public func attentionRowsAgain(
        _ scores: Matrix, dropped: Matrix, maximum: Matrix, sum: Matrix, dropout: RowsDropout?
    ) {
        guard checkRows(scores, maximum, sum) else { return }
        scores.checkShape(dropped, "attentionRowsAgain")
        precondition(dropped.isContiguous, "attentionRowsAgain: gaps between rows")
        withSettings(dropout, scores) {
            kernels.pointee.attention_rows_again(
                scores.base, dropped.base, scores.rows, scores.columns, maximum.base, sum.base,
                maximum.stride, $0)
        }
    }

    /// The gradient of the dropped probabilities becomes that of the scores, in place.
    public func attentionRowsBackward(
        _ probabilities: Matrix, gradient: Matrix, dropout: RowsDropout?
    ) {
        probabilities.checkShape(gradient, "attentionRowsBackward")
        precondition(
            probabilities.isContiguous && gradient.isContiguous,
            "attentionRowsBackward: gaps between rows")
        guard probabilities.count > 0 else { return }
        withSettings(dropout, probabilities) {
            kernels.pointee.attention_rows_backward(
                probabilities.base, gradient.base, probabilities.rows, probabilities.columns, $0)
        }
    }

    private func checkRows(_ scores: Matrix, _ maximum: Matrix, _ sum: Matrix) -> Bool {
        precondition(
            scores.isContiguous && maximum.rows == scores.rows && sum.rows == scores.rows
                && maximum.columns == 1 && sum.columns == 1 && maximum.stride == sum.stride,
            "attentionRows: \(scores.rows) x \(scores.columns) scores, "
                + "\(maximum.rows) x \(maximum.columns) maxima, \(sum.rows) x \(sum.columns) sums")
        return scores.count > 0
    }

    private func withSettings(
        _ dropout: RowsDropout?, _ rows: Matrix,
        _ body: (UnsafePointer<retort_rows_dropout>?) -> Void
    ) {
        guard let dropout else { return body(nil) }
        withUnsafePointer(to: dropout.settings(rows: rows.rows, columns: rows.columns)) { body($0) }
    }
}
