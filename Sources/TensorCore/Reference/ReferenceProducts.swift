// The reference of products, sums and look-ups.

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension ReferenceOperations {
    /// A product with, for each element, the size of what was added up: the rounding error of a sum
    /// is a multiple of that, not of the sum.
    public struct Product: Sendable {
        /// scale * op(A) op(B) + (C or bias).
        public var values: ReferenceMatrix
        /// |scale| |op(A)| |op(B)| + (|C| or |bias|).
        public var magnitudes: ReferenceMatrix
    }

    /// scale * op(A) op(B), plus a bias in every row or plus what C held.
    public static func gemm(
        _ a: ReferenceMatrix, transposed transposeA: Bool = false, _ b: ReferenceMatrix,
        transposed transposeB: Bool = false, onto c: ReferenceMatrix? = nil,
        bias: [Double]? = nil, scale: Double = 1
    ) -> Product {
        let left = transposeA ? a.transposed : a
        // B by columns, so that both inner walks are along memory.
        let right = transposeB ? b : b.transposed
        precondition(left.columns == right.columns, "\(left.columns) by \(right.columns)")
        let zero = ReferenceMatrix(rows: left.rows, columns: right.rows)
        var result = Product(values: zero, magnitudes: zero)
        for row in 0..<left.rows {
            for column in 0..<right.rows {
                var (sum, magnitude) = (0.0, 0.0)
                for index in 0..<left.columns {
                    let term = left[row, index] * right[column, index]
                    sum += term
                    magnitude += abs(term)
                }
                let start = c?[row, column] ?? bias?[column] ?? 0
                result.values[row, column] = scale * sum + start
                result.magnitudes[row, column] = abs(scale) * magnitude + abs(start)
            }
        }
        return result
    }

    /// The sum of each column, after what `start` holds.
    public static func columnSum(_ x: ReferenceMatrix, onto start: [Double]? = nil) -> [Double] {
        var sums = start ?? Array(repeating: 0, count: x.columns)
        for row in 0..<x.rows {
            for column in 0..<x.columns { sums[column] += x[row, column] }
        }
        return sums
    }

    /// The sum of all elements.
    public static func sum(_ x: ReferenceMatrix) -> Double { x.values.reduce(0, +) }

    /// The sum of the squares of all elements.
    public static func sumOfSquares(_ x: ReferenceMatrix) -> Double {
        x.values.reduce(0) { $0 + $1 * $1 }
    }

    /// The largest magnitude, 0 for no elements; NaN is passed over.
    public static func maxAbs(_ x: ReferenceMatrix) -> Double {
        x.values.reduce(0) { abs($1) > $0 ? abs($1) : $0 }
    }

    /// Whether no element is infinite or NaN.
    public static func allFinite(_ x: ReferenceMatrix) -> Bool {
        x.values.allSatisfy(\.isFinite)
    }

    /// The rows of a table that ids name.
    public static func embedding(_ table: ReferenceMatrix, ids: [Int32]) -> ReferenceMatrix {
        ReferenceMatrix(
            rows: ids.count, columns: table.columns, values: ids.flatMap { table.row(Int($0)) })
    }

    /// A table's gradient after each row of dy is added to the row that its id names.
    public static func embeddingBackward(
        _ dy: ReferenceMatrix, ids: [Int32], onto gradient: ReferenceMatrix
    ) -> ReferenceMatrix {
        var result = gradient
        for (row, id) in ids.enumerated() {
            for column in 0..<dy.columns { result[Int(id), column] += dy[row, column] }
        }
        return result
    }
}
