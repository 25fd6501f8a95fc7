// What to read and how: the `data` section of a recipe as a value. Checked before a file is opened.

/// How rows stand in a file.
public enum CorpusFormat: String, Sendable, CaseIterable {
    /// One JSON object a line.
    case jsonl
    /// Comma-separated values with a head line (RFC 4180).
    case csv
    /// Tab-separated values with a head line; quoted as in CSV.
    case tsv
    /// One text a line.
    case lines

    /// The format that a file's name speaks of, a final `.gz` not counted; nil if none.
    public init?(path: String) {
        var name = path.lowercased()
        if name.hasSuffix(".gz") { name.removeLast(3) }
        let ending = name.split(separator: "/").last?.split(separator: ".").dropFirst().last
        switch ending {
        case "jsonl", "ndjson", "json": self = .jsonl
        case "csv": self = .csv
        case "tsv", "tab": self = .tsv
        case "txt", "text", "lines": self = .lines
        default: return nil
        }
    }
}

/// What becomes of a row that cannot be a record.
public enum BadRowPolicy: String, Sendable, CaseIterable {
    /// Reading ends with an error that names the row.
    case refuse
    /// The row is left out, counted, and named in the report.
    case skip
}

/// Files to read, and how.
public struct CorpusSource: Sendable {
    /// The files, read in this order; `.gz` or not is seen by their first bytes.
    public var paths: [String]
    /// The format of all of them; nil: each by the ending of its name.
    public var format: CorpusFormat?
    /// The field that holds the text.
    public var textField: String
    /// The field that holds the gold label; nil: none is read.
    public var labelField: String?
    /// Whether a row without the label field is a bad row; otherwise its label is nil.
    public var labelRequired: Bool
    /// The field that holds the id; rows without it are named by the hash of their text.
    public var idField: String
    /// JSONL: a field whose text, where a row has one, follows the row's text; nil: none is read.
    ///
    /// So instructions have their input, behind an empty line. Rows with `instances` have input and label
    /// in the first of them.
    public var inputField: String?
    /// Further fields to keep with each record; a row without one of them is a bad row.
    public var fields: [String]
    /// What becomes of bad rows.
    public var onBadRow: BadRowPolicy
    /// Whether `"` quotes a field of CSV and TSV; without, it is a letter like any other.
    public var quoting: Bool

    /// Describes what to read; every choice but the paths has its usual value.
    public init(
        paths: [String], format: CorpusFormat? = nil, textField: String = "text",
        labelField: String? = nil, labelRequired: Bool = true, idField: String = "id",
        inputField: String? = nil, fields: [String] = [], onBadRow: BadRowPolicy = .refuse,
        quoting: Bool = true
    ) {
        self.paths = paths
        self.format = format
        self.textField = textField
        self.labelField = labelField
        self.labelRequired = labelRequired
        self.idField = idField
        self.inputField = inputField
        self.fields = fields
        self.onBadRow = onBadRow
        self.quoting = quoting
    }

    /// The format of one of the files.
    func format(of path: String) throws(CorpusError) -> CorpusFormat {
        guard let format = format ?? CorpusFormat(path: path) else {
            throw CorpusError(
                .configuration,
                "\(path): the format cannot be told by the name; "
                    + "set data.format to jsonl, csv, tsv or lines")
        }
        if format == .lines, let labelField, labelRequired {
            throw CorpusError(
                .configuration,
                "\(path): plain lines have no field '\(labelField)'; "
                    + "give the labels as JSONL, CSV or TSV")
        }
        if format != .jsonl, let inputField {
            throw CorpusError(
                .configuration,
                "\(path): the field '\(inputField)' is added to texts of JSON lines alone; give the "
                    + "file as JSONL, or leave data.input_field out")
        }
        if format == .lines, let field = fields.first {
            throw CorpusError(
                .configuration,
                "\(path): plain lines have no field '\(field)'; give it as JSONL, CSV or TSV")
        }
        return format
    }

    func validate() throws(CorpusError) {
        guard !paths.isEmpty else {
            throw CorpusError(.configuration, "no data file is given; set data.paths")
        }
        let named = [textField, idField] + [labelField, inputField].compactMap { $0 }
        guard Set(named).count == named.count, !named.contains("") else {
            throw CorpusError(
                .configuration,
                "the fields of text, label, id and input must have names and be different ones: "
                    + named.map { "'\($0)'" }.joined(separator: ", "))
        }
        for (index, field) in fields.enumerated() {
            guard !field.isEmpty, !named.contains(field), !fields[..<index].contains(field) else {
                throw CorpusError(
                    .configuration,
                    "the further field '\(field)' must have a name, stand once, and be none of "
                        + named.map { "'\($0)'" }.joined(separator: ", ")
                        + ", which are read anyway")
            }
        }
    }
}
