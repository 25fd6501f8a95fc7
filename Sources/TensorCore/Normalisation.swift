// Layer normalisation over the columns of each row.

internal import Kernels

extension Compute {
    /// Rows whose contributions to the gradients of gamma and beta are summed before they join the
    /// others: a fixed number, so that the sums don't depend on threads.
    private static let rowBlock = 64

    /// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, row by row; the mean and the
    /// reciprocal deviation of each row (vectors of as many as x has rows) are kept for the
    /// backward pass.
    ///
    /// y may be x.
    public func layerNorm(
        _ x: Matrix, gamma: Matrix, beta: Matrix, epsilon: Float, into y: Matrix, mean: Matrix,
        reciprocalDeviation: Matrix
    ) {
        x.checkShape(y, "layerNorm")
        gamma.checkVector(x.columns, "layerNorm gamma")
        beta.checkVector(x.columns, "layerNorm beta")
        mean.checkVector(x.rows, "layerNorm mean")
        reciprocalDeviation.checkVector(x.rows, "layerNorm reciprocal deviation")
        guard x.columns > 0 else { return }
        forRows(x.rows, of: x.columns) { range in
            for row in range {
                kernels.pointee.layer_norm(
                    x.base + row * x.stride, gamma.base, beta.base, y.base + row * y.stride,
                    x.columns, epsilon, mean.base + row, reciprocalDeviation.base + row)
            }
        }
    }

    /// dx (or dx +=) the gradient of x; the gradients of gamma and beta are added to what is there.
    ///
    /// dx may be dy unless it accumulates.
    public func layerNormBackward(
        _ x: Matrix, gamma: Matrix, mean: Matrix, reciprocalDeviation: Matrix, _ dy: Matrix,
        into dx: Matrix, accumulate: Bool = false, gradientGamma: Matrix, gradientBeta: Matrix
    ) {
        x.checkShape(dy, "layerNormBackward")
        x.checkShape(dx, "layerNormBackward")
        let (rows, n) = (x.rows, x.columns)
        gamma.checkVector(n, "layerNormBackward gamma")
        mean.checkVector(rows, "layerNormBackward mean")
        reciprocalDeviation.checkVector(rows, "layerNormBackward reciprocal deviation")
        gradientGamma.checkVector(n, "layerNormBackward gradient of gamma")
        gradientBeta.checkVector(n, "layerNormBackward gradient of beta")
        guard rows > 0, n > 0 else { return }
        let blocks = (rows - 1) / Self.rowBlock + 1
        let sums = partials.floats(blocks * 2 * n)
        parallelFor(rows, grain: Self.rowBlock) { range in
            let gammaSum = sums + range.lowerBound / Self.rowBlock * 2 * n
            let betaSum = gammaSum + n
            gammaSum.update(repeating: 0, count: 2 * n)
            for row in range {
                kernels.pointee.layer_norm_backward(
                    x.base + row * x.stride, gamma.base, dy.base + row * dy.stride,
                    dx.base + row * dx.stride, n, mean.base[row], reciprocalDeviation.base[row],
                    accumulate ? 1 : 0, gammaSum, betaSum)
            }
        }
        for block in 0..<blocks {
            kernels.pointee.axpy(1, sums + block * 2 * n, gradientGamma.base, n)
            kernels.pointee.axpy(1, sums + (block * 2 + 1) * n, gradientBeta.base, n)
        }
    }
}
