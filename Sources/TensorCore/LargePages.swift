// Memory for buffers that are walked again and again. With pages of 4 KiB a matrix product spends a
// tenth of its time on address translation (more inside a virtual machine, where every step of the
// walk is a walk of its own); pages of 2 MiB are had for the asking.

#if canImport(Glibc)
    internal import Glibc
#endif

/// The size from which large pages are asked for, and their alignment.
private let largePage = 2 << 20

extension UnsafeMutableRawPointer {
    /// Uninitialised memory aligned to at least 64 bytes, in large pages where it is long enough and
    /// the system has them; it is given back with `deallocate()`.
    static func allocatePages(byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= largePage else { return .allocate(byteCount: byteCount, alignment: 64) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: largePage)
        #if os(Linux)
            // Whole pages only: the tail may share its page with others. A refusal costs speed alone.
            madvise(memory, byteCount / largePage * largePage, MADV_HUGEPAGE)
        #endif
        return memory
    }
}
