// Everything that may be called from inside a `parallelFor` body: single rows and small products, on
// the calling thread, with scratch that the caller owns. Fused operations (attention) are built from
// these.

internal import Kernels

/// Memory for products inside `parallelFor`: one for each concurrent body.
public final class GEMMScratch: @unchecked Sendable {
    let left = ScratchMemory()
    let right = ScratchMemory()
    private let edge = ScratchMemory()

    /// Empty; grows with the products it is used for and is then reused.
    public init() {}

    /// Room for a micro-tile that sticks out of C, and for its part of the bias.
    func tile(_ kernels: UnsafePointer<retort_kernels>) -> UnsafeMutablePointer<Float> {
        edge.floats((kernels.pointee.row_tile + 1) * kernels.pointee.column_tile)
    }
}

/// Single-threaded kernels of a compute context.
///
/// Rows are vectors (matrices of one row). An output may be the same row as an input unless said
/// otherwise. Safe to use from several threads at once on different data.
@safe
public struct SerialKernels: @unchecked Sendable {
    let kernels: UnsafePointer<retort_kernels>

    /// C = scale * op(A) op(B) + bias, or C += scale * op(A) op(B); the bits of `Compute.gemm`.
    public func gemm(
        _ a: some ProductOperand, transposed transposeA: Bool = false, _ b: some ProductOperand,
        transposed transposeB: Bool = false, into c: Matrix, accumulate: Bool = false,
        bias: Matrix? = nil, scale: Float = 1, precision: Precision = .float32,
        scratch: GEMMScratch
    ) {
        let right = Operand(b, transposed: transposeB)
        guard
            let product = GEMMProduct(
                Operand(a, transposed: transposeA), .plain(right), into: c,
                accumulate: accumulate, bias: bias, scale: scale, precision: precision,
                kernels: kernels)
        else { return }
        let (m, n, k) = (product.m, product.n, product.k)
        let blocking = GEMMBlocking(m: m, n: n, k: k, parts: 1, product.format)
        let tile = scratch.tile(kernels)
        if blocking.sharesColumns {
            let left = scratch.left.floats(product.format.leftFloats(rows: m, depth: k))
            product.packLeft(blocking.runs, into: left)
            let panel = scratch.right.floats(kernels.pointee.column_tile * blocking.runs.longest)
            product.multiply(
                columns: 0..<n, blocking.runs, left: left, right: panel, tile: tile)
            return
        }
        let left = scratch.left.floats(
            product.format.leftFloats(rows: blocking.rowBlock, depth: blocking.runs.longest))
        let memory = scratch.right.floats(
            blocking.columnBlock * product.format.slots(blocking.runs.longest))
        for column in stride(from: 0, to: n, by: blocking.columnBlock) {
            for run in blocking.runs.indices {
                let slab = GEMMSlab(
                    memory, columns: column..<min(n, column + blocking.columnBlock),
                    runs: blocking.runs, part: run..<run + 1, format: product.format)
                for piece in 0..<slab.pieces { slab.pack(piece, of: right) }
                for row in stride(from: 0, to: m, by: blocking.rowBlock) {
                    product.multiply(
                        rows: row..<min(m, row + blocking.rowBlock), of: slab, left: left,
                        tile: tile)
                }
            }
        }
    }

    /// y = softmax(x), with the row's maximum and the sum of e^(x - maximum).
    ///
    /// A row of minus infinities gives zeros and the sum 0.
    @discardableResult
    public func softmax(_ x: Matrix, into y: Matrix) -> (maximum: Float, sum: Float) {
        checkRows(x, y, "softmax")
        var (maximum, sum): (Float, Float) = (0, 0)
        kernels.pointee.softmax(x.base, y.base, x.columns, &maximum, &sum)
        return (maximum, sum)
    }

    /// dx = y (dy - sum(y dy)), from y = softmax(x).
    public func softmaxBackward(_ y: Matrix, _ dy: Matrix, into dx: Matrix) {
        checkRows(y, dy, "softmaxBackward")
        checkRows(y, dx, "softmaxBackward")
        kernels.pointee.softmax_backward(y.base, dy.base, dx.base, y.columns)
    }

    /// y = e^(x - shift); returns the sum of y.
    @discardableResult
    public func exp(_ x: Matrix, shift: Float = 0, into y: Matrix) -> Float {
        checkRows(x, y, "exp")
        return kernels.pointee.exp_shifted(x.base, y.base, x.columns, shift)
    }

