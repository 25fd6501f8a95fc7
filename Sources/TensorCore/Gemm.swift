// The matrix product: the three outer loops of BLIS over packed blocks, with threads. C's rows and
// columns are shared out; k never is.
//
// Definition of an element, for every shape, blocking, thread count and packing: k is cut into runs
// whose length depends on k alone; each run is one chain of (fused, where the hardware fuses)
// multiply-adds in ascending k from zero; C = scale * run + (C, bias or 0), run after run. So a row
// of C has the same bits in any batch.

internal import Kernels

/// Where the right operand's panels come from.
private enum RightOperand {
    case plain(Operand)
    case packed(PackedMatrix)
}

extension Compute {
    /// C = scale * op(A) op(B) + bias, or C += scale * op(A) op(B).
    ///
    /// op(A) is m x k, op(B) k x n, C m x n; `bias` is a vector of n and cannot be combined with
    /// `accumulate`. C may not overlap A or B.
    public func gemm(
        _ a: Matrix, transposed transposeA: Bool = false, _ b: Matrix,
        transposed transposeB: Bool = false, into c: Matrix, accumulate: Bool = false,
        bias: Matrix? = nil, scale: Float = 1
    ) {
        multiply(
            Operand(matrix: a, transposed: transposeA),
            .plain(Operand(matrix: b, transposed: transposeB)),
            inner: transposeB ? b.columns : b.rows,
            n: transposeB ? b.rows : b.columns, into: c, accumulate: accumulate, bias: bias,
            scale: scale)
    }

    /// C = scale * op(A) B + bias, or C += scale * op(A) B, with B packed by this context's `pack`.
    public func gemm(
        _ a: Matrix, transposed transposeA: Bool = false, _ b: PackedMatrix, into c: Matrix,
        accumulate: Bool = false, bias: Matrix? = nil, scale: Float = 1
    ) {
        precondition(
            b.instructionSet == instructionSet,
            "gemm: B was packed for \(b.instructionSet?.description ?? "nothing"), not \(instructionSet)"
        )
        multiply(
            Operand(matrix: a, transposed: transposeA), .packed(b), inner: b.rows, n: b.columns,
            into: c, accumulate: accumulate, bias: bias, scale: scale)
    }

    private func multiply(
        _ a: Operand, _ b: RightOperand, inner: Int, n: Int, into c: Matrix, accumulate: Bool,
        bias: Matrix?, scale: Float
    ) {
        let (m, k) = (a.rows, a.columns)
        precondition(
            inner == k && c.rows == m && c.columns == n,
            "gemm: \(m) x \(k) by \(inner) x \(n) into \(c.rows) x \(c.columns)")
        precondition(!(accumulate && bias != nil), "gemm: a bias cannot be accumulated")
        bias?.checkVector(n, "gemm bias")
        guard m > 0, n > 0 else { return }
        guard k > 0 else {
            if !accumulate { fillRows(c, bias: bias) }
            return
        }
        let inside = retort_inside_work() != 0
        let parts = inside ? 1 : threadCount
        let blocking = GEMMBlocking(m: m, n: n, k: k, parts: parts, kernels: kernels)
        let tile = kernels.pointee.column_tile
        // Inside a body of `parallelFor` the shared buffers may be another thread's.
        let panelMemory = inside ? scratchOfThread.right : sharedPanels
        for column in stride(from: 0, to: n, by: blocking.columnBlock) {
            let columnEnd = min(n, column + blocking.columnBlock)
            for run in 0..<blocking.depthCount {
                let kRange = run * blocking.depth..<min(k, (run + 1) * blocking.depth)
                let panels: UnsafeMutablePointer<Float>
                switch b {
                case .packed(let packed):
                    panels = packed.panel(run: kRange, column: column, kernels: kernels)
                case .plain(let operand):
                    panels = panelMemory.floats(blocking.columnBlock * blocking.depth)
                    packSlab(operand, column..<columnEnd, kRange, into: panels)
                }
                let block = GEMMSlab(
                    a: a, panels: panels, columns: column..<columnEnd, depth: kRange, c: c,
                    accumulate: accumulate || run > 0, bias: run > 0 ? nil : bias, scale: scale)
                let rowBlocks = (m + blocking.rowBlock - 1) / blocking.rowBlock
                if rowBlocks >= parts {
                    parallelFor(rowBlocks) { range in
                        let scratch = scratchOfThread
                        for index in range {
                            let start = index * blocking.rowBlock
                            let rows = start..<min(m, start + blocking.rowBlock)
                            let packed = scratch.left.floats(blocking.rowBlock * blocking.depth)
                            kernels.packLeft(a, rows: rows, depth: kRange, into: packed)
                            kernels.multiply(
                                block, rows: rows, packed: packed, columns: block.columns,
                                tile: scratch.tile(kernels))
                        }
                    }
                } else {
                    // Few rows: one packed A for all threads, columns shared out.
                    let packed = sharedRows.floats(m * blocking.depth)
                    kernels.packLeft(a, rows: 0..<m, depth: kRange, into: packed)
                    let count = (columnEnd - column + tile - 1) / tile
                    let grain = max(1, (count + 4 * parts - 1) / (4 * parts))
                    parallelFor(count, grain: grain) { range in
                        let first = column + range.lowerBound * tile
                        let last = min(columnEnd, column + range.upperBound * tile)
                        kernels.multiply(
                            block, rows: 0..<m, packed: packed, columns: first..<last,
                            tile: scratchOfThread.tile(kernels))
                    }
                }
            }
        }
    }

    /// Packs the panels of some columns, on all threads.
    private func packSlab(
        _ b: Operand, _ columns: Range<Int>, _ depth: Range<Int>,
        into panels: UnsafeMutablePointer<Float>
    ) {
        let tile = kernels.pointee.column_tile
        let count = (columns.count + tile - 1) / tile
        parallelFor(count, grain: max(1, Self.elementBlock / (tile * depth.count))) { range in
            for index in range {
                kernels.packRight(
                    b, column: columns.lowerBound + index * tile, columnEnd: columns.upperBound,
                    depth: depth, into: panels + index * tile * depth.count)
            }
        }
    }

    private func fillRows(_ c: Matrix, bias: Matrix?) {
        for row in 0..<c.rows {
            if let bias { c.row(row).copy(from: bias) } else { c.row(row).fill(0) }
        }
    }
}

/// A slab of columns of C, for one run of k.
struct GEMMSlab {
    let a: Operand
    let panels: UnsafeMutablePointer<Float>
    let columns: Range<Int>
    let depth: Range<Int>
    let c: Matrix
    let accumulate: Bool
    let bias: Matrix?
    let scale: Float
}

extension UnsafePointer<retort_kernels> {
    /// The part of a slab that some rows and columns make up.
    ///
    /// `columns` starts at a panel.
    func multiply(
        _ slab: GEMMSlab, rows: Range<Int>, packed: UnsafePointer<Float>, columns: Range<Int>,
        tile: UnsafeMutablePointer<Float>
    ) {
        let depth = slab.depth.count
        let panelOffset = (columns.lowerBound - slab.columns.lowerBound) * depth
        pointee.gemm_block(
            packed, slab.panels + panelOffset, rows.count, columns.count, depth,
            slab.c.base + (rows.lowerBound * slab.c.stride + columns.lowerBound), slab.c.stride,
            slab.accumulate ? 1 : 0,
            slab.bias.map { UnsafePointer<Float>($0.base + columns.lowerBound) }, slab.scale, tile)
    }
}
