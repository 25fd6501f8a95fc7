// Which elements a dropout kept, a bit each: what its backward pass needs, at a thirty-second of the
// memory of the values and without drawing the random numbers again.

internal import Kernels

/// The masks of some rows, in an arena's memory.
@safe
public struct DropoutMask: @unchecked Sendable {
    /// Number of rows.
    public let rows: Int
    /// The most columns of a row.
    public let columns: Int
    let base: UnsafeMutablePointer<UInt8>

    /// Bytes of a row: whole words of 32 columns, column c in bit `c % 8` of byte `c / 8`.
    static func rowBytes(_ columns: Int) -> Int { (columns + 31) / 32 * 4 }

    /// The mask of one row.
    @safe
    public struct Row: @unchecked Sendable {
        let base: UnsafeMutablePointer<UInt8>
        let columns: Int

        /// Whether the element of a column was kept.
        public func keeps(_ column: Int) -> Bool {
            precondition(column >= 0 && column < columns, "column \(column) of \(columns)")
            return base[column / 8] >> UInt8(column % 8) & 1 == 1
        }
    }

    /// The mask of a row, of which any number of columns may be used.
    public func row(_ index: Int) -> Row {
        precondition(index >= 0 && index < rows, "mask row \(index) of \(rows)")
        return Row(base: base + index * Self.rowBytes(columns), columns: columns)
    }

    /// Some neighbouring rows.
    public func rows(_ range: Range<Int>) -> DropoutMask {
        precondition(range.lowerBound >= 0 && range.upperBound <= rows, "\(range) of \(rows)")
        return DropoutMask(
            rows: range.count, columns: columns,
            base: base + range.lowerBound * Self.rowBytes(columns))
    }
}

extension Arena {
    /// Room for the masks of some rows, uninitialised.
    public func dropoutMask(_ rows: Int, _ columns: Int) -> DropoutMask {
        DropoutMask(
            rows: rows, columns: columns, base: bytes(rows * DropoutMask.rowBytes(columns)))
    }
}

extension Compute {
    /// y = x / (1 - probability) where the mask kept, else 0; y may be x.
    ///
    /// The backward pass of the dropout that filled the mask.
    public func dropout(
        _ x: Matrix, probability: Float, mask: DropoutMask, into y: Matrix
    ) {
        x.checkShape(y, "dropout")
        precondition(
            mask.rows == x.rows && mask.columns == x.columns,
            "dropout: a mask of \(mask.rows) x \(mask.columns) for \(x.rows) x \(x.columns)")
        forRows(x.rows, of: x.columns) { range in
            for row in range {
                serial.dropout(
                    x.row(row), probability: probability, mask: mask.row(row), into: y.row(row))
            }
        }
    }
}

extension SerialKernels {
    /// y = x / (1 - probability) where the mask kept, else 0.
    public func dropout(
        _ x: Matrix, probability: Float, mask: DropoutMask.Row, into y: Matrix
    ) {
        checkRows(x, y, "dropout")
        precondition(x.columns <= mask.columns, "dropout: \(x.columns) of \(mask.columns) columns")
        kernels.pointee.dropout_masked(
            x.base, y.base, x.columns, DropoutStream.keep(probability).factor, mask.base)
    }
}
