// Products with panels that were packed for others: of a weight that is held once, as panels of float32
// products (maybe as bfloat16, see `PackedMatrix.isHalved`), both y = x W^T and dx = dy W, in both
// precisions. What a product can't read as it lies is packed again on the way, a slab at a time, from
// panels that lie in whole cache lines. The bits of a product are those with the plain operand.
//
// Rejected: a second packing for the other direction. It saves a few hundredths of the time of a product
// of some hundred rows, and doubles the memory of a frozen model.

internal import Kernels

/// Panels of float32 products as the right operand of any: op(P), P as the packed matrix stands for.
struct StoredOperand {
    let source: PackedMatrix
    let transposed: Bool

    var rows: Int { transposed ? source.columns : source.rows }
    var columns: Int { transposed ? source.rows : source.columns }

    /// Packs one run of one panel.
    func pack(
        column: Int, columnEnd: Int, depth: Range<Int>, into panel: UnsafeMutablePointer<Float>,
        _ format: PanelFormat
    ) {
        let stored = source.slab(PanelFormat(kernels: format.kernels, precision: .float32))
        let end = min(columnEnd, column + format.columnTile)
        if transposed {
            packAcross(stored, column..<end, depth, into: panel, format)
        } else {
            packAlong(stored, column, end - column, depth, into: panel, format)
        }
    }

    /// The panel of the same columns, cut into other runs.
    private func packAlong(
        _ stored: GEMMSlab, _ column: Int, _ count: Int, _ depth: Range<Int>,
        into panel: UnsafeMutablePointer<Float>, _ format: PanelFormat
    ) {
        let width = format.columnTile
        withBlock(rows: stored.runs.longest, width) { block in
            for run in stored.runs.indices.map({ stored.runs[$0] }) {
                let common = run.clamped(to: depth)
                if common.isEmpty { continue }
                let lines = read(
                    stored, common, column: column, into: block, asHalves: format.readsHalves)
                format.packRight(
                    Operand(lines, rows: common.count, width: width), column: 0, columnEnd: count,
                    depth: 0..<common.count,
                    into: panel + format.slots(common.lowerBound - depth.lowerBound) * width)
            }
        }
    }

    /// The panel of columns that are k of the stored panels: put together from squares of all panels
    /// that the run goes through.
    private func packAcross(
        _ stored: GEMMSlab, _ columns: Range<Int>, _ depth: Range<Int>,
        into panel: UnsafeMutablePointer<Float>, _ format: PanelFormat
    ) {
        let width = format.columnTile
        withBlock(rows: width, width) { block in
            var start = depth.lowerBound
            while start < depth.upperBound {
                let first = start / width * width
                let part = start..<min(depth.upperBound, first + width)
                let lines = read(
                    stored, columns, column: first, into: block, asHalves: format.readsHalves)
                format.packRight(
                    Operand(
                        lines, rows: columns.count, width: width,
                        columns: part.lowerBound - first..<part.upperBound - first), column: 0,
                    columnEnd: columns.count, depth: 0..<part.count,
                    into: panel + format.slots(part.lowerBound - depth.lowerBound) * width)
                start = part.upperBound
            }
        }
    }

    /// Lines of a stored panel, where they lie or, if they aren't in one piece or in the wrong form, in
    /// `block`.
    private func read(
        _ stored: GEMMSlab, _ lines: Range<Int>, column: Int,
        into block: UnsafeMutableRawPointer, asHalves: Bool
    ) -> ProductStorage.Base {
        let width = stored.format.columnTile
        let floats = source.floats
        let halves = source.halves
        let target = block.assumingMemoryBound(to: Float.self)
        let narrow = block.assumingMemoryBound(to: UInt16.self)
        var line = lines.lowerBound
        while line < lines.upperBound {
            let run = stored.runs[line / stored.runs.longest]
            let part = line..<min(lines.upperBound, run.upperBound)
            let offset =
                stored.offset(run: run, column: column) + (part.lowerBound - run.lowerBound) * width
            let place = (part.lowerBound - lines.lowerBound) * width
            let count = part.count * width
            switch (source.isHalved, asHalves) {
            case (false, _):
                if part == lines { return .floats(floats + offset) }
                (target + place).update(from: floats + offset, count: count)
            case (true, true):
                if part == lines { return .halves(halves + offset) }
                (narrow + place).update(from: halves + offset, count: count)
            case (true, false):
                stored.format.kernels.pointee.widen_bfloat16(
                    halves + offset, target + place, count)
            }
            line = part.upperBound
        }
        return source.isHalved && asHalves ? .halves(narrow) : .floats(target)
    }

    private func withBlock(
        rows: Int, _ width: Int, _ body: (UnsafeMutableRawPointer) -> Void
    ) {
        withUnsafeTemporaryAllocation(
            byteCount: rows * width * MemoryLayout<Float>.stride, alignment: 64
        ) { memory in
            guard let base = memory.baseAddress else { return }
            body(base)
        }
    }
}

extension PanelFormat {
    /// Whether the packers of this precision read bfloat16; those of float32 products don't.
    fileprivate var readsHalves: Bool { precision == .bfloat16 }
}

extension Operand {
    /// Lines of a stored panel: k along the columns given (a transposed operand), or along the rows.
    fileprivate init(
        _ base: ProductStorage.Base, rows: Int, width: Int, columns: Range<Int>? = nil
    ) {
        let start = columns?.lowerBound ?? 0
        let moved: ProductStorage.Base =
            switch base {
            case .floats(let floats): .floats(floats + start)
            case .halves(let halves): .halves(halves + start)
            }
        self.init(
            base: moved, stride: width, transposed: columns != nil,
            rows: columns?.count ?? rows, columns: columns == nil ? width : rows)
    }
}

extension Compute {
    /// C = op(A) op(P) + bias, or C += op(A) op(P), with P packed for float32 products, whatever the
    /// precision of this one; then `epilogue` over all rows of C.
    ///
    /// - Parameters:
    ///   - a: The left operand, m x k.
    ///   - stored: P, packed by this context's `pack` in float32, maybe held as bfloat16.
    ///   - transposed: Whether the right operand is P's transpose.
    ///   - c: The result, m x n.
    ///   - accumulate: Whether the product is added to C.
    ///   - bias: A vector of n; not together with `accumulate`.
    ///   - precision: The precision of the operands.
    ///   - epilogue: As in `gemm(_:transposed:_:into:accumulate:bias:scale:epilogue:)`.
    public func gemm(
        _ a: some ProductOperand, stored: PackedMatrix, transposed: Bool = false, into c: Matrix,
        accumulate: Bool = false, bias: Matrix? = nil, precision: Precision = .float32,
        epilogue: ((_ rows: Range<Int>) -> Void)? = nil
    ) {
        check(stored)
        precondition(stored.precision == .float32, "gemm: stored panels of bfloat16 products")
        let left = Operand(a, transposed: false)
        let isAsItLies = !transposed && left.precision(precision) == .float32
        multiply(
            left,
            isAsItLies
                ? .packed(stored) : .stored(StoredOperand(source: stored, transposed: transposed)),
            into: c, accumulate: accumulate, bias: bias, scale: 1, precision: precision,
            epilogue: epilogue)
    }
}
