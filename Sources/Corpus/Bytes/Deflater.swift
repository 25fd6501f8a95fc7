// Bytes to gzip by zlib, with a head that holds no time and no name: the same content is the same
// file.

import CZlib

/// Makes gzip, chunk by chunk.
@safe final class Deflater {
    /// At a fixed address, which zlib remembers.
    private let stream: UnsafeMutablePointer<z_stream>

    init(path: String) throws(CorpusError) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15 + 16: the largest window, and a gzip head; 8: the usual memory.
        let code = unsafe deflateInit2_(
            stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            unsafe stream.deallocate()
            throw CorpusError(.unwritable, "\(path): gzip cannot start (zlib says \(code))")
        }
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// The next compressed bytes, maybe none; with `last`, all that are left.
    func deflate(_ input: [UInt8], last: Bool) -> [UInt8] {
        var input = input
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        unsafe input.withUnsafeMutableBufferPointer { source in
            unsafe stream.pointee.next_in = source.baseAddress
            unsafe stream.pointee.avail_in = UInt32(source.count)
            var free = 0
            repeat {
                let produced = unsafe room.withUnsafeMutableBufferPointer { sink in
                    unsafe stream.pointee.next_out = sink.baseAddress
                    unsafe stream.pointee.avail_out = UInt32(sink.count)
                    _ = unsafe CZlib.deflate(stream, last ? Z_FINISH : Z_NO_FLUSH)
                    free = unsafe Int(stream.pointee.avail_out)
                    return sink.count - free
                }
                output.append(contentsOf: room[..<produced])
            } while free == 0
        }
        return output
    }
}
