// The report of a run that is over, read back from its folder.

import Foundation
import Reporting

/// A finished run's `report.json`.
public struct FinishedReport {
    private let members: [String: Any]
    private let folder: RunFolder

    /// Reads a folder's report.
    public init(folder: RunFolder) throws {
        guard let data = FileManager.default.contents(atPath: folder.report),
            let members = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
        else {
            throw MethodError(.unusableFolder, "\(folder.report): missing or not a report")
        }
        self.members = members
        self.folder = folder
    }

    /// A numeric figure, nil if it is absent or unknown.
    public func number(_ key: String) -> Double? { (members[key] as? NSNumber)?.doubleValue }

    /// Some figures with their places after the point, 0 for whole numbers, as a table for the terminal;
    /// those that are absent or unknown are left out.
    func table(_ rows: [(name: String, key: String, decimals: Int)]) -> String {
        var table = TextTable([.init("figure"), .init("value", .right)])
        for (name, key, decimals) in rows {
            guard let value = number(key) else { continue }
            table.add([name, decimals == 0 ? String(Int(value)) : fixed(value, decimals)])
        }
        return table.text + "report: \(folder.page)\nstudent: \(folder.student)\n"
    }
}

extension ReportTable {
    /// A run's recipe as a table: a row a line.
    init(resolvedRecipe: String) {
        self.init(
            title: "Recipe", note: "Every key, with the defaults.",
            pairs: resolvedRecipe.split(separator: "\n").map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (
                    name: String(parts[0]),
                    value: parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
                )
            })
    }
}
