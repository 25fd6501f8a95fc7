// A right operand packed ahead of time: weights serve every micro-batch of a step, and are packed
// once. The bits of a product are the same as with the plain operand.

public import Kernels

/// Packed panels of op(B), made by `Compute.pack` and read by `Compute.gemm`.
public final class PackedMatrix: @unchecked Sendable {
    /// Rows of op(B): the k of a product.
    public private(set) var rows = 0
    /// Columns of op(B): the n of a product.
    public private(set) var columns = 0

    /// The precision of the products that it serves.
    public private(set) var precision = Precision.float32
    /// Whose panels these are; nil before the first packing.
    public private(set) var instructionSet: InstructionSet?
    private let memory = ScratchMemory()

    /// Holds nothing until `Compute.pack` fills it; memory is kept from one packing to the next.
    public init() {}

    /// The panels, with memory for them where the shape has changed.
    func prepare(rows: Int, columns: Int, _ format: PanelFormat, _ set: InstructionSet) -> GEMMSlab?
    {
        let tile = format.columnTile
        (self.rows, self.columns) = (rows, columns)
        (precision, instructionSet) = (format.precision, set)
        _ = memory.floats(format.slots(rows) * ((columns + tile - 1) / tile * tile))
        return rows > 0 && columns > 0 ? slab(format) : nil
    }

    /// All panels; there must be some.
    func slab(_ format: PanelFormat) -> GEMMSlab {
        let runs = GEMMRuns(rows, format)
        return GEMMSlab(
            memory.floats(0), columns: 0..<columns, runs: runs, part: runs.indices, format: format)
    }
}

extension Compute {
    /// Packs op(B) for use as the right operand of many products, in the precision that they are to
    /// have.
    public func pack(
        _ b: some ProductOperand, transposed: Bool = false, into packed: PackedMatrix,
        precision: Precision = .float32
    ) {
        let operand = Operand(b, transposed: transposed)
        pack(
            Concatenation([operand], sideBySide: true), into: packed,
            precision: operand.precision(precision))
    }

    func pack(_ b: Concatenation, into packed: PackedMatrix, precision: Precision) {
        let format = PanelFormat(kernels: kernels, precision: precision)
        guard let slab = packed.prepare(rows: b.rows, columns: b.columns, format, instructionSet)
        else { return }
        parallelFor(slab.pieces, grain: packGrain(slab)) { range in
            let scratch = scratchOfThread.left
            for piece in range {
                let (run, column) = slab.place(of: piece)
                b.pack(
                    column: column, columnEnd: b.columns, depth: run,
                    into: slab.panel(run: run, column: column), scratch: scratch, format)
            }
        }
    }
}
