// Operations on elements, and the gradients of those that have one. Every output may be the same
// matrix as an input.

internal import Kernels

private typealias Unary = (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void
private typealias Binary = (
    UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int
) -> Void

extension Compute {
    /// y = x Phi(x): GELU with the error function, not its tanh approximation.
    public func gelu(_ x: Matrix, into y: Matrix) { unary(x, y, "gelu", kernels.pointee.gelu) }

    /// dx = dy (Phi(x) + x phi(x)), from the input x.
    public func geluBackward(_ x: Matrix, _ dy: Matrix, into dx: Matrix) {
        binary(x, dy, dx, "geluBackward", kernels.pointee.gelu_backward)
    }

    /// y = tanh x.
    public func tanh(_ x: Matrix, into y: Matrix) { unary(x, y, "tanh", kernels.pointee.tanh) }

    /// dx = dy (1 - y^2), from the output y.
    public func tanhBackward(_ y: Matrix, _ dy: Matrix, into dx: Matrix) {
        binary(y, dy, dx, "tanhBackward", kernels.pointee.tanh_backward)
    }

    /// y = max(x, 0).
    public func relu(_ x: Matrix, into y: Matrix) { unary(x, y, "relu", kernels.pointee.relu) }

    /// dx = dy where y > 0, else 0; y may be the input or the output of `relu`.
    public func reluBackward(_ y: Matrix, _ dy: Matrix, into dx: Matrix) {
        binary(y, dy, dx, "reluBackward", kernels.pointee.relu_backward)
    }

    /// y = e^x.
    public func exp(_ x: Matrix, into y: Matrix) { unary(x, y, "exp", kernels.pointee.exp) }

    /// y = log x; minus infinity at 0, NaN below.
    public func log(_ x: Matrix, into y: Matrix) { unary(x, y, "log", kernels.pointee.log) }

    /// z = x + y.
    public func add(_ x: Matrix, _ y: Matrix, into z: Matrix) {
        binary(x, y, z, "add", kernels.pointee.add)
    }

    /// z = x y, element by element.
    public func multiply(_ x: Matrix, _ y: Matrix, into z: Matrix) {
        binary(x, y, z, "multiply", kernels.pointee.multiply)
    }

    /// y += alpha x.
    public func axpy(_ alpha: Float, _ x: Matrix, into y: Matrix) {
        x.checkShape(y, "axpy")
        forRuns(x, contiguous: x.isContiguous && y.isContiguous) { row, column, count in
            kernels.pointee.axpy(
                alpha, x.base + (row * x.stride + column), y.base + (row * y.stride + column), count
            )
        }
    }

    /// y = alpha x.
    public func scale(_ alpha: Float, _ x: Matrix, into y: Matrix) {
        x.checkShape(y, "scale")
        forRuns(x, contiguous: x.isContiguous && y.isContiguous) { row, column, count in
            kernels.pointee.scale(
                alpha, x.base + (row * x.stride + column), y.base + (row * y.stride + column), count
            )
        }
    }

    /// y = x + bias in every row.
    public func addRow(_ x: Matrix, _ bias: Matrix, into y: Matrix) {
        x.checkShape(y, "addRow")
        bias.checkVector(x.columns, "addRow")
        forRows(x.rows, of: x.columns) { range in
            for row in range {
                kernels.pointee.add(
                    x.base + row * x.stride, bias.base, y.base + row * y.stride, x.columns)
            }
        }
    }

    private func unary(
        _ x: Matrix, _ y: Matrix, _ name: StaticString, _ kernel: Unary
    ) {
        x.checkShape(y, name)
        forRuns(x, contiguous: x.isContiguous && y.isContiguous) { row, column, count in
            kernel(x.base + (row * x.stride + column), y.base + (row * y.stride + column), count)
        }
    }

    private func binary(
        _ x: Matrix, _ y: Matrix, _ z: Matrix, _ name: StaticString, _ kernel: Binary
    ) {
        x.checkShape(y, name)
        x.checkShape(z, name)
        let contiguous = x.isContiguous && y.isContiguous && z.isContiguous
        forRuns(x, contiguous: contiguous) { row, column, count in
            kernel(
                x.base + (row * x.stride + column), y.base + (row * y.stride + column),
                z.base + (row * z.stride + column), count)
        }
    }
}
