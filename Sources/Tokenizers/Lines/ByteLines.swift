// The lines of a file or of standard input, as bytes, read in chunks.
//
// Bytes, because a line that isn't UTF-8 is to be refused by its number, not repaired.

public import Foundation

/// The lines of an open file, one after the other.
public struct ByteLines {
    /// What the lines come from, for messages.
    public let name: String
    private let handle: FileHandle
    private var chunk: [UInt8] = []
    private var position = 0
    private var isAtEnd = false

    private static let chunkSize = 1 << 18

    /// The lines of an open file, such as `FileHandle.standardInput`.
    public init(_ handle: FileHandle, name: String) {
        self.handle = handle
        self.name = name
    }

    /// The lines of the file at a path.
    public init(path: String) throws(TokenizerError) {
        guard InputFile.exists(path) else {
            throw TokenizerError(.unreadable, "\(path): no such file")
        }
        guard !InputFile.isFolder(path), let handle = FileHandle(forReadingAtPath: path) else {
            let reason = InputFile.isFolder(path) ? "is a folder, not a file" : "can't be read"
            throw TokenizerError(.unreadable, "\(path): \(reason)")
        }
        self.init(handle, name: path)
    }

    /// The next line without its line feed; nil after the last.
    public mutating func next() throws(TokenizerError) -> [UInt8]? {
        var line: [UInt8] = []
        while true {
            if position == chunk.count {
                guard try readChunk() else { return line.isEmpty ? nil : line }
            }
            if let end = chunk[position...].firstIndex(of: 0x0A) {
                line.append(contentsOf: chunk[position..<end])
                position = end + 1
                return line
            }
            line.append(contentsOf: chunk[position...])
            position = chunk.count
        }
    }

    /// Reads more; false at the end.
    private mutating func readChunk() throws(TokenizerError) -> Bool {
        if isAtEnd { return false }
        do {
            chunk = Array(try handle.read(upToCount: Self.chunkSize) ?? Data())
        } catch {
            throw TokenizerError(.unreadable, "\(name): reading stopped: \(error)")
        }
        position = 0
        isAtEnd = chunk.isEmpty
        return !isAtEnd
    }
}
