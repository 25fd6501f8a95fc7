// The micro-tiles of this instruction set: up to 6 rows of two vectors.

import KernelSource

/// Tiles of 1 to 6 rows.
struct Tiles: TileSet {
    @inline(__always) static var rowLimit: Int { 6 }

    @inline(__always)
    static func run(
        rows: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ depth: Int,
        _ target: TileTarget<Vector>
    ) {
        switch rows {
        case 6: microTile(Rows6<Vector>.self, a, b, depth, target)
        case 5: microTile(Rows5<Vector>.self, a, b, depth, target)
        case 4: microTile(Rows4<Vector>.self, a, b, depth, target)
        case 3: microTile(Rows3<Vector>.self, a, b, depth, target)
        case 2: microTile(Rows2<Vector>.self, a, b, depth, target)
        default: microTile(Rows1<Vector>.self, a, b, depth, target)
        }
    }
}
