// A table of the report page: texts, and for some cells how dark they are.

/// A titled table.
public struct ReportTable: Sendable, Hashable {
    /// One cell.
    public struct Cell: Sendable, Hashable {
        /// What stands in it.
        public let text: String
        /// How dark it is, from 0 to 1; nil: like the page.
        public let shade: Double?

        /// Makes a cell.
        public init(_ text: String, shade: Double? = nil) {
            self.text = text
            self.shade = shade
        }
    }

    /// What it shows.
    public let title: String
    /// A sentence beneath the title; may be empty.
    public let note: String
    /// The columns.
    public let columns: [TextTable.Column]
    /// The rows, each with a cell for every column.
    public let rows: [[Cell]]

    /// Makes a table of cells.
    public init(
        title: String, note: String = "", columns: [TextTable.Column], cells rows: [[Cell]]
    ) {
        for row in rows {
            precondition(
                row.count == columns.count, "\(row.count) cells for \(columns.count) columns")
        }
        self.title = title
        self.note = note
        self.columns = columns
        self.rows = rows
    }

    /// Makes a table of texts.
    public init(title: String, note: String = "", columns: [TextTable.Column], rows: [[String]]) {
        self.init(
            title: title, note: note, columns: columns, cells: rows.map { $0.map { Cell($0) } })
    }

    /// Makes a table of names and values: a configuration, metrics.
    public init(title: String, note: String = "", pairs: [(name: String, value: String)]) {
        self.init(
            title: title, note: note,
            columns: [TextTable.Column("name"), TextTable.Column("value")],
            rows: pairs.map { [$0.name, $0.value] })
    }

    /// A confusion matrix: `counts[true class][predicted class]`, shaded by the share of its row.
    public static func confusion(
        title: String = "Confusion", labels: [String], counts: [[Int]]
    ) -> ReportTable {
        precondition(
            counts.count == labels.count && counts.allSatisfy { $0.count == labels.count },
            "\(labels.count) labels, \(counts.map(\.count)) counts")
        let columns =
            [TextTable.Column("true \\ predicted")]
            + labels.map { TextTable.Column($0, .right) }
        let rows = zip(labels, counts).map { label, row in
            let sum = row.reduce(0, +)
            return [Cell(label)]
                + row.map { count in
                    Cell(
                        NumberText.grouped(count),
                        shade: sum > 0 ? Double(count) / Double(sum) : 0)
                }
        }
        return ReportTable(
            title: title, note: "A row is a true class, a column what the student said.",
            columns: columns, cells: rows)
    }
}
