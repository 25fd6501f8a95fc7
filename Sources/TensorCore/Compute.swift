// A rank's means of computing: kernels of one instruction set, a thread pool and scratch memory. No
// state outlives it and none is global. The operations are extensions in the files beside this one.

public import Kernels

/// A compute context: every operation on matrices is a method of it.
///
/// One caller at a time. Results depend neither on the number of threads nor on the position of a
/// row in its matrix: work is cut into fixed blocks, and no sum crosses a block except in order.
/// They do depend on the instruction set.
public final class Compute: @unchecked Sendable {
    /// Whose kernels are used.
    public let instructionSet: InstructionSet
    /// Threads that work on an operation, the caller's included.
    public var threadCount: Int { pool.threadCount }

    /// Measures the operations that callers name (see `measured(_:_:)`); nil for none.
    public var profile: Profile?

    let kernels: UnsafePointer<retort_kernels>
    let pool: ThreadPool
    /// Packed panels of B and of short A, shared by the threads of one product.
    let sharedPanels = ScratchMemory()
    let sharedRows = ScratchMemory()
    /// Partial results of fixed blocks.
    let partials = ScratchMemory()
    let widePartials = ScratchMemory()
    /// Scratch for matrix products, one for each thread.
    let threadScratch: [GEMMScratch]

    /// A context with as many threads as this process may use processors and the best instruction
    /// set (see `InstructionSet.preferred`), unless told otherwise.
    public init(threads: Int? = nil, instructionSet: InstructionSet? = nil) {
        let table = KernelTable(instructionSet ?? .preferred)
        self.instructionSet = table.instructionSet
        kernels = table.functions
        pool = ThreadPool(threadCount: threads ?? Int(retort_processor_count()))
        threadScratch = (0..<pool.threadCount).map { _ in GEMMScratch() }
    }

    /// Scratch that no other thread of this context's pool uses.
    var scratchOfThread: GEMMScratch {
        threadScratch[min(Int(retort_worker_slot()), threadScratch.count - 1)]
    }

    /// Kernels for single rows and small blocks, for use inside `parallelFor`.
    public var serial: SerialKernels { SerialKernels(kernels: kernels) }

    /// Runs a body over blocks of `grain` indices, on all threads; returns when all are done.
    ///
    /// The blocks are `0..<grain`, `grain..<2 * grain`, ...: the same for any number of threads.
    /// Which thread runs a block is not fixed. A call from inside a body runs on its own thread.
    public func parallelFor(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) {
        pool.run(count: count, grain: grain, body)
    }

    /// Elements in a block of an operation over elements: a few microseconds of work, and a multiple
    /// of every vector.
    static let elementBlock = 16_384

    /// Runs a body over blocks of rows that hold about `elementBlock` elements.
    func forRows(_ rows: Int, of columns: Int, _ body: (Range<Int>) -> Void) {
        let grain = max(1, Self.elementBlock / max(columns, 1))
        parallelFor(rows, grain: grain, body)
    }

    /// Runs a body over runs of elements of equally shaped matrices.
    ///
    /// The body gets `(row, column, count)`. Matrices without gaps are one long row.
    func forRuns(
        _ shape: Matrix, contiguous: Bool, _ body: (_ row: Int, _ column: Int, _ count: Int) -> Void
    ) {
        if contiguous {
            parallelFor(shape.count, grain: Self.elementBlock) { range in
                body(0, range.lowerBound, range.count)
            }
        } else {
            forRows(shape.rows, of: shape.columns) { range in
                for row in range { body(row, 0, shape.columns) }
            }
        }
    }
}

/// Memory that grows to the largest demand and is then reused.
final class ScratchMemory: @unchecked Sendable {
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0

    deinit { memory?.deallocate() }

    /// At least `count` values, uninitialised, 64-byte aligned.
    func take<T: BitwiseCopyable>(_ count: Int, of type: T.Type) -> UnsafeMutablePointer<T> {
        let bytes = max(count, 1) * MemoryLayout<T>.stride
        if let memory, bytes <= capacity { return memory.assumingMemoryBound(to: T.self) }
        memory?.deallocate()
        let fresh = UnsafeMutableRawPointer.allocatePages(byteCount: bytes)
        memory = fresh
        capacity = bytes
        return fresh.assumingMemoryBound(to: T.self)
    }

    /// At least `count` floats.
    func floats(_ count: Int) -> UnsafeMutablePointer<Float> { take(count, of: Float.self) }
}