    /// Sum of products.
    public func dot(_ x: Matrix, _ y: Matrix) -> Float {
        checkRows(x, y, "dot")
        return kernels.pointee.dot(x.base, y.base, x.columns)
    }

    /// Sum of the elements.
    public func sum(_ x: Matrix) -> Float {
        checkRows(x, x, "sum")
        return kernels.pointee.row_sum(x.base, x.columns)
    }

    /// Largest element, minus infinity for none.
    public func maximum(_ x: Matrix) -> Float {
        checkRows(x, x, "maximum")
        return kernels.pointee.row_maximum(x.base, x.columns)
    }

    /// z = x + y.
    public func add(_ x: Matrix, _ y: Matrix, into z: Matrix) {
        checkRows(x, y, "add")
        checkRows(x, z, "add")
        kernels.pointee.add(x.base, y.base, z.base, x.columns)
    }

    /// z = x y, element by element.
    public func multiply(_ x: Matrix, _ y: Matrix, into z: Matrix) {
        checkRows(x, y, "multiply")
        checkRows(x, z, "multiply")
        kernels.pointee.multiply(x.base, y.base, z.base, x.columns)
    }

    /// y += alpha x.
    public func axpy(_ alpha: Float, _ x: Matrix, into y: Matrix) {
        checkRows(x, y, "axpy")
        kernels.pointee.axpy(alpha, x.base, y.base, x.columns)
    }

    /// y = alpha x.
    public func scale(_ alpha: Float, _ x: Matrix, into y: Matrix) {
        checkRows(x, y, "scale")
        kernels.pointee.scale(alpha, x.base, y.base, x.columns)
    }

    /// y = x / (1 - probability) where kept, else 0: the row `row` of `stream`.
    public func dropout(
        _ x: Matrix, probability: Float, stream: DropoutStream, row: Int, into y: Matrix,
        keeping mask: DropoutMask.Row? = nil
    ) {
        precondition(row >= 0 && row < stream.count, "dropout row \(row) of \(stream.count)")
        dropout(
            x, probability: probability, seed: stream.seed, step: stream.step, site: stream.site,
            sample: stream.sample[row], position: stream.position[row], into: y, keeping: mask)
    }

    /// The same with the row's identity given directly (attention: one row a query and head).
    public func dropout(
        _ x: Matrix, probability: Float, seed: UInt64, step: UInt64, site: UInt32, sample: UInt32,
        position: UInt32, into y: Matrix, keeping mask: DropoutMask.Row? = nil
    ) {
        checkRows(x, y, "dropout")
        precondition(x.columns <= mask?.columns ?? .max, "dropout: a mask of other columns")
        let key = DropoutStream.key(seed: seed, step: step)
        var identity = retort_random_row(
            key0: key.0, key1: key.1, position: position, site: site, sample: sample)
        let (threshold, factor) = DropoutStream.keep(probability)
        kernels.pointee.dropout(
            x.base, y.base, x.columns, threshold, factor, &identity, mask?.base)
    }

    /// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta of one row; y may be x.
    ///
    /// - Returns: The row's mean and reciprocal deviation.
    @discardableResult
    public func layerNorm(
        _ x: Matrix, gamma: Matrix, beta: Matrix, epsilon: Float, into y: Matrix
    ) -> (mean: Float, reciprocalDeviation: Float) {
        checkRows(x, y, "layerNorm")
        checkRows(gamma, beta, "layerNorm")
        checkRows(x, gamma, "layerNorm")
        guard x.columns > 0 else { return (0, 0) }
        var (mean, reciprocalDeviation): (Float, Float) = (0, 0)
        kernels.pointee.layer_norm(
            x.base, gamma.base, beta.base, y.base, x.columns, epsilon, &mean, &reciprocalDeviation)
        return (mean, reciprocalDeviation)
    }

    /// y = x Phi(x); see `Compute.gelu`.
    public func gelu(_ x: Matrix, into y: Matrix) {
        checkRows(x, y, "gelu")
        kernels.pointee.gelu(x.base, y.base, x.columns)
    }

    /// y = max(x, 0).
    public func relu(_ x: Matrix, into y: Matrix) {
        checkRows(x, y, "relu")
        kernels.pointee.relu(x.base, y.base, x.columns)
    }

    @inline(__always)
    func checkRows(_ x: Matrix, _ y: Matrix, _ operation: StaticString) {
        precondition(
            x.rows == 1 && y.rows == 1 && x.columns == y.columns,
            "\(operation): \(x.rows) x \(x.columns) and \(y.rows) x \(y.columns), not equal rows")
    }
}
