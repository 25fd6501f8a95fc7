// Several matrices packed as one right operand: side by side (the weights of a fused projection) or one
// upon the other (the same weights in its backward pass). Only packing sees the parts; a product sees
// one packed matrix, with the bits that one concatenated matrix would have given.

/// Operands with a common side.
struct Concatenation {
    let parts: [Operand]
    /// Whether the columns of the parts follow each other, or else the rows.
    let sideBySide: Bool
    let rows: Int
    let columns: Int

    init(_ parts: [Operand], sideBySide: Bool) {
        self.parts = parts
        self.sideBySide = sideBySide
        let common = parts.first.map { sideBySide ? $0.rows : $0.columns } ?? 0
        for part in parts {
            precondition(
                (sideBySide ? part.rows : part.columns) == common,
                "pack: a part of \(part.rows) x \(part.columns) where the others have \(common)")
        }
        let sum = parts.reduce(0) { $0 + (sideBySide ? $1.columns : $1.rows) }
        (rows, columns) = sideBySide ? (common, sum) : (sum, common)
    }

    /// Packs one run of one panel.
    ///
    /// A panel whose elements come from several parts is put together in `scratch` first.
    func pack(
        column: Int, columnEnd: Int, depth: Range<Int>, into panel: UnsafeMutablePointer<Float>,
        scratch: ScratchMemory, _ format: PanelFormat
    ) {
        let width = format.columnTile
        let end = min(columnEnd, column + width)
        var start = 0
        for part in parts {
            let next = start + (sideBySide ? part.columns : part.rows)
            if sideBySide, start <= column, end <= next {
                return format.packRight(
                    part, column: column - start, columnEnd: end - start, depth: depth, into: panel)
            }
            if !sideBySide, start <= depth.lowerBound, depth.upperBound <= next {
                return format.packRight(
                    part, column: column, columnEnd: end,
                    depth: depth.lowerBound - start..<depth.upperBound - start, into: panel)
            }
            start = next
        }
        let whole = Matrix(
            base: scratch.floats(depth.count * width), rows: depth.count, columns: end - column)
        gather(column..<end, depth, into: whole)
        format.packRight(
            Operand(whole, transposed: false), column: 0, columnEnd: whole.columns,
            depth: 0..<depth.count, into: panel)
    }

    private func gather(_ columns: Range<Int>, _ depth: Range<Int>, into whole: Matrix) {
        var start = 0
        for part in parts {
            let next = start + (sideBySide ? part.columns : part.rows)
            let present = (sideBySide ? columns : depth).clamped(to: start..<next)
            for row in sideBySide ? depth : present {
                for column in sideBySide ? present : columns {
                    whole[row - depth.lowerBound, column - columns.lowerBound] =
                        part.value(
                            sideBySide ? row : row - start, sideBySide ? column - start : column)
                }
            }
            start = next
        }
    }
}

extension Compute {
    /// Packs several op(Bi) side by side, as one right operand.
    ///
    /// Each op(Bi) is k x ni, so each Bi is ni x k with `transposed`; the result is k x (n1 + n2 + ...),
    /// with the same bits as one matrix of all columns.
    public func pack(
        _ parts: [Matrix], transposed: Bool = false, into packed: PackedMatrix,
        precision: Precision = .float32
    ) {
        pack(
            Concatenation(
                parts.map { Operand($0, transposed: transposed) }, sideBySide: true),
            into: packed, precision: precision)
    }

    /// Packs several Bi one upon the other, as one right operand.
    ///
    /// Each Bi is ni x k; the result is (n1 + n2 + ...) x k, with the same bits as one matrix of all
    /// rows.
    public func pack(
        stacked parts: [Matrix], into packed: PackedMatrix, precision: Precision = .float32
    ) {
        pack(
            Concatenation(
                parts.map { Operand($0, transposed: false) }, sideBySide: false),
            into: packed, precision: precision)
    }
}
