// A file mapped into memory for reading. If another process cuts the file while it is mapped, the
// system ends us with SIGBUS: files that we write are replaced by renaming, never rewritten.

import Glibc

/// A read-only map of a whole file, undone when the last owner goes.
final class FileMapping: @unchecked Sendable {
    let path: String
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws(SafetensorsError) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw SafetensorsError(.unreadable, "\(path): cannot open: \(systemMessage(errno))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SafetensorsError(.unreadable, "\(path): cannot stat: \(systemMessage(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SafetensorsError(
                .unreadable, "\(path): not a plain file; give the path of a .safetensors file")
        }
        let size = Int(status.st_size)
        guard size > 0 else { throw SafetensorsError(.malformed, "\(path): the file is empty") }
        let start = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let start, start != MAP_FAILED else {
            throw SafetensorsError(
                .unreadable, "\(path): cannot map \(size) bytes: \(systemMessage(errno))")
        }
        bytes = UnsafeRawBufferPointer(start: start, count: size)
    }

    /// Gives the pages that were read back to the system; they are read again when needed.
    func releasePages() {
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, MADV_DONTNEED)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
}
