// A file read by the system's `read`, gzip undone on the way. Whether it is gzip is told by its
// first two bytes; a name that ends in `.gz` must keep its word.

import Glibc

/// A stream of a file's bytes.
final class InputFile {
    let path: String
    private let descriptor: Int32
    /// Bytes read from the file and not given out yet: the first ones of a plain file, compressed
    /// ones of a gzip file.
    private var held: [UInt8]
    private var position = 0
    private var limit = 0
    private var inflater: Inflater?

    init(path: String, chunkSize: Int) throws(CorpusError) {
        precondition(chunkSize > 0, "chunk size \(chunkSize)")
        self.path = path
        held = [UInt8](repeating: 0, count: max(chunkSize, 2))
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw CorpusError(.unreadable, "\(path): cannot open: \(systemMessage(errno))")
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw CorpusError(.unreadable, "\(path): cannot stat: \(systemMessage(errno))")
        }
        guard status.st_mode & S_IFMT != S_IFDIR else {
            throw CorpusError(.unreadable, "\(path): this is a folder; name the files in it")
        }
        // A pipe may give one byte at a time.
        while limit < 2, case let count = try receive(into: &held, from: limit), count > 0 {
            limit += count
        }
        if limit >= 2, held[0] == 0x1F, held[1] == 0x8B {
            inflater = try Inflater(path: path)
        } else if limit > 0, path.lowercased().hasSuffix(".gz") {
            throw CorpusError(
                .unreadable, "\(path): this isn't a gzip file, though its name ends in .gz")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Fills `target` from `offset` on, as far as one call goes; 0 at the end of the file.
    func read(into target: inout [UInt8], from offset: Int) throws(CorpusError) -> Int {
        precondition(offset < target.count, "no room behind \(offset) of \(target.count)")
        guard let inflater else {
            guard position < limit else { return try receive(into: &target, from: offset) }
            let count = min(limit - position, target.count - offset)
            target.replaceSubrange(
                offset..<offset + count, with: held[position..<position + count])
            position += count
            return count
        }
        while true {
            if position == limit {
                position = 0
                limit = try receive(into: &held, from: 0)
            }
            guard limit > 0 else {
                try inflater.finish()
                return 0
            }
            let step = try inflater.inflate(held, position..<limit, into: &target, from: offset)
            position += step.consumed
            if step.produced > 0 { return step.produced }
        }
    }

    private func receive(
        into target: inout [UInt8], from offset: Int
    ) throws(CorpusError) -> Int {
        while true {
            let count = unsafe target.withUnsafeMutableBytes { buffer in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[offset...])
                return unsafe Glibc.read(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 { return count }
            guard errno == EINTR else {
                throw CorpusError(.unreadable, "\(path): cannot read: \(systemMessage(errno))")
            }
        }
    }
}

/// The system's words for an error number.
func systemMessage(_ code: Int32) -> String {
    unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
}
