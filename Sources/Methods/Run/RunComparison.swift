// Finished runs side by side: what each selection cost in visits and what it gave in accuracy.

import Foundation
import Reporting

/// A table of finished runs.
public struct RunComparison {
    private let table: TextTable

    /// Compares runs.
    ///
    /// - Parameters:
    ///   - runs: For each run the values that set it apart, and its folder.
    ///   - keys: What those values are values of.
    public init(_ runs: [(values: [String], folder: RunFolder)], keys: [String]) throws {
        var table = TextTable(
            keys.map { .init($0) }
                + Self.columns.map { .init($0.name, .right) })
        for (values, folder) in runs {
            let report = try FinishedReport(folder: folder)
            table.add(
                values
                    + Self.columns.map { column in
                        report.number(column.key).map {
                            column.decimals == 0 ? String(Int($0)) : fixed($0, column.decimals)
                        } ?? "-"
                    })
        }
        self.table = table
    }

    private static let columns: [(name: String, key: String, decimals: Int)] = [
        ("teacher", "teacher_accuracy", 4),
        ("student", "student_accuracy", 4),
        ("macro F1", "student_macro_f1", 4),
        ("visits", "sample_visit_ratio", 3),
        ("distinct", "distinct_ratio", 3),
        ("teacher error kept", "teacher_error_kept", 3),
        ("dropped", "teacher_error_dropped", 3),
        ("seconds", "seconds", 0),
    ]

    /// The table for the terminal.
    public var text: String { table.text }

    /// Writes the table as Markdown into a folder.
    public func write(to folder: RunFolder) throws {
        try folder.write(table.markdown + "\n", to: "\(folder.path)/comparison.md")
    }
}
