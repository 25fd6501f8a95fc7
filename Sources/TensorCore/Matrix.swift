// A view of a rectangle of floats. It owns nothing: memory comes from an `Arena`, a parameter buffer
// or the caller, who keeps it alive. It isn't a tensor: shapes of more than two axes are the
// business of whoever lays out the rows.

/// A row-major rectangle of floats in somebody else's memory; a vector is one row.
///
/// `@safe`: element access is checked, and whoever makes a view from a raw pointer says `unsafe`
/// there. Copies of a view see the same elements.
@safe
public struct Matrix: @unchecked Sendable {
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int
    /// Elements from one row's start to the next one's.
    public let stride: Int
    /// The first element.
    public let base: UnsafeMutablePointer<Float>

    /// A view of memory that holds at least `(rows - 1) * stride + columns` floats.
    public init(base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil) {
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

    /// The element at a place.
    public subscript(row: Int, column: Int) -> Float {
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
    public func row(_ index: Int) -> Matrix {
        precondition(index >= 0 && index < rows, "row \(index) of \(rows)")
        return Matrix(base: base + index * stride, rows: 1, columns: columns, stride: stride)
    }

    /// Some neighbouring rows.
    public func rows(_ range: Range<Int>) -> Matrix {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows)")
        return Matrix(
            base: base + range.lowerBound * stride, rows: range.count, columns: columns,
            stride: stride)
    }

    /// Some neighbouring columns of all rows.
    public func columns(_ range: Range<Int>) -> Matrix {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= columns, "columns \(range) of \(columns)")
        return Matrix(
            base: base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }

    /// The same elements in rows of another length; they must follow each other without gaps.
    public func reshaped(rows: Int, columns: Int) -> Matrix {
        precondition(
            isContiguous && rows * columns == count,
            "\(self.rows) x \(self.columns) (stride \(stride)) as \(rows) x \(columns)")
        return Matrix(base: base, rows: rows, columns: columns)
    }

    /// Sets every element.
    public func fill(_ value: Float) {
        for row in 0..<rows { (base + row * stride).update(repeating: value, count: columns) }
    }

    /// Takes the elements of a matrix of the same shape; the two may not overlap in part.
    public func copy(from source: Matrix) {
        checkShape(source, "copy")
        if isContiguous && source.isContiguous {
            base.update(from: source.base, count: count)
        } else {
            for row in 0..<rows {
                (base + row * stride).update(
                    from: source.base + row * source.stride, count: columns)
            }
        }
    }

    /// Takes the elements of an array, row by row.
    public func assign(_ values: [Float]) {
        precondition(
            values.count == count, "\(values.count) values for a \(rows) x \(columns) matrix")
        values.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            for row in 0..<rows {
                (base + row * stride).update(from: start + row * columns, count: columns)
            }
        }
    }

    /// The elements, row by row.
    public func toArray() -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
            if let start = buffer.baseAddress {
                for row in 0..<rows {
                    (start + row * columns).initialize(from: base + row * stride, count: columns)
                }
            }
            initialised = count
        }
    }

    /// Stops with both shapes unless they are equal.
    @inline(__always)
    func checkShape(_ other: Matrix, _ operation: StaticString) {
        precondition(
            other.rows == rows && other.columns == columns,
            "\(operation): \(other.rows) x \(other.columns) with \(rows) x \(columns)")
    }

    /// Stops unless this is a vector of `count` elements.
    @inline(__always)
    func checkVector(_ count: Int, _ operation: StaticString) {
        precondition(
            rows == 1 && columns == count,
            "\(operation): \(rows) x \(columns) where a vector of \(count) is due")
    }
}
