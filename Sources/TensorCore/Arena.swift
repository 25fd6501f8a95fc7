// Memory for one step: everything is taken by moving an offset, and all of it is given back at once.
// Not thread-safe, and no substitute for parameters, which outlive a step.

/// A bump allocator of 64-byte aligned memory.
///
/// In its first step it grows chunk by chunk; `reset` then replaces the chunks by one that holds
/// what the step needed, so that a later step of the same size allocates nothing.
public final class Arena: @unchecked Sendable {
    private struct Chunk {
        let memory: UnsafeMutableRawPointer
        let capacity: Int
    }

    private var chunks: [Chunk] = []
    private var current = 0
    private var offset = 0
    private var usedBefore = 0

    /// Bytes held.
    public private(set) var allocatedBytes = 0
    /// How often memory was asked of the system; it stops rising once the steps repeat.
    public private(set) var growths = 0
    /// The most bytes that were in use at once.
    public private(set) var peakBytes = 0

    private static let alignment = 64
    private static let smallestChunk = 1 << 20

    /// An empty arena, or one that already holds `reserving` bytes.
    public init(reserving bytes: Int = 0) {
        if bytes > 0 { addChunk(bytes) }
    }

    deinit {
        for chunk in chunks { chunk.memory.deallocate() }
    }

    /// Bytes in use.
    public var usedBytes: Int { usedBefore + offset }

    /// Gives everything back.
    ///
    /// Views made before must not be used any more.
    public func reset() {
        if chunks.count > 1 {
            // One chunk of the size that all of them reached, with room for alignment gaps.
            let needed = peakBytes + Self.smallestChunk
            for chunk in chunks { chunk.memory.deallocate() }
            chunks.removeAll(keepingCapacity: true)
            allocatedBytes = 0
            addChunk(needed)
        }
        (current, offset, usedBefore) = (0, 0, 0)
    }

    /// A place to return to with `rewind`.
    public struct Mark: Sendable {
        fileprivate let chunk: Int
        fileprivate let offset: Int
        fileprivate let usedBefore: Int
    }

    /// The present end of what is in use.
    public var mark: Mark { Mark(chunk: current, offset: offset, usedBefore: usedBefore) }

    /// Gives back everything taken since the mark.
    public func rewind(to mark: Mark) {
        precondition(
            mark.chunk < current || (mark.chunk == current && mark.offset <= offset),
            "rewind to a mark beyond the arena's end")
        (current, offset, usedBefore) = (mark.chunk, mark.offset, mark.usedBefore)
    }

    /// An uninitialised matrix.
    public func matrix(_ rows: Int, _ columns: Int) -> Matrix {
        Matrix(base: floats(rows * columns), rows: rows, columns: columns)
    }

    /// A matrix of zeros.
    public func zeros(_ rows: Int, _ columns: Int) -> Matrix {
        let result = matrix(rows, columns)
        result.fill(0)
        return result
    }

    /// An uninitialised vector.
    public func vector(_ count: Int) -> Matrix { matrix(1, count) }

    /// Uninitialised floats.
    public func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
        take(count, of: Float.self)
    }

    /// Uninitialised 32-bit integers.
    public func ints(_ count: Int) -> UnsafeMutablePointer<Int32> { take(count, of: Int32.self) }

    /// Uninitialised bytes.
    public func bytes(_ count: Int) -> UnsafeMutablePointer<UInt8> { take(count, of: UInt8.self) }

    /// Uninitialised 16-bit words.
    func halves(_ count: Int) -> UnsafeMutablePointer<UInt16> { take(count, of: UInt16.self) }

    private func take<T: BitwiseCopyable>(
        _ count: Int, of type: T.Type
    )
        -> UnsafeMutablePointer<T>
    {
        precondition(count >= 0, "\(count) elements asked of an arena")
        let bytes =
            (max(count, 1) * MemoryLayout<T>.stride + Self.alignment - 1) & ~(Self.alignment - 1)
        while current < chunks.count, offset + bytes > chunks[current].capacity {
            usedBefore += offset
            offset = 0
            current += 1
        }
        if current == chunks.count { addChunk(bytes) }
        let memory = chunks[current].memory + offset
        offset += bytes
        peakBytes = max(peakBytes, usedBytes)
        return memory.bindMemory(to: T.self, capacity: max(count, 1))
    }

    private func addChunk(_ bytes: Int) {
        // Doubling bounds the number of chunks of a first step by the logarithm of its size.
        let capacity = max(bytes, allocatedBytes, Self.smallestChunk)
        chunks.append(
            Chunk(
                memory: .allocatePages(byteCount: capacity), capacity: capacity))
        allocatedBytes += capacity
        growths += 1
    }
}
