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
    /// Whether the panels are held as bfloat16 and widened when a float32 product reads them.
    ///
    /// Weights that came as bfloat16 lose nothing by it; others are rounded once. It halves what a
    /// product of few rows, which waits for memory, has to read.
    public private(set) var isHalved = false
    /// Whose panels these are; nil before the first packing.
    public private(set) var instructionSet: InstructionSet?
    private let memory = ScratchMemory()

    /// Holds nothing until `Compute.pack` fills it; memory is kept from one packing to the next.
    public init() {}

    /// The panels, with memory for them where the shape has changed.
    func prepare(
        rows: Int, columns: Int, halved: Bool = false, _ format: PanelFormat, _ set: InstructionSet
    ) -> GEMMSlab? {
        let tile = format.columnTile
        (self.rows, self.columns, isHalved) = (rows, columns, halved)
        (precision, instructionSet) = (format.precision, set)
        let count = format.slots(rows) * ((columns + tile - 1) / tile * tile)
        if halved {
            _ = memory.take(count, of: UInt16.self)
        } else {
            _ = memory.floats(count)
        }
        return rows > 0 && columns > 0 ? slab(format) : nil
    }

    /// Writes one panel that is held as bfloat16 as floats.
    func widen(
        run: Range<Int>, column: Int, _ format: PanelFormat,
        into panel: UnsafeMutablePointer<Float>
    ) {
        let slab = slab(format)
        format.kernels.pointee.widen_bfloat16(
            memory.take(0, of: UInt16.self) + slab.offset(run: run, column: column), panel,
            slab.panelCount(run: run))
    }

    /// Takes one panel of floats, rounded to bfloat16.
    func narrow(
        run: Range<Int>, column: Int, _ format: PanelFormat, from panel: UnsafePointer<Float>
    ) {
        let slab = slab(format)
        format.kernels.pointee.narrow_bfloat16(
            panel, memory.take(0, of: UInt16.self) + slab.offset(run: run, column: column),
            slab.panelCount(run: run))
    }

    /// The panels where they are held as floats.
    var floats: UnsafeMutablePointer<Float> { memory.floats(0) }
    /// The panels where they are held as bfloat16.
    var halves: UnsafeMutablePointer<UInt16> { memory.take(0, of: UInt16.self) }

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

    /// Packs op(B) for float32 products, held as bfloat16 (see `PackedMatrix.isHalved`).
    public func packHalved(
        _ b: some ProductOperand, transposed: Bool = false, into packed: PackedMatrix
    ) {
        let format = PanelFormat(kernels: kernels, precision: .float32)
        let operand = Operand(b, transposed: transposed)
        guard
            let slab = packed.prepare(
                rows: operand.rows, columns: operand.columns, halved: true, format, instructionSet)
        else { return }
        parallelFor(slab.pieces, grain: packGrain(slab)) { range in
            for piece in range {
                let (run, column) = slab.place(of: piece)
                let panel = scratchOfThread.right.floats(slab.panelCount(run: run))
                format.packRight(
                    operand, column: column, columnEnd: operand.columns, depth: run, into: panel)
                packed.narrow(run: run, column: column, format, from: panel)
            }
        }
    }

    /// Packs a right operand of k x n whose columns are made on the way, a thousand or so at a time: no
    /// second copy of all of it is needed.
    ///
    /// - Parameters:
    ///   - columns: n.
    ///   - depth: k.
    ///   - halved: Whether the panels are held as bfloat16 (see `PackedMatrix.isHalved`).
    ///   - packed: What is filled.
    ///   - source: Writes a range of columns as the rows of a matrix of k columns; in ascending order.
    public func pack<Failure: Error>(
        columns: Int, depth: Int, halved: Bool, into packed: PackedMatrix,
        from source: (_ columns: Range<Int>, _ rows: Matrix) throws(Failure) -> Void
    ) throws(Failure) {
        let format = PanelFormat(kernels: kernels, precision: .float32)
        guard
            let all = packed.prepare(
                rows: depth, columns: columns, halved: halved, format, instructionSet)
        else { return }
        let arena = Arena()
        let rows = arena.matrix(min(columns, Self.packedColumns), depth)
        let tile = format.columnTile
        for start in stride(from: 0, to: columns, by: Self.packedColumns) {
            let count = min(Self.packedColumns, columns - start)
            try source(start..<start + count, rows.rows(0..<count))
            let operand = Operand(rows.rows(0..<count), transposed: true)
            let panels = (count + tile - 1) / tile
            parallelFor(panels * all.runs.count) { pieces in
                for piece in pieces {
                    let run = all.runs[piece % all.runs.count]
                    let column = piece / all.runs.count * tile
                    let target =
                        halved
                        ? scratchOfThread.right.floats(all.panelCount(run: run))
                        : all.panel(run: run, column: start + column)
                    format.packRight(
                        operand, column: column, columnEnd: count, depth: run, into: target)
                    if halved {
                        packed.narrow(run: run, column: start + column, format, from: target)
                    }
                }
            }
        }
    }

    /// A multiple of every panel's columns.
    private static var packedColumns: Int { 1024 }

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
