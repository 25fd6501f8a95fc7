// gzip to bytes by zlib. A file may hold several members one behind the other (parallel writers and
// `cat a.gz b.gz` make such files), and zeros behind the last, as tape blocks had.

import CZlib

/// Undoes gzip, chunk by chunk.
@safe final class Inflater {
    private let path: String
    /// At a fixed address, which zlib remembers.
    private let stream: UnsafeMutablePointer<z_stream>
    /// Inside a member: its end is still to come.
    private var inMember = true
    /// Zeros have been seen behind a member; nothing else may follow.
    private var inPadding = false

    init(path: String) throws(CorpusError) {
        self.path = path
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15 + 16: the largest window, and a gzip head is wanted.
        let code = unsafe inflateInit2_(
            stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard code == Z_OK else {
            unsafe stream.deallocate()
            throw CorpusError(.unreadable, "\(path): gzip cannot start (zlib says \(code))")
        }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Takes bytes of `input` and fills `target` from `offset` on; both counts may be less than
    /// there is, but not both zero.
    func inflate(
        _ input: [UInt8], _ range: Range<Int>, into target: inout [UInt8], from offset: Int
    ) throws(CorpusError) -> (consumed: Int, produced: Int) {
        if !inMember, let skipped = try betweenMembers(input[range]) { return (skipped, 0) }
        var code: Int32 = Z_OK
        var consumed = 0
        var produced = 0
        unsafe input.withUnsafeBufferPointer { source in
            unsafe target.withUnsafeMutableBufferPointer { sink in
                // zlib reads through this pointer only; its type lacks `const` for old compilers.
                unsafe stream.pointee.next_in = UnsafeMutablePointer(
                    mutating: source.baseAddress?.advanced(by: range.lowerBound))
                unsafe stream.pointee.avail_in = UInt32(clamping: range.count)
                unsafe stream.pointee.next_out = sink.baseAddress?.advanced(by: offset)
                unsafe stream.pointee.avail_out = UInt32(clamping: sink.count - offset)
                let before = unsafe (stream.pointee.avail_in, stream.pointee.avail_out)
                code = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
                unsafe consumed = Int(before.0 - stream.pointee.avail_in)
                unsafe produced = Int(before.1 - stream.pointee.avail_out)
            }
        }
        switch code {
        case Z_OK: break
        case Z_STREAM_END: inMember = false
        default:
            let why =
                unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib says \(code)"
            throw CorpusError(.unreadable, "\(path): the gzip data is broken: \(why)")
        }
        return (consumed, produced)
    }

    /// Starts the next member, or says how many zeros to pass over.
    private func betweenMembers(_ input: ArraySlice<UInt8>) throws(CorpusError) -> Int? {
        let zeros = input.prefix { $0 == 0 }.count
        if zeros > 0 {
            inPadding = true
            return zeros
        }
        guard !inPadding, input.first == 0x1F else {
            throw CorpusError(
                .unreadable, "\(path): something that isn't gzip follows the gzip data")
        }
        unsafe inflateReset(stream)
        inMember = true
        return nil
    }

    /// Checks, at the end of the file, that no member is cut off.
    func finish() throws(CorpusError) {
        guard !inMember else {
            throw CorpusError(.unreadable, "\(path): the gzip data is cut off (truncated file?)")
        }
    }
}
