// The micro-tiles of each instruction set: as many rows of two vectors as its registers hold beside
// two vectors of B and one element of A. 16 registers: 3 x 2 without three-operand instructions
// (their products need registers too), 6 x 2 with them; 32 registers: 12 x 2.

/// Tiles of one to three rows.
@frozen
public struct Tiles3<Vector: FloatVector>: TileSet {
    /// Most rows.
    @_alwaysEmitIntoClient @inline(__always)
    public static var rowLimit: Int { 3 }

    /// Runs the micro-tile of a height.
    @_alwaysEmitIntoClient @inline(__always)
    public static func run(
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

/// Tiles of one to six rows.
@frozen
public struct Tiles6<Vector: FloatVector>: TileSet {
    /// Most rows.
    @_alwaysEmitIntoClient @inline(__always)
    public static var rowLimit: Int { 6 }

    /// Runs the micro-tile of a height.
    @_alwaysEmitIntoClient @inline(__always)
    public static func run(
        rows: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ depth: Int,
        _ target: TileTarget
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

/// Tiles of one to twelve rows.
@frozen
public struct Tiles12<Vector: FloatVector>: TileSet {
    /// Most rows.
    @_alwaysEmitIntoClient @inline(__always)
    public static var rowLimit: Int { 12 }

    /// Runs the micro-tile of a height.
    @_alwaysEmitIntoClient @inline(__always)
    public static func run(
        rows: Int, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ depth: Int,
        _ target: TileTarget
    ) {
        switch rows {
        case 12: microTile(Rows12<Vector>.self, a, b, depth, target)
        case 11: microTile(Rows11<Vector>.self, a, b, depth, target)
        case 10: microTile(Rows10<Vector>.self, a, b, depth, target)
        case 9: microTile(Rows9<Vector>.self, a, b, depth, target)
        case 8: microTile(Rows8<Vector>.self, a, b, depth, target)
        case 7: microTile(Rows7<Vector>.self, a, b, depth, target)
        case 6: microTile(Rows6<Vector>.self, a, b, depth, target)
        case 5: microTile(Rows5<Vector>.self, a, b, depth, target)
        case 4: microTile(Rows4<Vector>.self, a, b, depth, target)
        case 3: microTile(Rows3<Vector>.self, a, b, depth, target)
        case 2: microTile(Rows2<Vector>.self, a, b, depth, target)
        default: microTile(Rows1<Vector>.self, a, b, depth, target)
        }
    }
}
