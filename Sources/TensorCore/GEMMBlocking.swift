// How a matrix product is cut (BLIS: NC, KC, MC around the micro-kernel's MR x NR), and how panels
// are packed. The numbers may change speed, never a result, except the depth of a run of k: that is
// the point where a sum goes from registers to C, so it depends on k alone.

internal import Kernels

/// The blocks of one product.
struct GEMMBlocking {
    /// Length of a run of k; the last one may be shorter.
    let depth: Int
    /// Number of runs.
    let depthCount: Int
    /// Columns of B packed at a time; a multiple of the column tile.
    let columnBlock: Int
    /// Rows of A packed at a time; a multiple of the row tile.
    let rowBlock: Int

    /// Blocks for C of m x n over k, with rows in at least `parts` blocks where m allows.
    init(m: Int, n: Int, k: Int, parts: Int, kernels: UnsafePointer<retort_kernels>) {
        (depth, depthCount) = Self.depths(k, kernels)
        let rowTile = kernels.pointee.row_tile
        let columnTile = kernels.pointee.column_tile
        // A block of A (at most 192 x 256 floats) stays in a second-level cache of 512 KiB beside
        // the panel of B that runs through it; a slab of B (at most 256 x 3072) in the third.
        let most = max(rowTile, 192 / rowTile * rowTile)
        let tiles = (m + rowTile - 1) / rowTile
        var blocks = (m + most - 1) / most
        if parts > 1 { blocks = min(tiles, (blocks + parts - 1) / parts * parts) }
        rowBlock = max(1, (tiles + max(blocks, 1) - 1) / max(blocks, 1)) * rowTile
        let slab = (n + columnTile - 1) / columnTile * columnTile
        columnBlock = max(columnTile, min(slab, 3072 / columnTile * columnTile))
    }

    /// k in runs as even as possible, each a multiple of 8 except the last.
    static func depths(_ k: Int, _ kernels: UnsafePointer<retort_kernels>) -> (Int, Int) {
        let limit = kernels.pointee.depth_limit
        let count = max(1, (k + limit - 1) / limit)
        let depth = ((k + count - 1) / count + 7) / 8 * 8
        return (max(depth, 1), max(1, (k + depth - 1) / max(depth, 1)))
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
