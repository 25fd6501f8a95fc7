// The two inner loops of the matrix product (BLIS: jr and ir): all micro-tiles of one block of C
// from packed panels. The outer three loops, threads and packing order are TensorCore's.
//
// The rows of a block are cut into panels as even as possible instead of full ones and a rest
// (17 rows: 9 + 8, not 12 + 5): no multiplication by padding, and every height keeps enough
// independent accumulators in flight.

/// The micro-tiles of one instruction set: one for each height up to MR.
public protocol TileSet {
    /// The vector they are made of.
    associatedtype Vector: FloatVector
    /// MR, the most rows.
    static var rowLimit: Int { get }
    /// Runs the micro-tile of a height.
    static func run(
        rows: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ depth: Int,
        _ target: TileTarget)
}

/// C (rows x columns) from packed A panels and B panels; see `gemm_block` in CKernels.h.
@_alwaysEmitIntoClient @inline(__always)
public func gemmBlock<Tiles: TileSet>(
    _ tiles: Tiles.Type, a: UnsafePointer<Float>, b: UnsafePointer<Float>, rows: Int, columns: Int,
    depth: Int, c: UnsafeMutablePointer<Float>, stride: Int, accumulate: Bool,
    bias: UnsafePointer<Float>?, scale: Float, scratch: UnsafeMutablePointer<Float>
) {
    typealias V = Tiles.Vector
    let width = 2 &* V.lanes
    let heights = PanelHeights(rows: rows, limit: Tiles.rowLimit)
    var column = 0
    var bPanel = b
    while column < columns {
        let present = columns &- column
        let partial = present < width
        let addend = scratch.moved(Tiles.rowLimit &* width)
        if let bias {
            copy(bias.moved(column), to: addend, count: partial ? present : width, padding: width)
        } else {
            addend.store(V(), 0)
            addend.store(V(), V.lanes)
        }
        var aPanel = a
        var row = 0
        var panel = 0
        // The next panel of B, asked for part by part; then this one, which is there.
        var next = bPanel.moved(width &* depth)
        let nextEnd = next.moved(width &* depth)
        while panel < heights.count {
            let count = heights.rows(of: panel)
            let place = c.moved(row &* stride &+ column)
            // A tile that sticks out on the right is made in scratch: the same arithmetic.
            if partial, accumulate {
                copyRows(place, stride, to: scratch, width, rows: count, columns: present)
            }
            let target = TileTarget(
                c: partial ? scratch : place, stride: partial ? width : stride,
                accumulate: accumulate, scale: scale, bias: addend,
                next: next)
            next = next.moved(depth &>> 2 &* 16)
            if next >= nextEnd { next = bPanel }
            Tiles.run(rows: count, aPanel, bPanel, depth, target)
            if partial {
                copyRows(scratch, width, to: place, stride, rows: count, columns: present)
            }
            aPanel = aPanel.moved(count &* depth)
            row &+= count
            panel &+= 1
        }
        bPanel = bPanel.moved(width &* depth)
        column &+= width
    }
}

/// Copies `count` floats and fills up to `padding` with zeros.
@_alwaysEmitIntoClient @inline(__always)
func copy(
    _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, count: Int, padding: Int
) {
    var index = 0
    while index < count {
        target[index] = source[index]
        index &+= 1
    }
    while index < padding {
        target[index] = 0
        index &+= 1
    }
}

/// Copies a few rows between places with different strides.
@_alwaysEmitIntoClient @inline(__always)
func copyRows(
    _ source: UnsafeMutablePointer<Float>, _ sourceStride: Int,
    to target: UnsafeMutablePointer<Float>, _ targetStride: Int, rows: Int, columns: Int
) {
    var row = 0
    while row < rows {
        let from = source.moved(row &* sourceStride)
        let to = target.moved(row &* targetStride)
        var column = 0
        while column < columns {
            to[column] = from[column]
            column &+= 1
        }
        row &+= 1
    }
}
