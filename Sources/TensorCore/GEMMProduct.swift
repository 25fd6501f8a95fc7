// One matrix product, cut into parts that any thread can do on its own: some rows of C over all of k
// (for many rows: the panels of B are shared, A is packed on the way), or some columns (for few rows: A
// is packed once and the panels of B are used as soon as they are packed). Who does which part is the
// business of `Gemm.swift` and `SerialKernels.swift`.

internal import Kernels

/// Where the right operand's panels come from.
enum RightOperand {
    case plain(Operand)
    case packed(PackedMatrix)
    case stored(StoredOperand)

    var rows: Int {
        switch self {
        case .plain(let operand): operand.rows
        case .packed(let packed): packed.rows
        case .stored(let stored): stored.rows
        }
    }

    /// The precision of a product, from that of the left operand: a packed matrix has its own.
    func precision(_ left: Precision) -> Precision {
        switch self {
        case .plain(let operand): return operand.precision(left)
        case .stored: return left
        case .packed(let packed):
            precondition(
                left == .float32 || packed.precision == .bfloat16,
                "gemm: a product in bfloat16 with a matrix packed in float32")
            return packed.precision
        }
    }

    var columns: Int {
        switch self {
        case .plain(let operand): operand.columns
        case .packed(let packed): packed.columns
        case .stored(let stored): stored.columns
        }
    }
}

/// C = scale * op(A) op(B) + bias, or C += scale * op(A) op(B).
struct GEMMProduct {
    let format: PanelFormat
    let a: Operand
    let b: RightOperand
    let c: Matrix
    let accumulate: Bool
    let bias: Matrix?
    let scale: Float

    var m: Int { c.rows }
    var n: Int { c.columns }
    var k: Int { a.columns }

    /// Checks the shapes; C is finished where there is nothing to multiply, and `nil` returned.
    init?(
        _ a: Operand, _ b: RightOperand, into c: Matrix, accumulate: Bool, bias: Matrix?,
        scale: Float, precision: Precision, kernels: UnsafePointer<retort_kernels>
    ) {
        precondition(
            b.rows == a.columns && c.rows == a.rows && c.columns == b.columns,
            """
            gemm: \(a.rows) x \(a.columns) by \(b.rows) x \(b.columns) into \
            \(c.rows) x \(c.columns)
            """)
        precondition(!(accumulate && bias != nil), "gemm: a bias cannot be accumulated")
        bias?.checkVector(c.columns, "gemm bias")
        format = PanelFormat(kernels: kernels, precision: b.precision(a.precision(precision)))
        (self.a, self.b, self.c) = (a, b, c)
        (self.accumulate, self.bias, self.scale) = (accumulate, bias, scale)
        if m == 0 || n == 0 { return nil }
        if k == 0 {
            if !accumulate {
                for row in 0..<m {
                    if let bias { c.row(row).copy(from: bias) } else { c.row(row).fill(0) }
                }
            }
            return nil
        }
    }

    /// Some rows of the columns of a slab, whose panels are packed.
    func multiply(
        rows: Range<Int>, of slab: GEMMSlab, left: UnsafeMutablePointer<Float>,
        tile: UnsafeMutablePointer<Float>
    ) {
        for run in slab.part {
            let depth = slab.runs[run]
            format.packLeft(a, rows: rows, depth: depth, into: left)
            multiplyBlock(
                left, slab.panel(run: depth, column: slab.columns.lowerBound), rows: rows,
                columns: slab.columns, depth: depth, tile: tile)
        }
    }

    /// Packs all of A: the runs of k follow each other.
    func packLeft(_ runs: GEMMRuns, into left: UnsafeMutablePointer<Float>) {
        // In ascending order: each writes a little over its end.
        for run in runs.indices {
            let depth = runs[run]
            format.packLeft(
                a, rows: 0..<m, depth: depth, into: left + m * format.slots(depth.lowerBound))
        }
    }

