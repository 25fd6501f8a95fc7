// How a matrix product is cut (BLIS: NC, KC, MC around the micro-kernel's MR x NR), and how panels
// are packed. The numbers may change speed, never a result, except the depth of a run of k: that is
// the point where a sum goes from registers to C, so it depends on k alone.

internal import Kernels

/// The runs of k: as even as possible, each a multiple of 8 except the last.
struct GEMMRuns {
    /// Length of all runs but the last, which may be shorter.
    let longest: Int
    /// Number of runs.
    let count: Int
    private let k: Int

    /// The runs of `k` > 0: the same in every product over as many.
    init(_ k: Int, kernels: UnsafePointer<retort_kernels>) {
        let limit = kernels.pointee.depth_limit
        let least = (k + limit - 1) / limit
        longest = ((k + least - 1) / least + 7) / 8 * 8
        count = (k + longest - 1) / longest
        self.k = k
    }

    var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Range<Int> { index * longest..<min(k, (index + 1) * longest) }
}

/// The blocks of one product.
struct GEMMBlocking {
    let runs: GEMMRuns
    /// Columns of B packed at a time; a multiple of the column tile.
    let columnBlock: Int
    /// Rows of A packed at a time; a multiple of the row tile.
    let rowBlock: Int
    /// Whether threads share columns, for rows are few and all of A stays in the cache.
    let sharesColumns: Bool

    /// Blocks for C of m x n over k, with rows in at least `parts` blocks where m allows.
    init(m: Int, n: Int, k: Int, parts: Int, kernels: UnsafePointer<retort_kernels>) {
        runs = GEMMRuns(k, kernels: kernels)
        let rowTile = kernels.pointee.row_tile
        let columnTile = kernels.pointee.column_tile
        // A block of A (at most 192 x 256 floats) stays in the second-level cache beside the panels of
        // B that run through it.
        let most = max(rowTile, 192 / rowTile * rowTile)
        let tiles = (m + rowTile - 1) / rowTile
        var blocks = (m + most - 1) / most
        if parts > 1 { blocks = min(tiles, (blocks + parts - 1) / parts * parts) }
        rowBlock = max(1, (tiles + max(blocks, 1) - 1) / max(blocks, 1)) * rowTile
        sharesColumns = m * k <= 131_072 || (m - 1) / rowBlock + 1 < parts
        // A slab of B (at most 256 x 1024) in the second or third.
        let slab = (n + columnTile - 1) / columnTile * columnTile
        columnBlock = max(columnTile, min(slab, 1024 / columnTile * columnTile))
    }
}

/// One operand of a product: a matrix, transposed or not.
struct Operand {
    let matrix: Matrix
    let transposed: Bool

    var rows: Int { transposed ? matrix.columns : matrix.rows }
    var columns: Int { transposed ? matrix.rows : matrix.columns }

    /// The address of the element at (row, column) of the operand.
    func address(_ row: Int, _ column: Int) -> UnsafeMutablePointer<Float> {
        transposed
            ? matrix.base + (column * matrix.stride + row)
            : matrix.base + (row * matrix.stride + column)
    }
}

extension UnsafePointer where Pointee == retort_kernels {
    /// Room for packed rows of the left operand: packing writes whole vectors, the last one over the
    /// end.
    func leftFloats(rows: Int, depth: Int) -> Int { rows * depth + pointee.lanes }

    /// Packs rows of the left operand into the panels that `gemm_block` expects.
    func packLeft(
        _ a: Operand, rows: Range<Int>, depth: Range<Int>, into panels: UnsafeMutablePointer<Float>
    ) {
        let source = a.address(rows.lowerBound, depth.lowerBound)
        if a.transposed {
            pointee.pack_a_transposed(source, a.matrix.stride, rows.count, depth.count, panels)
        } else {
            pointee.pack_a(source, a.matrix.stride, rows.count, depth.count, panels)
        }
    }

    /// Packs one panel of NR columns of the right operand.
    func packRight(
        _ b: Operand, column: Int, columnEnd: Int, depth: Range<Int>,
        into panel: UnsafeMutablePointer<Float>
    ) {
        let lines = Swift.min(pointee.column_tile, columnEnd - column)
        let source = b.address(depth.lowerBound, column)
        if b.transposed {
            pointee.pack_b_transposed(source, b.matrix.stride, lines, depth.count, panel)
        } else {
            pointee.pack_b(source, b.matrix.stride, lines, depth.count, panel)
        }
    }
}
