// A report to HTML by the embedded template. Here the values are put into the shape that the
// template walks over; how it looks stands in `report.mustache`.

import Mustache

/// The page of a report.
struct ReportPage {
    private let report: RunReport

    init(_ report: RunReport) {
        self.report = report
    }

    func html() throws(ReportingError) -> String {
        do {
            let source = String(decoding: PackageResources.report_mustache, as: UTF8.self)
            return try MustacheTemplate(string: source).render(context)
        } catch {
            throw ReportingError(.template, "report.mustache: \(error)")
        }
    }

    private var context: [String: Any] {
        [
            "title": report.title, "summary": report.summary, "footer": some(report.footer),
            "hasFigures": !report.figures.isEmpty,
            "figures": report.figures.map {
                ["name": $0.name, "value": $0.value, "note": some($0.note)] as [String: Any]
            },
            "charts": report.charts.filter { !$0.isEmpty }.map(chart),
            "tables": report.tables.map(table),
        ]
    }

    /// A list, which the template walks over once or not at all: to it, an empty text is something.
    private func some(_ text: String) -> [String] { text.isEmpty ? [] : [text] }

    private func chart(_ chart: Chart) -> [String: Any] {
        [
            "title": chart.title, "svg": ChartDrawing(chart).svg,
            "legend": chart.series.enumerated().map { index, series in
                ["name": series.name, "colour": "c\(index % 6)"]
            },
        ]
    }

    private func table(_ table: ReportTable) -> [String: Any] {
        func style(_ column: Int) -> String {
            table.columns[column].alignment == .right ? "number" : ""
        }
        return [
            "breadth": table.columns.count > 4 ? "broad" : "",
            "title": table.title, "note": some(table.note),
            "columns": table.columns.indices.map { index in
                ["name": table.columns[index].name, "style": style(index)]
            },
            "rows": table.rows.map { row in
                [
                    "cells": row.indices.map { index -> [String: Any] in
                        var cell: [String: Any] = ["text": row[index].text, "style": style(index)]
                        if let shade = row[index].shade {
                            cell["shade"] = NumberText.fixed(shade * 70, decimals: 0)
                        }
                        return cell
                    }
                ]
            },
        ]
    }
}
