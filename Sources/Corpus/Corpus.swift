// All records of a source in memory, each id once. Order is the order of the files: position `i` is
// the same record on every rank that reads the same files.

/// The records of a source, and what reading saw.
public struct Corpus: Sendable {
    /// The records, in the order of the files; ids are unique.
    public let records: [Record]
    /// What reading saw.
    public let report: ReadReport

    /// Makes a corpus of records at hand, whose ids must be unique.
    public init(records: [Record]) {
        precondition(Set(records.map(\.id)).count == records.count, "ids must be unique")
        self.records = records
        var report = ReadReport()
        report.rows = records.count
        report.kept = records.count
        self.report = report
    }

    private init(records: [Record], report: ReadReport) {
        self.records = records
        self.report = report
    }

    /// Reads all files of a source.
    ///
    /// A row with the id and the content of an earlier one is dropped and counted; the id of an
    /// earlier one with another content is a bad row.
    public static func read(_ source: CorpusSource) throws(CorpusError) -> Corpus {
        try read(source, chunkSize: 1 << 18)
    }

    static func read(_ source: CorpusSource, chunkSize: Int) throws(CorpusError) -> Corpus {
        var reader = try RecordReader(source, chunkSize: chunkSize)
        var records: [Record] = []
        var ids = RecordIndex()
        var texts = RecordIndex()
        while let record = try reader.next() {
            let number = records.count
            precondition(number < Int(UInt32.max), "more than \(UInt32.max) records")
            let same = ids.find(record.id, insertingAs: number) { records[$0].id == record.id }
            if let same {
                let earlier = records[same]
                if earlier.text == record.text, earlier.label == record.label,
                    earlier.fields == record.fields
                {
                    reader.report.note(
                        duplicate: record.id, first: earlier.source, again: record.source)
                } else {
                    let what =
                        earlier.text != record.text
                        ? "another text"
                        : earlier.label != record.label ? "another label" : "other fields"
                    try reader.conflict(record, what, earlier.source)
                }
                continue
            }
            let before = texts.find(record.text, insertingAs: number) {
                records[$0].text == record.text
            }
            if before != nil { reader.report.repeatedTexts += 1 }
            records.append(record)
        }
        reader.report.kept = records.count
        guard !records.isEmpty else {
            let first = reader.report.badRows.first.map { "; the first: \($0)" } ?? ""
            throw CorpusError(
                .empty,
                "\(source.paths.joined(separator: ", ")): "
                    + "none of \(reader.report.rows) rows can be used\(first)")
        }
        return Corpus(records: records, report: reader.report)
    }
}

extension RecordReader {
    /// Refuses or counts a record whose id stands for something else already.
    fileprivate mutating func conflict(
        _ record: Record, _ what: String, _ earlier: Place
    ) throws(CorpusError) {
        let reason = "id '\(record.id)' stands at \(earlier) with \(what)"
        do throws(CorpusError) {
            try bad(reason, line: record.source.line)
        } catch {
            throw CorpusError(.conflict, error.message)
        }
    }
}
