// All lines of a file with their numbers, for files of a form of their own that aren't records.

/// The lines of a file, gzip undone.
public enum TextLines {
    /// Reads a file's lines that aren't blank, each with its number from 1.
    ///
    /// - Throws: `CorpusError` for a file that can't be read, and for a line longer than any row may be.
    public static func read(
        _ path: String
    ) throws(CorpusError) -> [(number: Int, bytes: [UInt8])] {
        let reader = try LineReader(path: path, chunkSize: 1 << 18)
        var lines: [(number: Int, bytes: [UInt8])] = []
        while let line = try reader.next() {
            guard case .text(let range) = line else {
                throw CorpusError(
                    .unreadable, "\(path):\(reader.number): \(LineReader.tooLongReason)")
            }
            if !reader.isBlank(range) { lines.append((reader.number, Array(reader.buffer[range]))) }
        }
        return lines
    }
}
