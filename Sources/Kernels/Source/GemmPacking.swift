// Packing: a panel holds, slot by slot of k, its lines' elements of that slot side by side, so that the
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
public func packRowsAlong<V: FloatVector, E: PanelElement>(
    _ vector: V.Type, _ element: E.Type, _ source: UnsafePointer<E.Stored>, stride: Int, rows: Int,
    limit: Int, depth: Int, panels: UnsafeMutablePointer<Float>
) {
    let heights = PanelHeights(rows: rows, limit: limit)
    let slots = (depth &+ E.depth &- 1) / E.depth
    var from = source
    var to = panels
    var panel = 0
    while panel < heights.count {
        let lines = heights.rows(of: panel)
        packAlong(
            V.self, E.self, from, stride: stride, lines: lines, depth: depth, width: lines,
            panel: to)
        from = moved(from, lines &* stride)
        to = to.moved(lines &* slots)
        panel &+= 1
    }
}

/// Packs a block of A transposed: slot by slot through all panels, because a line of memory holds the
/// rows of several.
@_alwaysEmitIntoClient @inline(__always)
public func packRowsAcross<V: FloatVector, E: PanelElement>(
    _ vector: V.Type, _ element: E.Type, _ source: UnsafePointer<E.Stored>, stride: Int, rows: Int,
    limit: Int, depth: Int, panels: UnsafeMutablePointer<Float>
) {
    let heights = PanelHeights(rows: rows, limit: limit)
    let slots = (depth &+ E.depth &- 1) / E.depth
    var slot = 0
    while slot < slots {
        let both = slot &* E.depth &+ 1 < depth
        var from = moved(source, slot &* E.depth &* stride)
        var panelStart = panels
        var panel = 0
        while panel < heights.count {
            let lines = heights.rows(of: panel)
            let to = panelStart.moved(slot &* lines)
            V.prefetch(address(moved(from, 4 &* stride)))
            var line = 0
            while line &+ 4 <= lines {
                to.store(
                    E.across(Vector4.self, moved(from, line), step: stride, both: both), line)
                line &+= 4
            }
            while line < lines {
                to[line] = E.slot(moved(from, line), step: stride, both: both)
                line &+= 1
            }
            from = moved(from, lines)
            panelStart = panelStart.moved(lines &* slots)
            panel &+= 1
        }
        slot &+= 1
    }
}

/// Packs `lines` <= `width` lines that run along k; `width` is at most a vector, or several whole ones.
///
/// Where lines are missing, columns of a panel hold copies or zeros, which nobody reads. A width of
/// less than a vector is written by whole vectors in ascending k, each over the end of the one
/// before: up to a vector is written beyond the panel's end.
@_alwaysEmitIntoClient @inline(__always)
public func packAlong<V: FloatVector, E: PanelElement>(
    _ vector: V.Type, _ element: E.Type, _ source: UnsafePointer<E.Stored>, stride: Int,
    lines: Int, depth: Int, width: Int, panel: UnsafeMutablePointer<Float>
) {
    let slots = (depth &+ E.depth &- 1) / E.depth
    // Lanes of whole slots: what is transposed in blocks.
    let lanes = depth / E.depth &* (E.depth / E.laneDepth)
    var line = 0
    while line < lines {
        let present = Swift.min(V.lanes, lines &- line)
        let from = moved(source, line &* stride)
        let to = panel.moved(line)
        var slot = 0
        if lanes >= V.lanes {
            let l0 = LineOffsets(first: 0, last: present &- 1, stride: stride)
            let l1 = LineOffsets(first: 1, last: present &- 1, stride: stride)
            let l2 = LineOffsets(first: 2, last: present &- 1, stride: stride)
            let l3 = LineOffsets(first: 3, last: present &- 1, stride: stride)
            var lane = 0
            while lane < lanes {
                // The last block ends where the lanes end, and writes some slots again.
                lane = Swift.min(lane, lanes &- V.lanes)
                // One of the lines that come next, as a whole: the hardware sees what follows it.
                let next = moved(from, (present &+ lane / V.lanes) &* stride)
                var ahead = 0
                while ahead < depth {
                    V.prefetchFar(address(moved(next, ahead)))
                    ahead &+= 64 / MemoryLayout<E.Stored>.size
                }
                transposeBlock(
                    V.self, E.self, moved(from, lane &* E.laneDepth), l0, l1, l2, l3,
                    to.moved(lane &* E.laneDepth / E.depth &* width), width)
                lane &+= V.lanes
            }
            slot = depth / E.depth
        }
        // A last half slot, or all of a short panel.
        while slot < slots {
            let both = slot &* E.depth &+ 1 < depth
            var index = 0
            while index < present {
                to[slot &* width &+ index] = E.slot(
                    moved(from, index &* stride &+ slot &* E.depth), step: 1, both: both)
                index &+= 1
            }
            slot &+= 1
        }
        line &+= V.lanes
    }
    while line < width {
        var slot = 0
        while slot < slots {
            panel.moved(line &+ slot &* width).store(V(), 0)
            slot &+= 1
        }
        line &+= V.lanes
    }
}

