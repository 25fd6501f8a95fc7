// What decoders have in the places of LayerNorm and GELU, and how their sublayers end: normalisation by
// the root mean square, the gated unit right behind its product, and the product onto the residual.
//
// Shape legend: R rows of the batch, D, E and F widths.

import TensorCore

extension Tape {
    /// `x / sqrt(mean(x^2) + epsilon) * gamma` in every row, `R x D`.
    public func rootMeanSquareNorm(
        _ x: Variable, gamma: Variable, epsilon: Float
    ) -> Variable {
        let output = fresh(rows: x.value.rows, columns: x.value.columns)
        let reciprocal = arena.vector(x.value.rows)
        compute.measured("norm") {
            compute.rootMeanSquareNorm(
                x.value, gamma: gamma.value, epsilon: epsilon, into: output,
                reciprocal: reciprocal)
        }
        return record(
            .rootMeanSquareNorm(x, gamma: gamma, epsilon: epsilon, reciprocal: reciprocal), output,
            axis: x.axis)
    }

    /// `silu(gate) up` with gate and up side by side in `x W^T + b`: `R x D` by `2F x D` gives `R x F`.
    public func gatedLinear(_ x: Variable, weight: Variable, bias: Variable?) -> Variable {
        gatedLinear(x, .trained(weight: weight, bias: bias))
    }

    /// The same of any linear layer.
    public func gatedLinear(_ x: Variable, _ layer: LinearLayer) -> Variable {
        precondition(layer.width % 2 == 0, "gate and up have \(layer.width) columns together")
        let gateAndUp = fresh(rows: x.value.rows, columns: layer.width)
        let output = fresh(rows: x.value.rows, columns: layer.width / 2)
        let serial = compute.serial
        let weights = compute.measured("gated linear") {
            multiply(x, layer, into: gateAndUp) { block in
                for row in block { serial.gatedUnit(gateAndUp.row(row), into: output.row(row)) }
            }
        }
        return record(
            .gatedLinear(x: x, weights, gateAndUp: keep(gateAndUp)), output, axis: x.axis)
    }

    /// `x W^T + b + residual`: `R x D` by `E x D`, with a residual of `R x E`.
    public func linearAdd(
        _ x: Variable, weight: Variable, bias: Variable?, residual: Variable
    ) -> Variable {
        linearAdd(x, .trained(weight: weight, bias: bias), residual: residual)
    }

    /// The same of any linear layer.
    public func linearAdd(
        _ x: Variable, _ layer: LinearLayer, residual: Variable
    ) -> Variable {
        let output = fresh(rows: x.value.rows, columns: layer.width)
        let serial = compute.serial
        let weights = compute.measured("linear + add") {
            multiply(x, layer, into: output) { block in
                for row in block {
                    serial.add(output.row(row), residual.value.row(row), into: output.row(row))
                }
            }
        }
        return record(.linearAdd(x: x, weights, residual: residual), output, axis: x.axis)
    }

    func differentiateRootMeanSquareNorm(
        _ x: Variable, gamma: Variable, reciprocal: Matrix, _ dy: Matrix
    ) {
        let input = value(of: x)
        guard needsGradient(gamma) else {
            accumulate(into: x) { dx, adding in
                let unused = fresh(rows: 1, columns: dx.columns)
                unused.fill(0)
                compute.measured("norm") {
                    compute.rootMeanSquareNormBackward(
                        input, gamma: gamma.value, reciprocal: reciprocal, dy, into: dx,
                        accumulate: adding, gradientGamma: unused)
                }
                recycle(unused)
            }
            return
        }
        accumulate(into: x, alwaysRuns: true) { dx, adding in
            compute.measured("norm") {
                foldLeaves(of: gamma, axis: x.axis) { rows, dGamma in
                    dGamma.fill(0)
                    compute.rootMeanSquareNormBackward(
                        input.rows(rows), gamma: gamma.value,
                        reciprocal: reciprocal.columns(rows), dy.rows(rows), into: dx.rows(rows),
                        accumulate: adding, gradientGamma: dGamma)
                }
            }
        }
    }

    /// The gradient passes the gated unit, then the product.
    func differentiateGatedLinear(
        _ x: Variable, _ linear: LinearWeights, gateAndUp: Kept, _ dy: Matrix
    ) {
        let gradient = fresh(rows: dy.rows, columns: 2 * dy.columns)
        withKept(gateAndUp) { gateAndUp in
            compute.measured("gated unit") {
                compute.gatedUnitBackward(gateAndUp, dy, into: gradient)
            }
        }
        differentiateLinear(x, linear, gradient)
        recycle(gradient)
    }

    /// Makes a discarded value again.
    func remakeGated(_ gateAndUp: Kept) -> Matrix {
        withKept(gateAndUp) { gateAndUp in
            let again = fresh(rows: gateAndUp.rows, columns: gateAndUp.columns / 2)
            compute.measured("gated unit again") { compute.gatedUnit(gateAndUp, into: again) }
            return again
        }
    }
}
