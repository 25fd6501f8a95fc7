// `metrics.jsonl` read back: for the curves of the report, which must show what happened before a
// resume too.

import Foundation

/// The records of a log of metrics.
public struct MetricsHistory: Sendable {
    /// One line of the log.
    public struct Record: Sendable {
        /// What kind of measurement it is (`train`, `evaluate`).
        public let kind: String
        /// The step at which it was made.
        public let step: Int
        /// Its numbers by name.
        public let numbers: [String: Double]
        let line: String
    }

    /// The records, in their order.
    public let records: [Record]
    /// Whether the last line was cut short (and left out).
    public let isTorn: Bool

    /// Reads a log.
    public init(path: String) throws(ReportingError) {
        let text: Data
        do {
            text = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw ReportingError(.unreadable, "\(path): \(error.localizedDescription)")
        }
        var lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        // Behind the last line end there is nothing, or a line that was cut short.
        let tail = lines.popLast() ?? Data()
        isTorn = !tail.isEmpty
        var records: [Record] = []
        for (index, line) in lines.enumerated() where !line.isEmpty {
            guard let record = Self.record(line) else {
                throw ReportingError(
                    .unreadable,
                    "\(path):\(index + 1): this isn't a record of metrics; remove the line, or "
                        + "move the file away to begin a new one")
            }
            records.append(record)
        }
        self.records = records
    }

    /// The values of one number over the steps, of one kind of record.
    public func series(_ name: String, kind: String) -> [Chart.Point] {
        records.compactMap { record in
            guard record.kind == kind, let value = record.numbers[name] else { return nil }
            return Chart.Point(x: Double(record.step), y: value)
        }
    }

    private static func record(_ line: Data) -> Record? {
        guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
            let kind = object["kind"] as? String, let step = object["step"] as? Int
        else { return nil }
        var numbers: [String: Double] = [:]
        for (name, value) in object where !(value is Bool) {
            if let number = value as? Double { numbers[name] = number }
        }
        return Record(
            kind: kind, step: step, numbers: numbers, line: String(decoding: line, as: UTF8.self))
    }
}
