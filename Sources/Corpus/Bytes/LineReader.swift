// Lines out of a stream, wherever the chunks end. A line lies in the reader's buffer until the next
// one is asked for; `\n` and `\r\n` end lines, and a last line needs no end.

import Glibc

/// Reads a file line by line.
final class LineReader {
    enum Line {
        /// A range of `buffer`, without its end.
        case text(Range<Int>)
        /// Longer than the limit; it has been passed over.
        case tooLong
    }

    /// Holds the line.
    private(set) var buffer: [UInt8]
    /// The number of the line read last, from 1.
    private(set) var number = 0
    private let file: InputFile
    private let limit: Int
    private var start = 0
    private var end = 0
    private var atEnd = false

    init(path: String, chunkSize: Int, limit: Int = RowReader.longestRow) throws(CorpusError) {
        file = try InputFile(path: path, chunkSize: chunkSize)
        self.limit = limit
        buffer = [UInt8](repeating: 0, count: max(chunkSize, 4))
        try dropMark()
    }

    /// The next line; nil behind the last.
    func next() throws(CorpusError) -> Line? {
        var searched = start
        var dropping = false
        while true {
            if let newline = newline(from: searched) {
                let line = start..<newline
                start = newline + 1
                number += 1
                return dropping || line.count > limit ? .tooLong : .text(trimmed(line))
            }
            if atEnd {
                guard start < end || dropping else { return nil }
                let line = start..<end
                start = end
                number += 1
                return dropping || line.count > limit ? .tooLong : .text(trimmed(line))
            }
            if end - start > limit {
                dropping = true
                start = end
            }
            searched = end - start
            try more()
        }
    }

    /// Drops a UTF-8 byte order mark, and names the marks of encodings that we don't read.
    private func dropMark() throws(CorpusError) {
        while end < 3, !atEnd { try more() }
        if end >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF {
            start = 3
        } else if end >= 2, buffer[..<2] == [0xFF, 0xFE] || buffer[..<2] == [0xFE, 0xFF] {
            throw CorpusError(
                .unreadable, "\(file.path): this is UTF-16; convert it to UTF-8 (iconv -t UTF-8)")
        }
    }

    /// Moves what is left to the buffer's head and reads behind it.
    private func more() throws(CorpusError) {
        if start > 0 {
            unsafe buffer.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe memmove(base, base + start, end - start)
            }
            end -= start
            start = 0
        }
        if end == buffer.count {
            buffer.append(contentsOf: repeatElement(0, count: buffer.count))
        }
        let count = try file.read(into: &buffer, from: end)
        end += count
        atEnd = count == 0
    }

    private func newline(from offset: Int) -> Int? {
        guard offset < end else { return nil }
        return unsafe buffer.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress,
                let found = unsafe memchr(base + offset, 0x0A, end - offset)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - base
        }
    }

    private func trimmed(_ line: Range<Int>) -> Range<Int> {
        guard let last = line.last, buffer[last] == 0x0D else { return line }
        return line.lowerBound..<last
    }
}
