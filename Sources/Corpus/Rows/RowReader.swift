// Rows of any of the formats behind one call. An enum and not a protocol: the formats are ours, and
// few. The readers are classes, so that their buffers are never copied by accident.

/// The fields of a row that a record is made of; nil where the row has none.
struct RowFields {
    var text: String?
    var label: String?
    var id: String?
    /// Those that the source asks for beside them.
    var further: [String: String] = [:]
}

/// What a row turned out to be.
enum Row {
    case fields(line: Int, RowFields)
    case bad(line: Int, reason: String)
    case blank
}

/// Reads one file's rows.
enum RowReader {
    case jsonl(JSONLReader)
    case separated(SeparatedReader)
    case lines(LineReader)

    /// A row longer than this is a bad one: most likely not text at all.
    static let longestRow = 64 << 20

    init(path: String, source: CorpusSource, chunkSize: Int) throws(CorpusError) {
        switch try source.format(of: path) {
        case .jsonl:
            self = .jsonl(try JSONLReader(path: path, source: source, chunkSize: chunkSize))
        case .csv:
            self = .separated(
                try SeparatedReader(
                    path: path, separator: UInt8(ascii: ","), source: source, chunkSize: chunkSize))
        case .tsv:
            self = .separated(
                try SeparatedReader(
                    path: path, separator: UInt8(ascii: "\t"), source: source,
                    chunkSize: chunkSize))
        case .lines: self = .lines(try LineReader(path: path, chunkSize: chunkSize))
        }
    }

    /// The next row; nil at the end of the file.
    func next() throws(CorpusError) -> Row? {
        switch self {
        case .jsonl(let reader): try reader.next()
        case .separated(let reader): try reader.next()
        case .lines(let reader): try reader.nextRow()
        }
    }
}

extension LineReader {
    /// Why a row of more than the limit is refused.
    static let tooLongReason = "the row is longer than \(RowReader.longestRow >> 20) MiB"

    /// A line as a row of the format `lines`.
    fileprivate func nextRow() throws(CorpusError) -> Row? {
        switch try next() {
        case nil: return nil
        case .tooLong: return .bad(line: number, reason: Self.tooLongReason)
        case .text(let range):
            guard !isBlank(range) else { return .blank }
            let buffer = buffer
            guard !buffer[range].contains(0) else {
                return .bad(line: number, reason: "a NUL byte: this isn't text")
            }
            do throws(UTF8.ValidationError) {
                let text = try UTF8Span(validating: buffer.span.extracting(range))
                return .fields(line: number, RowFields(text: String(copying: text)))
            } catch {
                return .bad(line: number, reason: notUTF8Reason(at: error.byteOffsets.lowerBound))
            }
        }
    }

    /// Whether a line has nothing but spaces and tabs.
    func isBlank(_ range: Range<Int>) -> Bool {
        buffer[range].allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }
}

/// The reason given for a byte (from 0) that isn't UTF-8.
func notUTF8Reason(at offset: Int) -> String {
    "not UTF-8 at byte \(offset + 1) (another encoding? iconv -t UTF-8 converts a file)"
}