    /// All rows of some columns, which start at a panel; A is packed.
    ///
    /// Panels that were packed ahead are read run after run, as they lie in memory: with few rows the
    /// product waits for nothing but them. Panels that are packed on the way are made column after
    /// column, for a transposed B lies so.
    func multiply(
        columns: Range<Int>, _ runs: GEMMRuns, left: UnsafePointer<Float>,
        right: UnsafeMutablePointer<Float>, tile: UnsafeMutablePointer<Float>
    ) {
        switch b {
        case .packed(let packed):
            let slab = packed.slab(format)
            for run in runs.indices {
                let depth = runs[run]
                let rows = left + m * format.slots(depth.lowerBound)
                if packed.isHalved {
                    forEachPanel(columns) { part in
                        packed.widen(run: depth, column: part.lowerBound, format, into: right)
                        multiplyBlock(
                            rows, right, rows: 0..<m, columns: part, depth: depth, tile: tile)
                    }
                } else {
                    multiplyBlock(
                        rows, slab.panel(run: depth, column: columns.lowerBound), rows: 0..<m,
                        columns: columns, depth: depth, tile: tile)
                }
            }
        case .plain(let operand):
            multiplyPacking(columns, runs, left: left, right: right, tile: tile) { part, depth in
                format.packRight(
                    operand, column: part.lowerBound, columnEnd: n, depth: depth, into: right)
            }
        case .stored(let stored):
            multiplyPacking(columns, runs, left: left, right: right, tile: tile) { part, depth in
                stored.pack(
                    column: part.lowerBound, columnEnd: n, depth: depth, into: right, format)
            }
        }
    }

    private func multiplyPacking(
        _ columns: Range<Int>, _ runs: GEMMRuns, left: UnsafePointer<Float>,
        right: UnsafeMutablePointer<Float>, tile: UnsafeMutablePointer<Float>,
        _ pack: (_ columns: Range<Int>, _ depth: Range<Int>) -> Void
    ) {
        forEachPanel(columns) { part in
            for run in runs.indices {
                let depth = runs[run]
                pack(part, depth)
                multiplyBlock(
                    left + m * format.slots(depth.lowerBound), right, rows: 0..<m, columns: part,
                    depth: depth, tile: tile)
            }
        }
    }

    /// The panels that some columns, which start at one, consist of.
    private func forEachPanel(_ columns: Range<Int>, _ body: (Range<Int>) -> Void) {
        let width = format.columnTile
        for column in stride(from: columns.lowerBound, to: columns.upperBound, by: width) {
            body(column..<min(columns.upperBound, column + width))
        }
    }

    private func multiplyBlock(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, rows: Range<Int>,
        columns: Range<Int>, depth: Range<Int>, tile: UnsafeMutablePointer<Float>
    ) {
        let first = depth.lowerBound == 0
        let table = format.kernels.pointee
        let block =
            format.precision == .float32 ? table.gemm_block : table.gemm_block_bfloat16
        block(
            left, right, rows.count, columns.count, format.slots(depth.count),
            c.base + (rows.lowerBound * c.stride + columns.lowerBound), c.stride,
            accumulate || !first ? 1 : 0,
            first ? bias.map { UnsafePointer<Float>($0.base + columns.lowerBound) } : nil, scale,
            tile)
    }
}

/// The panels of some columns and runs of op(B): run follows run, each with all panels.
struct GEMMSlab {
    let panels: UnsafeMutablePointer<Float>
    let columns: Range<Int>
    let runs: GEMMRuns
    /// Which of the runs.
    let part: Range<Int>
    let format: PanelFormat
    /// The columns' number rounded up to whole panels.
    private let width: Int

    init(
        _ panels: UnsafeMutablePointer<Float>, columns: Range<Int>, runs: GEMMRuns,
        part: Range<Int>, format: PanelFormat
    ) {
        (self.panels, self.columns, self.runs, self.part) = (panels, columns, runs, part)
        self.format = format
        width = (columns.count + format.columnTile - 1) / format.columnTile * format.columnTile
    }

    /// Where the panel that starts at (k, column) begins.
    func panel(run: Range<Int>, column: Int) -> UnsafeMutablePointer<Float> {
        panels + offset(run: run, column: column)
    }

    /// How many slots lie before the panel that starts at (k, column).
    func offset(run: Range<Int>, column: Int) -> Int {
        let before = format.slots(run.lowerBound - part.lowerBound * runs.longest)
        return before * width + (column - columns.lowerBound) * format.slots(run.count)
    }

    /// Floats of a panel.
    func panelCount(run: Range<Int>) -> Int { format.columnTile * format.slots(run.count) }

    /// Number of pieces that `pack` makes.
    var pieces: Int { width / format.columnTile * part.count }

    /// The run and the column that a piece of `pieces` stands for.
    ///
    /// The runs of a panel are neighbours, as they are in memory where B is transposed: the hardware
    /// sees long lines.
    func place(of piece: Int) -> (run: Range<Int>, column: Int) {
        (
            runs[part.lowerBound + piece % part.count],
            columns.lowerBound + piece / part.count * format.columnTile
        )
    }

    /// Packs one run of one panel.
    func pack(_ piece: Int, of b: Operand) {
        let (run, column) = place(of: piece)
        format.packRight(
            b, column: column, columnEnd: columns.upperBound, depth: run,
            into: panel(run: run, column: column))
    }
}
