// How a matrix product is cut (BLIS: NC, KC, MC around the micro-kernel's MR x NR). The numbers may change speed, never a result, except the depth of a run of k: that is
// the point where a sum goes from registers to C, so it depends on k alone.

/// The runs of k: as even as possible, each a multiple of 8 except the last.
struct GEMMRuns {
    /// Length of all runs but the last, which may be shorter.
    let longest: Int
    /// Number of runs.
    let count: Int
    private let k: Int

    /// The runs of `k` > 0: the same in every product over as many.
    init(_ k: Int, _ format: PanelFormat) {
        let least = (k + format.depthLimit - 1) / format.depthLimit
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
    init(m: Int, n: Int, k: Int, parts: Int, _ format: PanelFormat) {
        runs = GEMMRuns(k, format)
        let rowTile = format.rowTile
        let columnTile = format.columnTile
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
