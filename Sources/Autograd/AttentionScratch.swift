// What attention works in: one head of one sequence at a time, in memory that threads share in turn.

import Synchronization
import TensorCore

/// One head of one sequence.
struct AttentionHead {
    let index: Int
    let rows: Range<Int>
    let columns: Range<Int>

    /// The head's part of an `N x D` matrix, `T x K`.
    func part(_ matrix: Matrix) -> Matrix { matrix.rows(rows).columns(columns) }

    /// The head's part of an `N x H` matrix, `T x 1`.
    func statistics(_ matrix: Matrix) -> Matrix {
        matrix.rows(rows).columns(index..<index + 1)
    }
}

/// Memory for the score matrices of one thread; it grows to the longest sequence and is kept.
final class AttentionScratch {
    let products = GEMMScratch()
    private let arena = Arena()
    private var blocks: [Matrix] = []
    private let termArena = Arena()
    private var termBlocks: [Matrix] = []

    /// One of two `T x T` matrices.
    func square(_ index: Int, _ size: Int) -> Matrix { block(index, size, size) }

    /// One of two matrices of that shape; both are asked for with the same one.
    func block(_ index: Int, _ rows: Int, _ columns: Int) -> Matrix {
        let count = rows * columns
        if blocks.isEmpty || blocks[0].count < count {
            arena.reset()
            blocks = [arena.vector(count), arena.vector(count)]
        }
        return blocks[index].columns(0..<count).reshaped(rows: rows, columns: columns)
    }

    /// Two matrices of that shape.
    ///
    /// Rows are an odd count of elements apart: places in a column are then in different cache sets.
    func terms(_ rows: Int, _ columns: Int) -> (Matrix, Matrix) {
        let stride = columns | 1
        let count = rows * stride
        if termBlocks.isEmpty || termBlocks[0].count < count {
            termArena.reset()
            termBlocks = [termArena.vector(count), termArena.vector(count)]
        }
        func block(_ index: Int) -> Matrix {
            termBlocks[index].columns(0..<count).reshaped(rows: rows, columns: stride)
                .columns(0..<columns)
        }
        return (block(0), block(1))
    }
}

/// Scratch memory that threads take for a block of work and give back.
final class ScratchPool: Sendable {
    private let free = Mutex<[AttentionScratch]>([])

    func take() -> AttentionScratch {
        let known = free.withLock { UncheckedScratch(scratch: $0.popLast()) }
        return known.scratch ?? AttentionScratch()
    }

    func give(_ scratch: AttentionScratch) {
        let box = UncheckedScratch(scratch: scratch)
        free.withLock { if let scratch = box.scratch { $0.append(scratch) } }
    }

    /// Hands a scratch over: it belongs to one thread at a time.
    private struct UncheckedScratch: @unchecked Sendable {
        let scratch: AttentionScratch?
    }
}
