// A file being written, with the system's refusals turned into errors. A full disk shows itself in
// `write`, in `fsync` or only in `close`, so all three are asked.

import Glibc

/// A file under construction.
final class OutputFile {
    private let path: String
    private var descriptor: Int32

    init(path: String) throws(SafetensorsError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot create") }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    func write(_ bytes: [UInt8]) throws(SafetensorsError) {
        var trouble: SafetensorsError?
        bytes.withUnsafeBytes { buffer in
            do throws(SafetensorsError) { try write(buffer) } catch { trouble = error }
        }
        if let trouble { throw trouble }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(SafetensorsError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // One call moves at most 2^31 - 4096 bytes on Linux.
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("cannot write")
            }
            rest = rest.dropFirst(written)
        }
    }

    func finish(durable: Bool) throws(SafetensorsError) {
        if durable, fsync(descriptor) != 0 { throw failure("cannot sync") }
        let closed = close(descriptor)
        descriptor = -1
        if closed != 0 { throw failure("cannot close") }
    }

    /// Puts the finished file in its place and makes the folder's entry durable.
    func rename(to target: String) throws(SafetensorsError) {
        guard Glibc.rename(path, target) == 0 else { throw failure("cannot rename to \(target)") }
        let slash = target.lastIndex(of: "/")
        let folder = slash.map { String(target[...$0]) } ?? "."
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { throw failure("cannot open the folder of \(target)") }
        defer { close(handle) }
        // Some file systems cannot sync a folder (EINVAL); the rename itself is done by then.
        guard fsync(handle) == 0 || errno == EINVAL else {
            throw failure("cannot sync the folder of \(target)")
        }
    }

    /// Throws the half file away.
    func discard() {
        unlink(path)
    }

    private func failure(_ what: String) -> SafetensorsError {
        SafetensorsError(.unwritable, "\(path): \(what): \(systemMessage(errno))")
    }
}
