// What the reference operations work on: numbers in double precision, in an array, without strides,
// views or scratch. Slow and plain on purpose: the tests compare the real operations with these.

/// A rectangle of doubles, row by row; a value, not a view.
public struct ReferenceMatrix: Sendable, Equatable {
    /// Number of rows.
    public let rows: Int
    /// Number of columns.
    public let columns: Int
    /// The elements, row by row.
    public var values: [Double]

    /// A rectangle of equal elements.
    public init(rows: Int, columns: Int, repeating value: Double = 0) {
        self.rows = rows
        self.columns = columns
        values = Array(repeating: value, count: rows * columns)
    }

    /// A rectangle of given elements.
    public init(rows: Int, columns: Int, values: [Double]) {
        precondition(
            values.count == rows * columns, "\(values.count) values for \(rows) x \(columns)")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// The elements that a view shows now.
    public init(_ matrix: Matrix) {
        self.init(
            rows: matrix.rows, columns: matrix.columns, values: matrix.toArray().map(Double.init))
    }

    /// The element at a place.
    public subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// The elements of one row.
    public func row(_ row: Int) -> [Double] {
        Array(values[row * columns..<(row + 1) * columns])
    }

    /// Rows and columns exchanged.
    public var transposed: ReferenceMatrix {
        var result = ReferenceMatrix(rows: columns, columns: rows)
        for row in 0..<rows {
            for column in 0..<columns { result[column, row] = self[row, column] }
        }
        return result
    }

    /// A function of each element.
    public func map(_ function: (Double) -> Double) -> ReferenceMatrix {
        ReferenceMatrix(rows: rows, columns: columns, values: values.map(function))
    }

    /// A function of each element and the other matrix's one at the same place.
    public func combined(
        _ other: ReferenceMatrix, _ function: (Double, Double) -> Double
    ) -> ReferenceMatrix {
        precondition(
            rows == other.rows && columns == other.columns,
            "\(rows) x \(columns) with \(other.rows) x \(other.columns)")
        return ReferenceMatrix(
            rows: rows, columns: columns, values: zip(values, other.values).map(function))
    }
}

/// Every operation of `Compute` once more, as its definition says it: plain loops in double
/// precision, in the order of the indices, without regard for speed.
public enum ReferenceOperations {}
