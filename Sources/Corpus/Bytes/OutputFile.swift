// A file that appears complete or not at all: written beside its place, made durable, renamed.

import Glibc

/// A file under construction; thrown away unless committed.
final class OutputFile {
    private let path: String
    private let temporaryPath: String
    private let descriptor: Int32
    private var isOpen = true
    private var held: [UInt8] = []
    private let deflater: Deflater?
    private static let chunkSize = 1 << 16

    init(path: String, compressed: Bool) throws(CorpusError) {
        self.path = path
        temporaryPath = "\(path).tmp-\(getpid())"
        deflater = compressed ? try Deflater(path: path) : nil
        descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("cannot create") }
    }

    deinit {
        guard isOpen else { return }
        close(descriptor)
        unsafe unlink(temporaryPath)
    }

    /// Appends text.
    func write(_ text: String) throws(CorpusError) {
        try write(bytes: text.utf8)
    }

    /// Appends bytes.
    func write(bytes: some Sequence<UInt8>) throws(CorpusError) {
        held.append(contentsOf: bytes)
        if held.count >= Self.chunkSize { try flush(last: false) }
    }

    /// Puts the file in its place.
    func commit() throws(CorpusError) {
        try flush(last: true)
        guard fsync(descriptor) == 0 else { throw failure("cannot sync") }
        isOpen = false
        guard close(descriptor) == 0, unsafe rename(temporaryPath, path) == 0 else {
            let trouble = failure("cannot put in place")
            unsafe unlink(temporaryPath)
            throw trouble
        }
    }

    private func flush(last: Bool) throws(CorpusError) {
        if let deflater { held = deflater.deflate(held, last: last) }
        var offset = 0
        while offset < held.count {
            let written = unsafe held.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if written >= 0 {
                offset += written
            } else if errno != EINTR {
                throw failure("cannot write")
            }
        }
        held.removeAll(keepingCapacity: true)
    }

    private func failure(_ what: String) -> CorpusError {
        CorpusError(.unwritable, "\(path): \(what): \(systemMessage(errno))")
    }
}
