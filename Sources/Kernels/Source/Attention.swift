// The rows of one head's score matrix: softmax with dropout, the same again for the backward pass,
// and the gradient. Whole blocks of rows, because rows are short (as long as a text) and a call for
// each would cost as much as its arithmetic.

public import CKernels

/// Dropout of some rows whose positions follow each other.
@frozen
public struct RowsDropout {
    @usableFromInline var threshold: UInt32
    @usableFromInline var scale: Float
    @usableFromInline var key0: UInt32
    @usableFromInline var key1: UInt32
    @usableFromInline var position: UInt32
    @usableFromInline var site: UInt32
    @usableFromInline var sample: UInt32
    @usableFromInline var mask: UnsafeMutablePointer<UInt8>
    @usableFromInline var maskStride: Int

    /// The dropout of rows from `position` on, with their masks `maskStride` bytes apart.
    @_alwaysEmitIntoClient @inline(__always)
    public init(
        threshold: UInt32, scale: Float, key0: UInt32, key1: UInt32, position: UInt32,
        site: UInt32, sample: UInt32, mask: UnsafeMutablePointer<UInt8>, maskStride: Int
    ) {
        self.threshold = threshold
        self.scale = scale
        self.key0 = key0
        self.key1 = key1
        self.position = position
        self.site = site
        self.sample = sample
        self.mask = mask
        self.maskStride = maskStride
    }
}

/// The C structure's values, if there is one.
@_alwaysEmitIntoClient @inline(__always)
public func rowsDropout(_ dropout: UnsafePointer<retort_rows_dropout>?) -> RowsDropout? {
    guard let dropout else { return nil }
    let row = dropout.pointee.row
    return RowsDropout(
        threshold: dropout.pointee.threshold, scale: dropout.pointee.scale, key0: row.key0,
        key1: row.key1, position: row.position, site: row.site, sample: row.sample,
        mask: dropout.pointee.mask, maskStride: dropout.pointee.mask_stride)
}

/// Scores become probabilities, with dropout; each row's maximum and sum are kept.
@_alwaysEmitIntoClient @inline(__always)
public func attentionRows<V: FloatVector>(
    _ vector: V.Type, _ scores: UnsafeMutablePointer<Float>, rows: Int, n: Int,
    maximum: UnsafeMutablePointer<Float>, sum: UnsafeMutablePointer<Float>, statisticStride: Int,
    dropout: RowsDropout?
) {
    var row = 0
    while row < rows {
        let x = scores.moved(row &* n)
        let statistic = row &* statisticStride
        softmaxRow(
            V.self, x, x, n, maximum: maximum.moved(statistic), sum: sum.moved(statistic))
        if let dropout {
            dropoutRow(
                V.self, x, x, n, threshold: dropout.threshold, scale: dropout.scale,
                key0: dropout.key0, key1: dropout.key1,
                position: dropout.position &+ UInt32(truncatingIfNeeded: row),
                site: dropout.site, sample: dropout.sample,
                mask: dropout.mask.advanced(by: row &* dropout.maskStride))
        }
        row &+= 1
    }
}

/// Scores become probabilities, from the kept maxima and sums; `dropped` gets what dropout left.
@_alwaysEmitIntoClient @inline(__always)
public func attentionRowsAgain<V: FloatVector>(
    _ vector: V.Type, _ scores: UnsafeMutablePointer<Float>,
    _ dropped: UnsafeMutablePointer<Float>, rows: Int, n: Int, maximum: UnsafePointer<Float>,
    sum: UnsafePointer<Float>, statisticStride: Int, dropout: RowsDropout?
) {
    var row = 0
    while row < rows {
        let x = scores.moved(row &* n)
        let largest = maximum.moved(row &* statisticStride).pointee
        let total = sum.moved(row &* statisticStride).pointee
        map(
            Probability<V>(
                shift: largest == -.infinity ? 0 : largest, factor: total == 0 ? 0 : 1 / total),
            x, x, n)
        if let dropout {
            maskRow(
                V.self, x, dropped.moved(row &* n), n, scale: dropout.scale,
                mask: dropout.mask.advanced(by: row &* dropout.maskStride))
        }
        row &+= 1
    }
}

/// The gradient of dropped probabilities becomes that of the scores.
@_alwaysEmitIntoClient @inline(__always)
public func attentionRowsBackward<V: FloatVector>(
    _ vector: V.Type, _ probabilities: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, rows: Int, n: Int, dropout: RowsDropout?
) {
    var row = 0
    while row < rows {
        let (p, d) = (probabilities.moved(row &* n), gradient.moved(row &* n))
        if let dropout {
            maskRow(
                V.self, d, d, n, scale: dropout.scale,
                mask: dropout.mask.advanced(by: row &* dropout.maskStride))
        }
        softmaxRowBackward(V.self, p, d, d, n)
        row &+= 1
    }
}

/// e^(x - shift) factor.
@frozen
public struct Probability<V: FloatVector>: UnaryOperation {
    @usableFromInline let shift: V
    @usableFromInline let factor: V

    /// The operation.
    @_alwaysEmitIntoClient @inline(__always)
    public init(shift: Float, factor: Float) {
        self.shift = V(shift)
        self.factor = V(factor)
    }

    /// f of every lane.
    @_alwaysEmitIntoClient @inline(__always)
    public func apply(_ x: V) -> V { exponential(x - shift) * factor }
}
