// A table for the terminal: columns as wide as their widest cell, numbers to the right.

/// Rows of texts with aligned columns.
public struct TextTable: Sendable {
    /// Where a column's texts stand.
    public enum Alignment: Sendable, Hashable {
        /// At the left: words.
        case left
        /// At the right: numbers.
        case right
    }

    /// A column's head.
    public struct Column: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// Where its texts stand.
        public let alignment: Alignment

        /// Makes a column.
        public init(_ name: String, _ alignment: Alignment = .left) {
            self.name = name
            self.alignment = alignment
        }
    }

    /// The columns.
    public let columns: [Column]
    /// The rows, each with a text for every column.
    public private(set) var rows: [[String]] = []

    /// An empty table.
    public init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row at the end.
    public mutating func add(_ row: [String]) {
        precondition(
            row.count == columns.count, "\(row.count) texts for \(columns.count) columns")
        rows.append(row)
    }

    /// Lines for the terminal: heads, a rule, rows; each ends with a line end.
    public var text: String {
        let all = [columns.map(\.name)] + rows
        let widths = columns.indices.map { index in
            all.map { Self.width($0[index]) }.max() ?? 0
        }
        func line(_ cells: [String]) -> String {
            let texts = cells.indices.map { index in
                let space = String(repeating: " ", count: widths[index] - Self.width(cells[index]))
                return columns[index].alignment == .left
                    ? cells[index] + space : space + cells[index]
            }
            let joined = texts.joined(separator: "  ")
            return String(joined.reversed().drop { $0 == " " }.reversed()) + "\n"
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        return line(columns.map(\.name)) + rule + "\n" + rows.map(line).joined()
    }

    /// The same as a table in Markdown.
    public var markdown: String {
        func line(_ cells: [String]) -> String {
            "| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |\n"
        }
        let rule = columns.map { $0.alignment == .left ? "---" : "---:" }
        return line(columns.map(\.name)) + "|\(rule.joined(separator: "|"))|\n"
            + rows.map(line).joined()
    }

    /// Columns of the terminal that a text takes; letters of East Asia and emoji take two.
    private static func width(_ text: String) -> Int {
        text.reduce(0) { sum, character in
            let wide = character.unicodeScalars.contains {
                (0x1100...0x115F).contains($0.value) || (0x2E80...0xA4CF).contains($0.value)
                    || (0xAC00...0xD7A3).contains($0.value)
                    || (0xF900...0xFAFF).contains($0.value)
                    || (0xFE30...0xFE6F).contains($0.value)
                    || (0xFF00...0xFF60).contains($0.value)
                    || (0x1F300...0x1FAFF).contains($0.value)
            }
            return sum + (wide ? 2 : 1)
        }
    }
}
