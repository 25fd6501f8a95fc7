// The matrix product: the three outer loops of BLIS over packed blocks, with threads. C's rows and
// columns are shared out; k never is.
//
// Definition of an element, for every shape, blocking, thread count and packing: k is cut into runs
// whose length depends on k alone; each run is one chain of (fused, where the hardware fuses)
// multiply-adds in ascending k from zero; C = scale * run + (C, bias or 0), run after run. So a row
// of C has the same bits in any batch.

internal import Kernels

extension Compute {
    /// C = scale * op(A) op(B) + bias, or C += scale * op(A) op(B).
    ///
    /// op(A) is m x k, op(B) k x n, C m x n; `bias` is a vector of n and cannot be combined with
    /// `accumulate`. C may not overlap A or B. With `.bfloat16`, or where an operand is bfloat16, both
    /// operands are rounded to it; sums are float32.
    public func gemm(
        _ a: some ProductOperand, transposed transposeA: Bool = false, _ b: some ProductOperand,
        transposed transposeB: Bool = false, into c: Matrix, accumulate: Bool = false,
        bias: Matrix? = nil, scale: Float = 1, precision: Precision = .float32
    ) {
        multiply(
            Operand(a, transposed: transposeA), .plain(Operand(b, transposed: transposeB)),
            into: c, accumulate: accumulate, bias: bias, scale: scale, precision: precision)
    }

    /// C = scale * op(A) B + bias, or C += scale * op(A) B, with B packed by this context's `pack`, in
    /// the precision that it was packed in.
    public func gemm(
        _ a: some ProductOperand, transposed transposeA: Bool = false, _ b: PackedMatrix,
        into c: Matrix, accumulate: Bool = false, bias: Matrix? = nil, scale: Float = 1
    ) {
        check(b)
        multiply(
            Operand(a, transposed: transposeA), .packed(b), into: c, accumulate: accumulate,
            bias: bias, scale: scale)
    }

    func check(_ b: PackedMatrix) {
        precondition(
            b.instructionSet == instructionSet,
            "gemm: B was packed for \(b.instructionSet?.description ?? "nothing"), not \(instructionSet)"
        )
    }

    /// The product, and an epilogue over finished rows.
    func multiply(
        _ a: Operand, _ b: RightOperand, into c: Matrix, accumulate: Bool, bias: Matrix?,
        scale: Float, precision: Precision = .float32,
        epilogue: ((_ rows: Range<Int>) -> Void)? = nil
    ) {
        guard
            let product = GEMMProduct(
                a, b, into: c, accumulate: accumulate, bias: bias, scale: scale,
                precision: precision, kernels: kernels)
        else {
            if let epilogue { forRows(c.rows, of: c.columns, epilogue) }
            return
        }
        let inside = retort_inside_work() != 0
        let parts = inside ? 1 : threadCount
        let blocking = GEMMBlocking(
            m: product.m, n: product.n, k: product.k, parts: parts, product.format)
        if blocking.sharesColumns {
            multiplyColumns(product, blocking, parts: parts, inside: inside)
            if let epilogue { forRows(c.rows, of: c.columns, epilogue) }
        } else {
            multiplyRows(product, blocking, inside: inside, epilogue)
        }
    }

    /// Many rows: blocks of them are shared out, the panels of B are common to all.
    private func multiplyRows(
        _ product: GEMMProduct, _ blocking: GEMMBlocking, inside: Bool,
        _ epilogue: ((_ rows: Range<Int>) -> Void)?
    ) {
        let (m, n) = (product.m, product.n)
        func multiply(_ slab: GEMMSlab, _ epilogue: ((_ rows: Range<Int>) -> Void)?) {
            parallelFor((m - 1) / blocking.rowBlock + 1) { range in
                let scratch = scratchOfThread
                let left = scratch.left.floats(
                    product.format.leftFloats(rows: blocking.rowBlock, depth: blocking.runs.longest)
                )
                for index in range {
                    let start = index * blocking.rowBlock
                    let rows = start..<min(m, start + blocking.rowBlock)
                    product.multiply(
                        rows: rows, of: slab, left: left, tile: scratch.tile(kernels))
                    epilogue?(rows)
                }
            }
        }
        if case .packed(let packed) = product.b, !packed.isHalved {
            return multiply(packed.slab(product.format), epilogue)
        }
        // Inside a body of `parallelFor` the shared buffers may be another thread's.
        let memory = (inside ? scratchOfThread.right : sharedPanels).floats(
            blocking.columnBlock * product.format.slots(blocking.runs.longest))
        for column in stride(from: 0, to: n, by: blocking.columnBlock) {
            for run in blocking.runs.indices {
                let slab = GEMMSlab(
                    memory, columns: column..<min(n, column + blocking.columnBlock),
                    runs: blocking.runs, part: run..<run + 1, format: product.format)
                switch product.b {
                case .packed(let packed): widen(packed, into: slab)
                case .plain(let operand): pack(operand, into: slab)
                case .stored(let stored): pack(stored, into: slab)
                }
                multiply(slab, nil)
            }
        }
        if let epilogue { forRows(product.c.rows, of: product.c.columns, epilogue) }
    }

    /// Widens the panels of a slab, on all threads.
    private func widen(_ packed: PackedMatrix, into slab: GEMMSlab) {
        parallelFor(slab.pieces, grain: packGrain(slab)) { range in
            for piece in range {
                let (run, column) = slab.place(of: piece)
                packed.widen(
                    run: run, column: column, slab.format,
                    into: slab.panel(run: run, column: column))
            }
        }
    }

    /// Few rows: one packed A for all threads, columns shared out.
    private func multiplyColumns(
        _ product: GEMMProduct, _ blocking: GEMMBlocking, parts: Int, inside: Bool
    ) {
        let tile = kernels.pointee.column_tile
        let memory = inside ? scratchOfThread.left : sharedRows
        let left = memory.floats(product.format.leftFloats(rows: product.m, depth: product.k))
        product.packLeft(blocking.runs, into: left)
        let count = (product.n + tile - 1) / tile
        let grain = parts == 1 ? count : max(1, (count + 4 * parts - 1) / (4 * parts))
        parallelFor(count, grain: grain) { range in
            let scratch = scratchOfThread
            let columns = range.lowerBound * tile..<min(product.n, range.upperBound * tile)
            product.multiply(
                columns: columns, blocking.runs, left: left,
                right: scratch.right.floats(tile * blocking.runs.longest),
                tile: scratch.tile(kernels))
        }
    }

    /// Packs the panels of a slab, on all threads.
    private func pack(_ b: Operand, into slab: GEMMSlab) {
        parallelFor(slab.pieces, grain: packGrain(slab)) { range in
            for piece in range { slab.pack(piece, of: b) }
        }
    }

    private func pack(_ b: StoredOperand, into slab: GEMMSlab) {
        parallelFor(slab.pieces, grain: packGrain(slab)) { range in
            for piece in range {
                let (run, column) = slab.place(of: piece)
                b.pack(
                    column: column, columnEnd: slab.columns.upperBound, depth: run,
                    into: slab.panel(run: run, column: column), slab.format)
            }
        }
    }

    /// Pieces of a slab that are worth a turn of a thread.
    func packGrain(_ slab: GEMMSlab) -> Int {
        max(1, Self.elementBlock / (kernels.pointee.column_tile * slab.runs.longest))
    }
}
