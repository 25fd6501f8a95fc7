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

/// Packs `lines` <= `width` lines that run along k; missing lines become zeros.
@_alwaysEmitIntoClient @inline(__always)
public func packAlong<V: FloatVector>(
    _ vector: V.Type, _ source: UnsafePointer<Float>, stride: Int, lines: Int, depth: Int,
    width: Int, panel: UnsafeMutablePointer<Float>
) {
    var line = 0
    while line &+ 4 <= lines {
        let r0 = source.moved(line &* stride)
        let r1 = r0.moved(stride)
        let r2 = r1.moved(stride)
        let r3 = r2.moved(stride)
        let ahead = 4 &* stride
        var target = panel.moved(line)
        var k = 0
        while k &+ 4 <= depth {
            if k & 15 == 0 {
                V.prefetch(r0.moved(ahead &+ k))
                V.prefetch(r1.moved(ahead &+ k))
                V.prefetch(r2.moved(ahead &+ k))
                V.prefetch(r3.moved(ahead &+ k))
            }
            let a = quad(r0, k)
            let b = quad(r1, k)
            let c = quad(r2, k)
            let d = quad(r3, k)
            // a0 b0 a1 b1 | c0 d0 c1 d1 -> a0 b0 c0 d0 | a1 b1 c1 d1
            let ab = SIMD4(a[0], b[0], a[1], b[1])
            let cd = SIMD4(c[0], d[0], c[1], d[1])
            let ab2 = SIMD4(a[2], b[2], a[3], b[3])
            let cd2 = SIMD4(c[2], d[2], c[3], d[3])
            storeQuad(SIMD4(ab[0], ab[1], cd[0], cd[1]), target)
            storeQuad(SIMD4(ab[2], ab[3], cd[2], cd[3]), target.moved(width))
            storeQuad(SIMD4(ab2[0], ab2[1], cd2[0], cd2[1]), target.moved(2 &* width))
            storeQuad(SIMD4(ab2[2], ab2[3], cd2[2], cd2[3]), target.moved(3 &* width))
            target = target.moved(4 &* width)
            k &+= 4
        }
        while k < depth {
            storeQuad(SIMD4(r0[k], r1[k], r2[k], r3[k]), target)
            target = target.moved(width)
            k &+= 1
        }
        line &+= 4
    }
    while line < lines {
        let row = source.moved(line &* stride)
        var target = panel.moved(line)
        var k = 0
        while k < depth {
            target.pointee = row[k]
            target = target.moved(width)
            k &+= 1
        }
        line &+= 1
    }
    while line < width {
        var target = panel.moved(line)
        var k = 0
        while k < depth {
            target.pointee = 0
            target = target.moved(width)
            k &+= 1
        }
        line &+= 1
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
