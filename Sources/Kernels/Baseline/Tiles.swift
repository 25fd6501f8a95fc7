// The micro-tiles of this instruction set: up to 3 rows of two vectors.

import KernelSource

/// Tiles of 1 to 3 rows.
struct Tiles: TileSet {
    typealias Vector = KernelsBaseline.Vector

    @inline(__always) static var rowLimit: Int { 3 }

    @inline(__always)
    static func run(
        rows: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ depth: Int,
        _ target: TileTarget
    ) {
        switch rows {
        case 3: microTile(Rows3<Vector>.self, a, b, depth, target)
        case 2: microTile(Rows2<Vector>.self, a, b, depth, target)
        default: microTile(Rows1<Vector>.self, a, b, depth, target)
        }
    }
}
