// The byte machine beneath `SeparatedReader`: cuts a stream into rows and fields, wherever chunks
// end. It knows quotes and line ends, no names.

/// Rows of separated values, one at a time.
final class SeparatedRows {
    private enum State {
        /// Nothing of the field has been read.
        case fieldStart
        case unquoted
        case quoted
        /// A quote within a quoted field: its end, or the first of a doubled one.
        case quoteInQuoted
        /// A carriage return behind a closing quote: a line end must follow.
        case returnAfterQuote
        /// The row is bad; its line's end is looked for.
        case passingOver
    }

    /// The line on which the row began, from 1.
    private(set) var startLine = 1
    /// The ends of its fields in the row's bytes.
    private(set) var fieldEnds: [Int] = []
    /// Why it isn't a row.
    private(set) var problem: String?
    /// The row's fields one behind the other, quotes undone.
    private var bytes: [UInt8] = []
    private var anyQuoted = false
    private let file: InputFile
    private let separator: UInt8
    private let quoting: Bool
    private var chunk: [UInt8]
    private var position = 0
    private var limit = 0
    private var line = 1
    private var atStart = true

    init(path: String, separator: UInt8, quoting: Bool, chunkSize: Int) throws(CorpusError) {
        file = try InputFile(path: path, chunkSize: chunkSize)
        self.separator = separator
        self.quoting = quoting
        chunk = [UInt8](repeating: 0, count: chunkSize)
    }

    /// Whether the row has one field with nothing in it: an empty line.
    var isBlank: Bool { fieldEnds.count == 1 && bytes.isEmpty && !anyQuoted }

    /// The text of a field of the row.
    func field(_ index: Int) throws(UTF8.ValidationError) -> String {
        let range = (index == 0 ? 0 : fieldEnds[index - 1])..<fieldEnds[index]
        let bytes = bytes
        return String(copying: try UTF8Span(validating: bytes.span.extracting(range)))
    }

    /// Reads the next row; false at the end of the file.
    func next() throws(CorpusError) -> Bool {
        bytes.removeAll(keepingCapacity: true)
        fieldEnds.removeAll(keepingCapacity: true)
        problem = nil
        anyQuoted = false
        startLine = line
        var state = State.fieldStart
        var any = false
        while true {
            if position == limit {
                position = 0
                limit = try file.read(into: &chunk, from: 0)
                guard limit > 0 else { return end(state, any: any) }
            }
            if atStart, try dropMark() { continue }
            any = true
            if try step(&state) { return true }
            if bytes.count > RowReader.longestRow { try tooLong() }
        }
    }

    /// Takes a run of bytes that mean the same; true where the row is complete.
    private func step(_ state: inout State) throws(CorpusError) -> Bool {
        let byte = chunk[position]
        switch state {
        case .fieldStart where byte == 0x22 && quoting:
            anyQuoted = true
            state = .quoted
        case .fieldStart, .unquoted:
            state = .unquoted
            if byte == separator {
                fieldEnds.append(bytes.count)
                state = .fieldStart
            } else if byte == 0x0A {
                return lineEnd(unquoted: true)
            } else {
                run(until: separator, or: 0x0A)
                return false
            }
        case .quoted:
            if byte == 0x22 {
                state = .quoteInQuoted
            } else {
                run(until: 0x22, or: 0x22)
                return false
            }
        case .quoteInQuoted:
            switch byte {
            case 0x22:
                bytes.append(byte)
                state = .quoted
            case separator:
                fieldEnds.append(bytes.count)
                state = .fieldStart
            case 0x0A: return lineEnd(unquoted: false)
            case 0x0D: state = .returnAfterQuote
            default: pass(over: &state)
            }
        case .returnAfterQuote:
            guard byte != 0x0A else { return lineEnd(unquoted: false) }
            pass(over: &state)
        case .passingOver:
            if byte == 0x0A { return lineEnd(unquoted: false) }
        }
        position += 1
        return false
    }

    /// Appends bytes up to the first that is one of two, or the chunk's end, counting lines.
    private func run(until mark: UInt8, or otherMark: UInt8) {
        let chunk = chunk
        let bytesOfChunk = chunk.span
        var end = position
        var lines = 0
        while end < limit {
            let byte = bytesOfChunk[end]
            if byte == mark || byte == otherMark { break }
            if byte == 0x0A { lines += 1 }
            end += 1
        }
        line += lines
        bytes.append(contentsOf: chunk[position..<end])
        position = end
    }

    private func lineEnd(unquoted: Bool) -> Bool {
        if unquoted, bytes.count > fieldEnds.last ?? 0, bytes.last == 0x0D { bytes.removeLast() }
        fieldEnds.append(bytes.count)
        position += 1
        line += 1
        return true
    }

    private func pass(over state: inout State) {
        problem =
            "field \(fieldEnds.count + 1) goes on behind its closing quote "
            + "(a quote within a quoted field is written twice; data.quoting: false reads "
            + "quotes as letters)"
        state = .passingOver
    }

    /// The last row needs no line end.
    private func end(_ state: State, any: Bool) -> Bool {
        guard any else { return false }
        switch state {
        case .quoted:
            problem = "field \(fieldEnds.count + 1) is quoted and its quote is never closed"
        case .unquoted:
            if bytes.count > fieldEnds.last ?? 0, bytes.last == 0x0D { bytes.removeLast() }
        case .fieldStart, .quoteInQuoted, .returnAfterQuote, .passingOver: break
        }
        fieldEnds.append(bytes.count)
        return true
    }

    private func tooLong() throws(CorpusError) {
        throw CorpusError(
            .badRow,
            "\(file.path):\(startLine): \(LineReader.tooLongReason) (a quote that isn't closed?)")
    }

    /// Passes over a UTF-8 byte order mark; true where bytes were taken.
    private func dropMark() throws(CorpusError) -> Bool {
        while limit < 3 {
            if chunk.count < 3 { chunk.append(contentsOf: repeatElement(0, count: 3)) }
            let count = try file.read(into: &chunk, from: limit)
            if count == 0 { break }
            limit += count
        }
        atStart = false
        if limit >= 2, chunk[..<2] == [0xFF, 0xFE] || chunk[..<2] == [0xFE, 0xFF] {
            throw CorpusError(
                .unreadable, "\(file.path): this is UTF-16; convert it to UTF-8 (iconv -t UTF-8)")
        }
        guard limit >= 3, chunk[..<3] == [0xEF, 0xBB, 0xBF] else { return false }
        position = 3
        return true
    }
}
