// Owned float memory, aligned to cache lines, zero at first; in large pages where it is long enough,
// for it is walked whole every step.

import Glibc

/// A block of floats that is freed with its owner.
final class FloatBuffer: @unchecked Sendable {
    let base: UnsafeMutablePointer<Float>
    let count: Int

    init(count: Int) {
        self.count = count
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let largePage = 2 << 20
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: bytes, alignment: bytes >= largePage ? largePage : 64)
        if bytes >= largePage {
            // Whole pages only; a refusal costs speed alone.
            madvise(memory, bytes / largePage * largePage, MADV_HUGEPAGE)
        }
        base = memory.bindMemory(to: Float.self, capacity: max(count, 1))
        base.initialize(repeating: 0, count: max(count, 1))
    }

    deinit {
        UnsafeMutableRawPointer(base).deallocate()
    }
}
