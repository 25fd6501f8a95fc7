// Sums and extremes over whole matrices, and sums of columns. Fixed blocks, joined in order: the same
// bits for any number of threads. (A matrix with gaps is summed row by row, so its sum may differ in
// the last bits from that of a copy without gaps.)

internal import Kernels

extension Compute {
    /// Columns that one thread sums.
    private static let columnStripe = 64

    /// Sums of the columns of x into (or, accumulating, onto) a vector.
    public func columnSum(_ x: Matrix, into sums: Matrix, accumulate: Bool = false) {
        sums.checkVector(x.columns, "columnSum")
        parallelFor(x.columns, grain: Self.columnStripe) { columns in
            kernels.pointee.column_sum(
                x.base + columns.lowerBound, x.stride, x.rows, columns.count,
                sums.base + columns.lowerBound, accumulate ? 1 : 0)
        }
    }

    /// Sum of the elements, in double precision.
    public func sum(_ x: Matrix) -> Double { blocks(x, kernels.pointee.sum).reduce(0, +) }

    /// Sum of the squares of the elements, in double precision.
    public func sumOfSquares(_ x: Matrix) -> Double {
        blocks(x, kernels.pointee.sum_of_squares).reduce(0, +)
    }

    /// Largest magnitude; NaN is passed over (see `allFinite`).
    public func maxAbs(_ x: Matrix) -> Float {
        Float(blocks(x) { Double(kernels.pointee.maximum_magnitude($0, $1)) }.max() ?? 0)
    }

    /// Whether no element is infinite or NaN.
    public func allFinite(_ x: Matrix) -> Bool {
        blocks(x) { Double(kernels.pointee.all_finite($0, $1)) }.allSatisfy { $0 == 1 }
    }

    /// The values of a reduction on each block of elements.
    private func blocks(
        _ x: Matrix, _ kernel: (UnsafePointer<Float>, Int) -> Double
    )
        -> UnsafeMutableBufferPointer<Double>
    {
        let (runs, length) = x.isContiguous ? (1, x.count) : (x.rows, x.columns)
        let perRun = (length + Self.elementBlock - 1) / Self.elementBlock
        let results = UnsafeMutableBufferPointer(
            start: widePartials.take(runs * perRun, of: Double.self), count: runs * perRun)
        parallelFor(runs * perRun) { range in
            for block in range {
                let start = block % perRun * Self.elementBlock
                results[block] = kernel(
                    x.base + (block / perRun * x.stride + start),
                    min(Self.elementBlock, length - start))
            }
        }
        return results
    }
}
