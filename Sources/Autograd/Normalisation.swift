// Layer normalisation, alone and at the end of a sublayer: the rows of a product are dropped out,
// added to the residual and normalised while they are in the cache, block of rows by block of rows.
//
// Shape legend: R rows of the batch, D and E widths.

import TensorCore

/// The weights of a layer normalisation on the tape, `1 x D` each.
public struct NormWeights {
    let gamma: Variable
    let beta: Variable
    let epsilon: Float

    /// Gamma scales, beta shifts; epsilon is added to the variance.
    public init(gamma: Variable, beta: Variable, epsilon: Float) {
        self.gamma = gamma
        self.beta = beta
        self.epsilon = epsilon
    }
}

/// What layer normalisation keeps for its backward pass, `1 x R` each.
struct NormContext {
    let mean: Matrix
    let reciprocalDeviation: Matrix
}

/// What the end of a sublayer keeps for its backward pass.
struct AddNormContext {
    let norm: NormContext
    /// `R x E`: what was normalised.
    let sum: Kept
    /// What dropout kept of the product; nil for no dropout.
    let mask: DropoutMask?
    let probability: Float
}

extension Tape {
    /// Normalises every row to mean 0 and variance 1, then scales by gamma and adds beta.
    public func layerNorm(_ x: Variable, _ weights: NormWeights) -> Variable {
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        let context = normContext(rows: x.value.rows)
        compute.measured("norm") {
            compute.layerNorm(
                x.value, gamma: weights.gamma.value, beta: weights.beta.value,
                epsilon: weights.epsilon, into: output, mean: context.mean,
                reciprocalDeviation: context.reciprocalDeviation)
        }
        return record(.layerNorm(x, weights, context), output, axis: x.axis)
    }

    /// `norm(dropout(x W^T + b) + residual)`: `R x D` by `E x D`, with a residual of `R x E`.
    public func linearAddNorm(
        _ x: Variable, weight: Variable, bias: Variable?, dropout site: DropoutSite?,
        residual: Variable, norm: NormWeights
    ) -> Variable {
        linearAddNorm(
            x, .trained(weight: weight, bias: bias), dropout: site, residual: residual, norm: norm)
    }

    /// The same of any linear layer.
    public func linearAddNorm(
        _ x: Variable, _ layer: LinearLayer, dropout site: DropoutSite?, residual: Variable,
        norm: NormWeights
    ) -> Variable {
        let (rows, width) = (x.value.rows, layer.width)
        let sum = fresh(rows: rows, columns: width)
        let output = isRecording ? fresh(rows: rows, columns: width) : sum
        let site = active(site)
        let stream = site?.stream(layout, axis: x.axis)
        let statistics = normContext(rows: rows)
        let mask = site.map { _ in arena.dropoutMask(rows, width) }
        let serial = compute.serial
        let weights = compute.measured("linear + add + norm") {
            multiply(x, layer, into: sum) { block in
                for row in block {
                    let values = sum.row(row)
                    if let site, let stream, let mask {
                        serial.dropout(
                            values, probability: site.probability, stream: stream, row: row,
                            into: values, keeping: mask.row(row))
                    }
                    serial.add(values, residual.value.row(row), into: values)
                    let (mean, reciprocalDeviation) = serial.layerNorm(
                        values, gamma: norm.gamma.value, beta: norm.beta.value,
                        epsilon: norm.epsilon, into: output.row(row))
                    statistics.mean[0, row] = mean
                    statistics.reciprocalDeviation[0, row] = reciprocalDeviation
                }
            }
        }
        let context = AddNormContext(
            norm: statistics, sum: keep(sum), mask: mask, probability: site?.probability ?? 0)
        return record(
            .linearAddNorm(
                x: x, weights, residual: residual, norm, context), output, axis: x.axis)
    }

    /// The gradient passes the norm, then goes to the residual as it is and to the product through
    /// the mask.
    func differentiateLinearAddNorm(
        _ x: Variable, _ linear: LinearWeights, residual: Variable, _ norm: NormWeights,
        _ context: AddNormContext, _ dy: Matrix
    ) {
        let dSum = fresh(rows: dy.rows, columns: dy.columns)
        withKept(context.sum) { sum in
            normBackward(sum, norm, context.norm, dy, axis: x.axis, into: dSum, adding: false)
        }
        var dProduct = dSum
        if let mask = context.mask {
            dProduct = fresh(rows: dy.rows, columns: dy.columns)
            compute.measured("dropout") {
                compute.dropout(
                    dSum, probability: context.probability, mask: mask, into: dProduct)
            }
        }
        differentiateLinear(x, linear, dProduct)
        if context.mask != nil { recycle(dProduct) }
        give(dSum, to: residual)
    }

    /// The gradients of gamma and beta, and that of x into (or onto) `dx`.
    func normBackward(
        _ x: Matrix, _ norm: NormWeights, _ context: NormContext, _ dy: Matrix, axis: RowAxis,
        into dx: Matrix, adding: Bool
    ) {
        guard needsGradient(norm.gamma) else {
            let unused = fresh(rows: 2, columns: dx.columns)
            unused.fill(0)
            compute.measured("norm") {
                compute.layerNormBackward(
                    x, gamma: norm.gamma.value, mean: context.mean,
                    reciprocalDeviation: context.reciprocalDeviation, dy, into: dx,
                    accumulate: adding, gradientGamma: unused.row(0), gradientBeta: unused.row(1))
            }
            return recycle(unused)
        }
        compute.measured("norm") {
            foldLeaves(of: norm.gamma, and: norm.beta, axis: axis) { rows, dGamma, dBeta in
                dGamma.fill(0)
                dBeta.fill(0)
                compute.layerNormBackward(
                    x.rows(rows), gamma: norm.gamma.value, mean: context.mean.columns(rows),
                    reciprocalDeviation: context.reciprocalDeviation.columns(rows), dy.rows(rows),
                    into: dx.rows(rows), accumulate: adding, gradientGamma: dGamma,
                    gradientBeta: dBeta)
            }
        }
    }

    private func normContext(rows: Int) -> NormContext {
        NormContext(mean: arena.vector(rows), reciprocalDeviation: arena.vector(rows))
    }
}
