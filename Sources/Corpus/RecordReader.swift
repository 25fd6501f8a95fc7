// Files to records, one at a time: nothing is held but one chunk and one row. It doesn't look for
// duplicates, which needs all ids: `Corpus` does.

/// Reads the records of a source one after the other.
public struct RecordReader: ~Copyable {
    /// What has been seen so far (`kept` and duplicates are counted by who keeps records).
    public internal(set) var report = ReadReport()
    private let source: CorpusSource
    private let chunkSize: Int
    private var nextPath = 0
    private var path = ""
    private var rows: RowReader?
    private var rowsOfFile = 0

    /// Prepares to read; the first file is opened by the first `next`.
    public init(_ source: CorpusSource) throws(CorpusError) {
        try self.init(source, chunkSize: 1 << 18)
    }

    init(_ source: CorpusSource, chunkSize: Int) throws(CorpusError) {
        try source.validate()
        self.source = source
        self.chunkSize = chunkSize
    }

    /// The next record; nil after the last one of the last file.
    public mutating func next() throws(CorpusError) -> Record? {
        while true {
            if rows == nil {
                guard nextPath < source.paths.count else { return nil }
                path = source.paths[nextPath]
                nextPath += 1
                rowsOfFile = 0
                rows = try RowReader(path: path, source: source, chunkSize: chunkSize)
            }
            guard let row = try rows?.next() else {
                guard rowsOfFile > 0 else {
                    throw CorpusError(.empty, "\(path): the file holds no rows")
                }
                rows = nil
                continue
            }
            switch row {
            case .blank:
                report.blankLines += 1
            case .bad(let line, let reason):
                rowsOfFile += 1
                report.rows += 1
                try bad(reason, line: line)
            case .fields(let line, let fields):
                rowsOfFile += 1
                report.rows += 1
                if let record = try record(of: fields, line: line) { return record }
            }
        }
    }

    private mutating func record(
        of fields: RowFields, line: Int
    ) throws(CorpusError) -> Record? {
        guard let text = fields.text else {
            try bad("no text in field '\(source.textField)'", line: line)
            return nil
        }
        guard !text.unicodeScalars.allSatisfy(\.properties.isWhitespace) else {
            try bad("the text is empty", line: line)
            return nil
        }
        if source.labelRequired, let field = source.labelField, fields.label == nil {
            try bad("no label in field '\(field)'", line: line)
            return nil
        }
        guard fields.id != "", fields.label != "" else {
            try bad("the \(fields.id == "" ? "id" : "label") is empty", line: line)
            return nil
        }
        for field in source.fields where fields.further[field] == nil {
            try bad("no value in field '\(field)'", line: line)
            return nil
        }
        return Record(
            id: fields.id, text: text, label: fields.label, fields: fields.further,
            source: Place(file: path, line: line))
    }

    /// Refuses or counts a row, as the source wants it.
    mutating func bad(_ reason: String, line: Int) throws(CorpusError) {
        let place = Place(file: path, line: line)
        guard source.onBadRow == .skip else {
            throw CorpusError(
                .badRow, "\(place): \(reason) (data.on_bad_row: skip leaves such rows out)")
        }
        report.note(bad: reason, at: place)
    }
}
