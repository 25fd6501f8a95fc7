// The micro-tiles of each instruction set: as many rows of two vectors as its registers hold beside
// two vectors of B and one element of A. 16 registers: 3 x 2 without three-operand instructions
// (their products need registers too), 6 x 2 with them; 32 registers: 12 x 2.

/// Tiles of one to three rows.
@frozen
public struct Tiles3<Step: TileStep>: TileSet {
    /// The vector they are made of.
    public typealias Vector = Step.Vector

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
        case 3: microTile(Rows3<Step>.self, a, b, depth, target)
        case 2: microTile(Rows2<Step>.self, a, b, depth, target)
        default: microTile(Rows1<Step>.self, a, b, depth, target)
        }
    }
}

/// Tiles of one to six rows.
@frozen
public struct Tiles6<Step: TileStep>: TileSet {
    /// The vector they are made of.
    public typealias Vector = Step.Vector

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
        case 6: microTile(Rows6<Step>.self, a, b, depth, target)
        case 5: microTile(Rows5<Step>.self, a, b, depth, target)
        case 4: microTile(Rows4<Step>.self, a, b, depth, target)
        case 3: microTile(Rows3<Step>.self, a, b, depth, target)
        case 2: microTile(Rows2<Step>.self, a, b, depth, target)
        default: microTile(Rows1<Step>.self, a, b, depth, target)
        }
    }
}

/// Tiles of one to twelve rows.
@frozen
public struct Tiles12<Step: TileStep>: TileSet {
    /// The vector they are made of.
    public typealias Vector = Step.Vector

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
        case 12: microTile(Rows12<Step>.self, a, b, depth, target)
        case 11: microTile(Rows11<Step>.self, a, b, depth, target)
        case 10: microTile(Rows10<Step>.self, a, b, depth, target)
        case 9: microTile(Rows9<Step>.self, a, b, depth, target)
        case 8: microTile(Rows8<Step>.self, a, b, depth, target)
        case 7: microTile(Rows7<Step>.self, a, b, depth, target)
        case 6: microTile(Rows6<Step>.self, a, b, depth, target)
        case 5: microTile(Rows5<Step>.self, a, b, depth, target)
        case 4: microTile(Rows4<Step>.self, a, b, depth, target)
        case 3: microTile(Rows3<Step>.self, a, b, depth, target)
        case 2: microTile(Rows2<Step>.self, a, b, depth, target)
        default: microTile(Rows1<Step>.self, a, b, depth, target)
        }
    }
}
