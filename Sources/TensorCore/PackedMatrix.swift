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

    /// The panels, with memory for them where the shape has changed.
    func prepare(rows: Int, columns: Int, kernels: UnsafePointer<retort_kernels>) {
        let tile = kernels.pointee.column_tile
        (self.rows, self.columns) = (rows, columns)
        _ = memory.floats(rows * ((columns + tile - 1) / tile * tile))
    }

    /// All panels; there must be some.
    func slab(_ kernels: UnsafePointer<retort_kernels>) -> GEMMSlab {
        let runs = GEMMRuns(rows, kernels: kernels)
        return GEMMSlab(
            memory.floats(0), columns: 0..<columns, runs: runs, part: runs.indices,
            kernels: kernels)
    }

    /// Where the panel that starts at (k, column) begins.
    func panel(
        run: Range<Int>, column: Int, kernels: UnsafePointer<retort_kernels>
    )
        -> UnsafeMutablePointer<Float>
    {
        slab(kernels).panel(run: run, column: column)
    }
}

extension Compute {
    /// Packs op(B) for use as the right operand of many products.
    public func pack(
        _ b: Matrix, transposed: Bool = false, into packed: PackedMatrix
    ) {
        pack(
            Concatenation([Operand(matrix: b, transposed: transposed)], sideBySide: true),
            into: packed)
    }

    func pack(_ b: Concatenation, into packed: PackedMatrix) {
        packed.prepare(rows: b.rows, columns: b.columns, kernels: kernels)
        packed.instructionSet = instructionSet
        guard b.rows > 0, b.columns > 0 else { return }
        let slab = packed.slab(kernels)
        parallelFor(slab.pieces, grain: packGrain(slab)) { range in
            let scratch = scratchOfThread.left
            for piece in range {
                let (run, column) = slab.place(of: piece)
                b.pack(
                    column: column, columnEnd: b.columns, depth: run,
                    into: slab.panel(run: run, column: column), scratch: scratch, kernels: kernels)
            }
        }
    }
}
