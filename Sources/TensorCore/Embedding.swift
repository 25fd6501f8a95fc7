// Rows of a table by index, and the scatter of their gradients.

internal import Kernels

extension Compute {
    /// Columns that one thread scatters: ids are walked in order in each such stripe, so that the sum
    /// of a table row has one order for any number of threads.
    private static let stripe = 64

    /// Row r of y is row `ids[r]` of the table.
    public func embedding(_ table: Matrix, ids: [Int32], into y: Matrix) {
        precondition(
            ids.count == y.rows && table.columns == y.columns,
            "embedding: \(ids.count) ids and width \(table.columns) into \(y.rows) x \(y.columns)")
        checkIDs(ids, table.rows)
        forRows(y.rows, of: y.columns) { range in
            for row in range {
                (y.base + row * y.stride).update(
                    from: table.base + Int(ids[row]) * table.stride, count: y.columns)
            }
        }
    }

    /// Adds row r of dy to row `ids[r]` of the table's gradient.
    public func embeddingBackward(_ dy: Matrix, ids: [Int32], into gradient: Matrix) {
        precondition(
            ids.count == dy.rows && gradient.columns == dy.columns,
            "embeddingBackward: \(ids.count) ids, \(dy.rows) x \(dy.columns) into width \(gradient.columns)"
        )
        checkIDs(ids, gradient.rows)
        parallelFor(dy.columns, grain: Self.stripe) { columns in
            for row in 0..<dy.rows {
                kernels.pointee.axpy(
                    1, dy.base + (row * dy.stride + columns.lowerBound),
                    gradient.base + (Int(ids[row]) * gradient.stride + columns.lowerBound),
                    columns.count)
            }
        }
    }

    private func checkIDs(_ ids: [Int32], _ rows: Int) {
        for (row, id) in ids.enumerated() where id < 0 || Int(id) >= rows {
            preconditionFailure("id \(id) (row \(row)) in a table of \(rows) rows")
        }
    }
}