/// Where every fourth line of a block begins; lines beyond the last are the last one again.
@frozen
public struct LineOffsets {
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

/// Transposes a square block of lanes as large as a vector: lines along k to slots of a panel.
@_alwaysEmitIntoClient @inline(__always)
func transposeBlock<V: FloatVector, E: PanelElement>(
    _ vector: V.Type, _ element: E.Type, _ source: UnsafePointer<E.Stored>, _ l0: LineOffsets,
    _ l1: LineOffsets, _ l2: LineOffsets, _ l3: LineOffsets,
    _ target: UnsafeMutablePointer<Float>, _ width: Int
) {
    let r0 = moved(source, l0.start)
    let r1 = moved(source, l1.start)
    let r2 = moved(source, l2.start)
    let r3 = moved(source, l3.start)
    var to = target
    var lane = 0
    while lane < V.lanes {
        let offset = lane &* E.laneDepth
        let columns = V.transposeQuads(
            V(quads: E.self, moved(r0, offset), l0.others),
            V(quads: E.self, moved(r1, offset), l1.others),
            V(quads: E.self, moved(r2, offset), l2.others),
            V(quads: E.self, moved(r3, offset), l3.others))
        let a = E.finish(columns.0)
        let b = E.finish(columns.1)
        let c = E.finish(columns.2)
        let d = E.finish(columns.3)
        if E.depth == E.laneDepth {
            to.store(a, 0)
            to.store(b, width)
            to.store(c, 2 &* width)
            to.store(d, 3 &* width)
            to = to.moved(4 &* width)
        } else {
            to.store(V.pair(a, b), 0)
            to.store(V.pair(c, d), width)
            to = to.moved(2 &* width)
        }
        lane &+= 4
    }
}

/// Packs `lines` <= two vectors of columns of B as stored; missing columns become zeros.
@_alwaysEmitIntoClient @inline(__always)
public func packColumns<V: FloatVector, E: PanelElement>(
    _ vector: V.Type, _ element: E.Type, _ source: UnsafePointer<E.Stored>, stride: Int,
    lines: Int, depth: Int, panel: UnsafeMutablePointer<Float>
) {
    let width = 2 &* V.lanes
    let slots = (depth &+ E.depth &- 1) / E.depth
    var from = source
    var to = panel
    var slot = 0
    while slot < slots {
        let both = slot &* E.depth &+ 1 < depth
        if lines == width {
            V.prefetch(address(moved(from, 8 &* stride)))
            V.prefetch(address(moved(from, 8 &* stride &+ width &- 1)))
            to.store(E.across(V.self, from, step: stride, both: both), 0)
            to.store(E.across(V.self, moved(from, V.lanes), step: stride, both: both), V.lanes)
        } else {
            var line = 0
            while line &+ 4 <= lines {
                to.store(
                    E.across(Vector4.self, moved(from, line), step: stride, both: both), line)
                line &+= 4
            }
            while line < lines {
                to[line] = E.slot(moved(from, line), step: stride, both: both)
                line &+= 1
            }
            while line < width {
                to[line] = 0
                line &+= 1
            }
        }
        from = moved(from, E.depth &* stride)
        to = to.moved(width)
        slot &+= 1
    }
}

/// An address for a prefetch.
@_alwaysEmitIntoClient @_transparent
func address<T: BitwiseCopyable>(_ source: UnsafePointer<T>) -> UnsafePointer<Float> {
    UnsafeRawPointer(source).assumingMemoryBound(to: Float.self)
}
