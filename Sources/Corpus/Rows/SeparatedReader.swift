// Comma- or tab-separated values by RFC 4180: a head line with the fields' names, quoted fields that
// may hold separators, line ends and doubled quotes. Unlike some readers it doesn't guess: text
// behind a closing quote and a row with too few or too many fields are bad rows.

/// Reads the rows of a CSV or TSV file.
final class SeparatedReader {
    private var rows: SeparatedRows
    private let path: String
    private var fieldCount = 0
    private var textIndex = 0
    private var labelIndex: Int?
    private var idIndex: Int?
    private var further: [(name: String, index: Int)] = []

    init(
        path: String, separator: UInt8, source: CorpusSource, chunkSize: Int
    ) throws(CorpusError) {
        self.path = path
        rows = try SeparatedRows(
            path: path, separator: separator, quoting: source.quoting, chunkSize: chunkSize)
        try readHead(source)
    }

    func next() throws(CorpusError) -> Row? {
        guard try rows.next() else { return nil }
        let line = rows.startLine
        if let problem = rows.problem { return .bad(line: line, reason: problem) }
        if rows.isBlank { return .blank }
        guard rows.fieldEnds.count == fieldCount else {
            return .bad(
                line: line,
                reason: "\(rows.fieldEnds.count) fields, the head line has \(fieldCount)")
        }
        var fields = RowFields()
        do throws(UTF8.ValidationError) {
            fields.text = try rows.field(textIndex)
            // An empty cell is how these formats say that there is none.
            fields.label = try labelIndex.flatMap(nonEmptyField)
            fields.id = try idIndex.flatMap(nonEmptyField)
            for field in further {
                fields.further[field.name] = try nonEmptyField(field.index)
            }
        } catch {
            return .bad(line: line, reason: notUTF8Reason(at: error.byteOffsets.lowerBound))
        }
        guard fields.text?.utf8.contains(0) != true,
            further.allSatisfy({ fields.further[$0.name]?.utf8.contains(0) != true })
        else {
            return .bad(line: line, reason: "a NUL byte: this isn't text")
        }
        return .fields(line: line, fields)
    }

    private func nonEmptyField(_ index: Int) throws(UTF8.ValidationError) -> String? {
        let value = try rows.field(index)
        return value.isEmpty ? nil : value
    }

    private func readHead(_ source: CorpusSource) throws(CorpusError) {
        repeat {
            guard try rows.next() else {
                throw CorpusError(.empty, "\(path): the file holds no rows")
            }
        } while rows.isBlank && rows.problem == nil
        let place = "\(path):\(rows.startLine)"
        if let problem = rows.problem {
            throw CorpusError(.unreadable, "\(place): head line: \(problem)")
        }
        fieldCount = rows.fieldEnds.count
        var names: [String] = []
        do throws(UTF8.ValidationError) {
            for index in 0..<fieldCount { names.append(try rows.field(index)) }
        } catch {
            throw CorpusError(
                .unreadable,
                "\(place): head line: \(notUTF8Reason(at: error.byteOffsets.lowerBound))")
        }
        func index(of name: String) throws(CorpusError) -> Int? {
            let found = names.indices.filter { names[$0] == name }
            guard found.count < 2 else {
                throw CorpusError(
                    .configuration, "\(place): the head line has two fields '\(name)'")
            }
            return found.first
        }
        func known() -> String { names.prefix(20).map { "'\($0)'" }.joined(separator: ", ") }
        guard let text = try index(of: source.textField) else {
            throw CorpusError(
                .configuration,
                "\(place): the head line has no field '\(source.textField)' but \(known()); "
                    + "set data.text_field")
        }
        textIndex = text
        idIndex = try index(of: source.idField)
        for field in source.fields {
            guard let index = try index(of: field) else {
                throw CorpusError(
                    .configuration,
                    "\(place): the head line has no field '\(field)' but \(known())")
            }
            further.append((field, index))
        }
        guard let field = source.labelField else { return }
        labelIndex = try index(of: field)
        if labelIndex == nil, source.labelRequired {
            throw CorpusError(
                .configuration,
                "\(place): the head line has no field '\(field)' but \(known()); "
                    + "set data.label_field")
        }
    }
}
