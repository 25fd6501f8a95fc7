// Root-mean-square normalisation over the columns of each row, and the gated unit: what decoders have
// in the places of layer normalisation and GELU.

internal import Kernels

extension Compute {
    /// Rows whose contributions to gamma's gradient are summed before they join the others: a fixed
    /// number, so that the sum doesn't depend on threads.
    private static let normBlock = 64

    /// y = x / sqrt(mean(x^2) + epsilon) * gamma, row by row.
    ///
    /// y may be x. The reciprocal root of each row goes to `reciprocal` (a vector of as many as x has
    /// rows) for the backward pass, if it is given.
    public func rootMeanSquareNorm(
        _ x: Matrix, gamma: Matrix, epsilon: Float, into y: Matrix, reciprocal: Matrix? = nil
    ) {
        x.checkShape(y, "rootMeanSquareNorm")
        gamma.checkVector(x.columns, "rootMeanSquareNorm gamma")
        reciprocal?.checkVector(x.rows, "rootMeanSquareNorm reciprocal root")
        guard x.columns > 0 else { return }
        forRows(x.rows, of: x.columns) { range in
            var unused: Float = 0
            for row in range {
                kernels.pointee.rms_norm(
                    x.base + row * x.stride, gamma.base, y.base + row * y.stride, x.columns,
                    epsilon, &unused)
                if let reciprocal { reciprocal.base[row] = unused }
            }
        }
    }

    /// dx (or dx +=) the gradient of x; gamma's gradient is added to what is there.
    ///
    /// dx may be dy unless it accumulates.
    public func rootMeanSquareNormBackward(
        _ x: Matrix, gamma: Matrix, reciprocal: Matrix, _ dy: Matrix, into dx: Matrix,
        accumulate: Bool = false, gradientGamma: Matrix
    ) {
        x.checkShape(dy, "rootMeanSquareNormBackward")
        x.checkShape(dx, "rootMeanSquareNormBackward")
        let (rows, n) = (x.rows, x.columns)
        gamma.checkVector(n, "rootMeanSquareNormBackward gamma")
        reciprocal.checkVector(rows, "rootMeanSquareNormBackward reciprocal root")
        gradientGamma.checkVector(n, "rootMeanSquareNormBackward gradient of gamma")
        guard rows > 0, n > 0 else { return }
        let blocks = (rows - 1) / Self.normBlock + 1
        let sums = partials.floats(blocks * n)
        parallelFor(rows, grain: Self.normBlock) { range in
            let sum = sums + range.lowerBound / Self.normBlock * n
            sum.update(repeating: 0, count: n)
            for row in range {
                kernels.pointee.rms_norm_backward(
                    x.base + row * x.stride, gamma.base, dy.base + row * dy.stride,
                    dx.base + row * dx.stride, n, reciprocal.base[row], accumulate ? 1 : 0, sum)
            }
        }
        for block in 0..<blocks {
            kernels.pointee.axpy(1, sums + block * n, gradientGamma.base, n)
        }
    }

    /// y = silu(gate) up, with gate and up side by side: N x 2F gives N x F.
    public func gatedUnit(_ gateAndUp: Matrix, into y: Matrix) {
        checkGatedUnit(gateAndUp, y, "gatedUnit")
        forRows(y.rows, of: 2 * y.columns) { range in
            for row in range {
                let gate = gateAndUp.base + row * gateAndUp.stride
                kernels.pointee.gated_unit(
                    gate, gate + y.columns, y.base + row * y.stride, y.columns)
            }
        }
    }

    /// The gradients of gate and up, side by side, from those two and the output's gradient.
    ///
    /// The gradients may lie where gate and up lie.
    public func gatedUnitBackward(_ gateAndUp: Matrix, _ dy: Matrix, into gradient: Matrix) {
        checkGatedUnit(gateAndUp, dy, "gatedUnitBackward")
        gateAndUp.checkShape(gradient, "gatedUnitBackward")
        forRows(dy.rows, of: 3 * dy.columns) { range in
            for row in range {
                let gate = gateAndUp.base + row * gateAndUp.stride
                let result = gradient.base + row * gradient.stride
                kernels.pointee.gated_unit_backward(
                    gate, gate + dy.columns, dy.base + row * dy.stride, result,
                    result + dy.columns, dy.columns)
            }
        }
    }

    private func checkGatedUnit(_ joined: Matrix, _ y: Matrix, _ operation: StaticString) {
        precondition(
            joined.rows == y.rows && joined.columns == 2 * y.columns,
            "\(operation): \(joined.rows) x \(joined.columns) and \(y.rows) x \(y.columns)")
    }
}

extension SerialKernels {
    /// y = silu(gate) up of one row, with gate and up side by side.
    public func gatedUnit(_ gateAndUp: Matrix, into y: Matrix) {
        precondition(
            gateAndUp.rows == 1 && y.rows == 1 && gateAndUp.columns == 2 * y.columns,
            "gatedUnit: \(gateAndUp.rows) x \(gateAndUp.columns) and \(y.rows) x \(y.columns)")
        kernels.pointee.gated_unit(
            gateAndUp.base, gateAndUp.base + y.columns, y.base, y.columns)
    }
}
