// Packing: a panel holds, for k = 0, 1, ..., its lines' elements of that k side by side, so that the
// micro-kernel reads forward only. Two movements cover all four transposition cases: lines that lie
// along k are transposed 4 x 4 in registers, lines that lie across k are copied. Both ask for what
// they will read next: the runs are too short for the hardware to foresee.

/// How the rows of a block of A are cut into panels: as even as possible, at most `limit` each.
@frozen
public struct PanelHeights {
    /// Number of panels.
    public let count: Int
    @usableFromInline let height: Int
    @usableFromInline let taller: Int

    /// The panels of `rows` rows.
    @_alwaysEmitIntoClient @inline(__always)
    public init(rows: Int, limit: Int) {
        count = (rows &+ limit &- 1) / limit
        height = count > 0 ? rows / count : 0
        taller = rows &- count &* height
    }

    /// Rows of a panel.
    @_alwaysEmitIntoClient @inline(__always)
    public func rows(of panel: Int) -> Int { panel < taller ? height &+ 1 : height }
}

/// Packs a block of A as stored: panels of rows that run along k.
@_alwaysEmitIntoClient @inline(__always)
public func packRowsAlong<V: FloatVector>(
    _ vector: V.Type, _ source: UnsafePointer<Float>, stride: Int, rows: Int, limit: Int,
    depth: Int, panels: UnsafeMutablePointer<Float>
) {
    let heights = PanelHeights(rows: rows, limit: limit)
    var from = source
    var to = panels
    var panel = 0
    while panel < heights.count {
        let lines = heights.rows(of: panel)
        packAlong(V.self, from, stride: stride, lines: lines, depth: depth, width: lines, panel: to)
        from = from.moved(lines &* stride)
        to = to.moved(lines &* depth)
        panel &+= 1
    }
}

/// Packs a block of A transposed: k by k through all panels, because a line of memory holds the
/// rows of several.
@_alwaysEmitIntoClient @inline(__always)
public func packRowsAcross<V: FloatVector>(
    _ vector: V.Type, _ source: UnsafePointer<Float>, stride: Int, rows: Int, limit: Int,
    depth: Int, panels: UnsafeMutablePointer<Float>
) {
    let heights = PanelHeights(rows: rows, limit: limit)
    var k = 0
    while k < depth {
        var from = source.moved(k &* stride)
        var panelStart = panels
        var panel = 0
        while panel < heights.count {
            let lines = heights.rows(of: panel)
            let to = panelStart.moved(k &* lines)
            V.prefetch(from.moved(4 &* stride))
            var line = 0
            while line &+ 4 <= lines {
                storeQuad(quad(from, line), to.moved(line))
                line &+= 4
            }
            while line < lines {
                to[line] = from[line]
                line &+= 1
            }
            from = from.moved(lines)
            panelStart = panelStart.moved(lines &* depth)
            panel &+= 1
        }
        k &+= 1
    }
}

/// Packs `lines` <= `width` lines that run along k; `width` is at most a vector, or several whole ones.
///
/// Where lines are missing, columns of a panel hold copies or zeros, which nobody reads. A width of
/// less than a vector is written by whole vectors in ascending k, each over the end of the one
/// before: up to a vector is written beyond the panel's end.
@_alwaysEmitIntoClient @inline(__always)
public func packAlong<V: FloatVector>(
    _ vector: V.Type, _ source: UnsafePointer<Float>, stride: Int, lines: Int, depth: Int,
    width: Int, panel: UnsafeMutablePointer<Float>
) {
    var line = 0
    while line < lines {
        let present = Swift.min(V.lanes, lines &- line)
        let from = source.moved(line &* stride)
        let to = panel.moved(line)
        if depth >= V.lanes {
            let l0 = LineOffsets<V>(first: 0, last: present &- 1, stride: stride)
            let l1 = LineOffsets<V>(first: 1, last: present &- 1, stride: stride)
            let l2 = LineOffsets<V>(first: 2, last: present &- 1, stride: stride)
            let l3 = LineOffsets<V>(first: 3, last: present &- 1, stride: stride)
            var k = 0
            while k < depth {
                // The last block ends where k ends, and writes some columns again.
                k = Swift.min(k, depth &- V.lanes)
                let block = from.moved(k)
                // One of the lines that come next, as a whole: the hardware sees what follows it.
                let next = from.moved((present &+ k / V.lanes) &* stride)
                var ahead = 0
                while ahead < depth {
                    V.prefetchFar(next.moved(ahead))
                    ahead &+= 16
                }
                transposeBlock(V.self, block, l0, l1, l2, l3, to.moved(k &* width), width)
                k &+= V.lanes
            }
        } else {
            var k = 0
            while k < depth {
                var index = 0
                while index < present {
                    to[k &* width &+ index] = from[index &* stride &+ k]
                    index &+= 1
                }
                k &+= 1
            }
        }
        line &+= V.lanes
    }
    while line < width {
        var k = 0
        while k < depth {
            panel.moved(line &+ k &* width).store(V(), 0)
            k &+= 1
        }
        line &+= V.lanes
    }
}

