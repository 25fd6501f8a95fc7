// A right operand packed ahead of time: weights serve every micro-batch of a step, and are packed
// once. The bits of a product are the same as with the plain operand.

public import Kernels

/// Packed panels of op(B), made by `Compute.pack` and read by `Compute.gemm`.
public final class PackedMatrix: @unchecked Sendable {
    /// Rows of op(B): the k of a product.
    public private(set) var rows = 0
    /// Columns of op(B): the n of a product.
    public private(set) var columns = 0

    /// Whose panels these are; nil before the first packing.
    public internal(set) var instructionSet: InstructionSet?
    private let memory = ScratchMemory()

    /// Holds nothing until `Compute.pack` fills it; memory is kept from one packing to the next.
    public init() {}

    /// Bytes of packed panels for op(B) of that shape.
    static func floats(rows: Int, columns: Int, columnTile: Int) -> Int {
        rows * ((columns + columnTile - 1) / columnTile * columnTile)
    }

    func prepare(rows: Int, columns: Int, kernels: UnsafePointer<retort_kernels>) {
        self.rows = rows
        self.columns = columns
        _ = memory.floats(
            Self.floats(rows: rows, columns: columns, columnTile: kernels.pointee.column_tile))
    }

    /// Where the panel that starts at (k, column) begins.
    ///
    /// Runs of k follow each other, each with all of its panels.
    func panel(
        run: Range<Int>, column: Int, kernels: UnsafePointer<retort_kernels>
    )
        -> UnsafeMutablePointer<Float>
    {
        let tile = kernels.pointee.column_tile
        let width = (columns + tile - 1) / tile * tile
        return memory.floats(0) + (run.lowerBound * width + column * run.count)
    }
}

extension Compute {
    /// Packs op(B) for use as the right operand of many products.
    public func pack(
        _ b: Matrix, transposed: Bool = false, into packed: PackedMatrix
    ) {
        let operand = Operand(matrix: b, transposed: transposed)
        let (k, n) = (operand.rows, operand.columns)
        packed.prepare(rows: k, columns: n, kernels: kernels)
        packed.instructionSet = instructionSet
        guard k > 0, n > 0 else { return }
        let tile = kernels.pointee.column_tile
        let panels = (n + tile - 1) / tile
        let (depth, runs) = GEMMBlocking.depths(k, kernels)
        parallelFor(panels * runs, grain: max(1, Self.elementBlock / (depth * tile))) { range in
            for index in range {
                let (run, panel) = (index / panels, index % panels)
                let kRange = run * depth..<min(k, (run + 1) * depth)
                kernels.packRight(
                    operand, column: panel * tile, columnEnd: n, depth: kRange,
                    into: packed.panel(run: kRange, column: panel * tile, kernels: kernels))
            }
        }
    }
}
