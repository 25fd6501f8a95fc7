// A view of a rectangle of bfloat16, the upper halves of floats: half the memory for activations that
// are kept and for operands of products. It owns nothing, and no operation but products and the two
// conversions reads it.

internal import Kernels

/// In what precision a product takes its operands; sums and results are float32 in both.
public enum Precision: String, Sendable, CaseIterable {
    /// As they are.
    case float32
    /// Rounded to bfloat16: to the nearest, ties to even.
    case bfloat16
}

/// A row-major rectangle of bfloat16 in somebody else's memory; a vector is one row.
///
/// `@safe` as `Matrix` is: whoever makes a view from a raw pointer says `unsafe` there.
@safe
public struct BFloat16Matrix: @unchecked Sendable {
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int
    /// Elements from one row's start to the next one's.
    public let stride: Int
    /// The bits of the first element.
    public let base: UnsafeMutablePointer<UInt16>

    /// A view of memory that holds at least `(rows - 1) * stride + columns` elements.
    public init(base: UnsafeMutablePointer<UInt16>, rows: Int, columns: Int, stride: Int? = nil) {
        let stride = stride ?? columns
        precondition(
            rows >= 0 && columns >= 0 && (rows <= 1 || stride >= columns),
            "matrix of \(rows) x \(columns) with stride \(stride)")
        self.base = base
        self.rows = rows
        self.columns = columns
        self.stride = stride
    }

    /// Number of elements.
    public var count: Int { rows * columns }

    /// Whether the elements follow each other without gaps.
    public var isContiguous: Bool { stride == columns || rows <= 1 }

    /// The bits of the element at a place.
    public subscript(row: Int, column: Int) -> UInt16 {
        get {
            checkIndex(row, column)
            return base[row &* stride &+ column]
        }
        nonmutating set {
            checkIndex(row, column)
            base[row &* stride &+ column] = newValue
        }
    }

    private func checkIndex(_ row: Int, _ column: Int) {
        precondition(
            row >= 0 && row < rows && column >= 0 && column < columns,
            "element (\(row), \(column)) of a \(rows) x \(columns) matrix")
    }

    /// One row, as a vector.
    public func row(_ index: Int) -> Self {
        precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
        return Self(base: base + index * stride, rows: 1, columns: columns, stride: stride)
    }

    /// Some neighbouring rows.
    public func rows(_ range: Range<Int>) -> Self {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return Self(
            base: base + range.lowerBound * stride, rows: range.count, columns: columns,
            stride: stride)
    }

    /// Some neighbouring columns of all rows.
    public func columns(_ range: Range<Int>) -> Self {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return Self(base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// The same elements in rows of another length; they must follow each other without gaps.
    public func reshaped(rows: Int, columns: Int) -> Self {
        precondition(
            isContiguous && rows * columns == count,
            "\(self.rows) x \(self.columns) (stride \(stride)) as \(rows) x \(columns)")
        return Self(base: base, rows: rows, columns: columns)
    }
}

extension Arena {
    /// An uninitialised matrix of bfloat16.
    public func bfloat16Matrix(_ rows: Int, _ columns: Int) -> BFloat16Matrix {
        BFloat16Matrix(base: halves(rows * columns), rows: rows, columns: columns)
    }
}

extension Compute {
    /// y = x rounded to bfloat16: to the nearest, ties to even; NaN stays NaN.
    public func narrow(_ x: Matrix, into y: BFloat16Matrix) {
        precondition(
            x.rows == y.rows && x.columns == y.columns,
            "narrow: \(x.rows) x \(x.columns) into \(y.rows) x \(y.columns)")
        forRuns(x, contiguous: x.isContiguous && y.isContiguous) { row, column, count in
            kernels.pointee.narrow_bfloat16(
                x.base + (row * x.stride + column), y.base + (row * y.stride + column), count)
        }
    }

    /// y = x.
    public func widen(_ x: BFloat16Matrix, into y: Matrix) {
        precondition(
            x.rows == y.rows && x.columns == y.columns,
            "widen: \(x.rows) x \(x.columns) into \(y.rows) x \(y.columns)")
        forRuns(y, contiguous: x.isContiguous && y.isContiguous) { row, column, count in
            kernels.pointee.widen_bfloat16(
                x.base + (row * x.stride + column), y.base + (row * y.stride + column), count)
        }
    }
}

extension SerialKernels {
    /// y = x rounded to bfloat16, a row.
    public func narrow(_ x: Matrix, into y: BFloat16Matrix) {
        checkConversion(x, y, "narrow")
        kernels.pointee.narrow_bfloat16(x.base, y.base, x.columns)
    }

    /// y = x, a row.
    public func widen(_ x: BFloat16Matrix, into y: Matrix) {
        checkConversion(y, x, "widen")
        kernels.pointee.widen_bfloat16(x.base, y.base, x.columns)
    }

    private func checkConversion(_ x: Matrix, _ y: BFloat16Matrix, _ operation: StaticString) {
        precondition(
            x.rows == 1 && y.rows == 1 && x.columns == y.columns,
            "\(operation): \(x.rows) x \(x.columns) and \(y.rows) x \(y.columns), not equal rows")
    }
}