/// Where every fourth line of a block begins; lines beyond the last are the last one again.
@frozen
public struct LineOffsets<V: FloatVector> {
    @usableFromInline let start: Int
    @usableFromInline let others: QuadOffsets

    /// Lines `first`, `first + 4`, ...
    @_alwaysEmitIntoClient @inline(__always)
    init(first: Int, last: Int, stride: Int) {
        start = Swift.min(first, last) &* stride
        others = (
            0, Swift.min(first &+ 4, last) &* stride &- start,
            Swift.min(first &+ 8, last) &* stride &- start,
            Swift.min(first &+ 12, last) &* stride &- start
        )
    }
}

extension LineOffsets {
    /// Asks for the cache lines of these lines.
    @_alwaysEmitIntoClient @inline(__always)
    func prefetch(_ source: UnsafePointer<Float>) {
        let from = source.moved(start)
        V.prefetchFar(from)
        if V.lanes > 4 { V.prefetchFar(from.moved(others.1)) }
        if V.lanes > 8 {
            V.prefetchFar(from.moved(others.2))
            V.prefetchFar(from.moved(others.3))
        }
    }
}

/// Transposes a square block as large as a vector: lines along k to columns of a panel.
///
/// The quads of a line are read together: lines of matrices whose stride is a power of two compete
/// for the same places in the first-level cache.
@_alwaysEmitIntoClient @inline(__always)
func transposeBlock<V: FloatVector>(
    _ vector: V.Type, _ source: UnsafePointer<Float>, _ l0: LineOffsets<V>, _ l1: LineOffsets<V>,
    _ l2: LineOffsets<V>, _ l3: LineOffsets<V>, _ target: UnsafeMutablePointer<Float>,
    _ width: Int
) {
    let r0 = source.moved(l0.start)
    let r1 = source.moved(l1.start)
    let r2 = source.moved(l2.start)
    let r3 = source.moved(l3.start)
    var k = 0
    while k < V.lanes {
        let columns = V.transposeQuads(
            V(quads: r0.moved(k), l0.others), V(quads: r1.moved(k), l1.others),
            V(quads: r2.moved(k), l2.others), V(quads: r3.moved(k), l3.others))
        let to = target.moved(k &* width)
        to.store(columns.0, 0)
        to.store(columns.1, width)
        to.store(columns.2, 2 &* width)
        to.store(columns.3, 3 &* width)
        k &+= 4
    }
}

/// Packs `lines` <= two vectors of columns of B as stored; missing columns become zeros.
@_alwaysEmitIntoClient @inline(__always)
public func packColumns<V: FloatVector>(
    _ vector: V.Type, _ source: UnsafePointer<Float>, stride: Int, lines: Int, depth: Int,
    panel: UnsafeMutablePointer<Float>
) {
    let width = 2 &* V.lanes
    var from = source
    var to = panel
    var k = 0
    if lines == width {
        while k < depth {
            V.prefetch(from.moved(8 &* stride))
            V.prefetch(from.moved(8 &* stride &+ width &- 1))
            to.store(from.load(0, as: V.self), 0)
            to.store(from.load(V.lanes, as: V.self), V.lanes)
            from = from.moved(stride)
            to = to.moved(width)
            k &+= 1
        }
        return
    }
    while k < depth {
        var line = 0
        while line &+ 4 <= lines {
            storeQuad(quad(from, line), to.moved(line))
            line &+= 4
        }
        while line < lines {
            to[line] = from[line]
            line &+= 1
        }
        while line < width {
            to[line] = 0
            line &+= 1
        }
        from = from.moved(stride)
        to = to.moved(width)
        k &+= 1
    }
}

/// Four floats in a row.
@_alwaysEmitIntoClient @inline(__always)
func quad(_ source: UnsafePointer<Float>, _ offset: Int) -> SIMD4<Float> {
    UnsafeRawPointer(source).loadUnaligned(fromByteOffset: offset &* 4, as: SIMD4<Float>.self)
}

/// Writes four floats in a row.
@_alwaysEmitIntoClient @inline(__always)
func storeQuad(_ value: SIMD4<Float>, _ target: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(target).storeBytes(of: value, as: SIMD4<Float>.self)
}
