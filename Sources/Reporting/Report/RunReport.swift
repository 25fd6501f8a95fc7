// What a run came to: `report.json` for programs and `report.html` for people. It knows nothing of
// methods; whoever ran one puts the figures in.

import Foundation

/// The result of a run.
public struct RunReport: Sendable {
    /// One number in large type.
    public struct Figure: Sendable, Hashable {
        /// What it is.
        public let name: String
        /// The number as text.
        public let value: String
        /// A few words beneath; may be empty.
        public let note: String

        /// Makes a figure.
        public init(_ name: String, _ value: String, note: String = "") {
            self.name = name
            self.value = value
            self.note = note
        }
    }

    /// The run's name.
    public var title: String
    /// A sentence or two that say what was done and what came out.
    public var summary: String
    /// The numbers that matter most, three to six.
    public var figures: [Figure] = []
    /// The curves; those without a point are left out.
    public var charts: [Chart] = []
    /// The tables.
    public var tables: [ReportTable] = []
    /// The last line: program, version, date.
    public var footer = ""
    /// What `report.json` holds, in that order.
    public var values: [ReportValue.Member] = []

    /// Begins a report.
    public init(title: String, summary: String) {
        self.title = title
        self.summary = summary
    }

    /// The text of `report.json`.
    public var json: String { ReportValue.object(values).indentedJSON + "\n" }

    /// The text of `report.html`: one page that needs nothing else, no script and no network.
    public func html() throws(ReportingError) -> String { try ReportPage(self).html() }

    /// Writes `report.json` and `report.html` to a folder; each is replaced at once.
    public func write(toFolder folder: String) throws(ReportingError) {
        for (name, text) in [("report.json", json), ("report.html", try html())] {
            let path = "\(folder)/\(name)"
            do {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            } catch {
                throw ReportingError(.unwritable, "\(path): \(error.localizedDescription)")
            }
        }
    }
}
