// What a product reads: floats or bfloat16, transposed or not; and what it makes of them, the panels
// of one instruction set in one precision.

internal import Kernels

/// A matrix that can be an operand of a product: `Matrix` or `BFloat16Matrix`.
public protocol ProductOperand {
    /// Number of rows.
    var rows: Int { get }
    /// Number of columns.
    var columns: Int { get }
    /// How a product reads it.
    var storage: ProductStorage { get }
}

/// Where a product finds the elements of an operand.
public struct ProductStorage {
    enum Base {
        case floats(UnsafeMutablePointer<Float>)
        case halves(UnsafeMutablePointer<UInt16>)
    }

    let base: Base
    let stride: Int
}

extension Matrix: ProductOperand {
    /// How a product reads it.
    public var storage: ProductStorage { ProductStorage(base: .floats(base), stride: stride) }
}

extension BFloat16Matrix: ProductOperand {
    /// How a product reads it.
    public var storage: ProductStorage { ProductStorage(base: .halves(base), stride: stride) }
}

/// One operand of a product: a matrix, transposed or not.
struct Operand {
    let base: ProductStorage.Base
    let stride: Int
    let transposed: Bool
    let rows: Int
    let columns: Int

    init(_ matrix: some ProductOperand, transposed: Bool) {
        base = matrix.storage.base
        stride = matrix.storage.stride
        self.transposed = transposed
        rows = transposed ? matrix.columns : matrix.rows
        columns = transposed ? matrix.rows : matrix.columns
    }

    init(base: ProductStorage.Base, stride: Int, transposed: Bool, rows: Int, columns: Int) {
        (self.base, self.stride, self.transposed) = (base, stride, transposed)
        (self.rows, self.columns) = (rows, columns)
    }

    /// Bfloat16 where the caller wants it or the operand is bfloat16 already.
    func precision(_ wanted: Precision) -> Precision {
        if case .halves = base { return .bfloat16 }
        return wanted
    }

    /// How far from the first element the one at (row, column) of the operand lies.
    func offset(_ row: Int, _ column: Int) -> Int {
        transposed ? column * stride + row : row * stride + column
    }

    /// The element at (row, column) of the operand.
    func value(_ row: Int, _ column: Int) -> Float {
        switch base {
        case .floats(let floats): floats[offset(row, column)]
        case .halves(let halves):
            Float(bitPattern: UInt32(halves[offset(row, column)]) << 16)
        }
    }
}

/// The panels of one instruction set in one precision.
struct PanelFormat {
    let kernels: UnsafePointer<retort_kernels>
    let precision: Precision

    var rowTile: Int { kernels.pointee.row_tile }
    var columnTile: Int { kernels.pointee.column_tile }

    /// The longest run of k.
    var depthLimit: Int {
        precision == .float32
            ? kernels.pointee.depth_limit : kernels.pointee.bfloat16_depth_limit
    }

    /// Slots of 32 bits that hold `depth` values of k.
    func slots(_ depth: Int) -> Int {
        precision == .bfloat16 && kernels.pointee.bfloat16_depth == 2 ? (depth + 1) / 2 : depth
    }

    /// Room for packed rows of the left operand: packing writes whole vectors, the last one over the
    /// end.
    func leftFloats(rows: Int, depth: Int) -> Int { rows * slots(depth) + kernels.pointee.lanes }

    /// Packs rows of the left operand into the panels that `multiply` expects.
    func packLeft(
        _ a: Operand, rows: Range<Int>, depth: Range<Int>, into panels: UnsafeMutablePointer<Float>
    ) {
        let table = kernels.pointee
        let offset = a.offset(rows.lowerBound, depth.lowerBound)
        switch a.base {
        case .floats(let floats):
            let pack =
                precision == .float32
                ? (a.transposed ? table.pack_a_transposed : table.pack_a)
                : (a.transposed ? table.pack_a_transposed_narrowed : table.pack_a_narrowed)
            pack(floats + offset, a.stride, rows.count, depth.count, panels)
        case .halves(let halves):
            let pack = a.transposed ? table.pack_a_transposed_bfloat16 : table.pack_a_bfloat16
            pack(halves + offset, a.stride, rows.count, depth.count, panels)
        }
    }

    /// Packs one panel of at most NR columns of the right operand.
    func packRight(
        _ b: Operand, column: Int, columnEnd: Int, depth: Range<Int>,
        into panel: UnsafeMutablePointer<Float>
    ) {
        let table = kernels.pointee
        let lines = min(columnTile, columnEnd - column)
        let offset = b.offset(depth.lowerBound, column)
        switch b.base {
        case .floats(let floats):
            let pack =
                precision == .float32
                ? (b.transposed ? table.pack_b_transposed : table.pack_b)
                : (b.transposed ? table.pack_b_transposed_narrowed : table.pack_b_narrowed)
            pack(floats + offset, b.stride, lines, depth.count, panel)
        case .halves(let halves):
            let pack = b.transposed ? table.pack_b_transposed_bfloat16 : table.pack_b_bfloat16
            pack(halves + offset, b.stride, lines, depth.count, panel)
        }
    }
}
