// The log of metrics: lines as they are written, cut back on a resume, whole after a kill.

import Foundation
import Testing

@testable import Reporting

@Suite struct MetricsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func text() throws -> String {
        try String(contentsOfFile: folder.file("metrics.jsonl"), encoding: .utf8)
    }

    @Test func linesAreAppendedAtOnce() throws {
        let log = try MetricsLog(path: folder.file("metrics.jsonl"), resumingAfterStep: nil)
        try log.append("train", step: 1, [.init("loss", 0.5), .init("kept", 3)])
        #expect(try text() == "{\"kind\":\"train\",\"step\":1,\"loss\":0.5,\"kept\":3}\n")
        try log.append(
            "evaluate", step: 1, [.init("name", "é\"\n"), .init("accuracy", .number(.nan))])
        #expect(
            try text().hasSuffix(
                "{\"kind\":\"evaluate\",\"step\":1,\"name\":\"é\\\"\\n\",\"accuracy\":null}\n"))
        let history = try MetricsHistory(path: folder.file("metrics.jsonl"))
        #expect(history.records.map(\.step) == [1, 1])
        #expect(history.series("loss", kind: "train") == [.init(x: 1, y: 0.5)])
        #expect(history.series("kept", kind: "train") == [.init(x: 1, y: 3)])
        #expect(history.series("accuracy", kind: "evaluate").isEmpty)
        #expect(history.series("loss", kind: "evaluate").isEmpty)
    }

    @Test func resumingCutsWhatComesAfter() throws {
        let path = folder.file("metrics.jsonl")
        do {
            let log = try MetricsLog(path: path, resumingAfterStep: nil)
            for step in 1...6 {
                try log.append("train", step: step, [.init("loss", .number(1 / Double(step)))])
                if step.isMultiple(of: 2) { try log.append("evaluate", step: step, []) }
            }
        }
        let whole = try text()
        // A kill in the middle of a line.
        try (whole + "{\"kind\":\"train\",\"st").write(
            toFile: path, atomically: false, encoding: .utf8)
        #expect(try MetricsHistory(path: path).isTorn)
        do {
            let log = try MetricsLog(path: path, resumingAfterStep: 4)
            try log.append("train", step: 5, [.init("loss", 7)])
        }
        let history = try MetricsHistory(path: path)
        #expect(history.records.map(\.step) == [1, 2, 2, 3, 4, 4, 5])
        #expect(history.series("loss", kind: "train").last == .init(x: 5, y: 7))
        let kept = whole.split(separator: "\n").prefix(6).joined(separator: "\n") + "\n"
        #expect(try text().hasPrefix(kept))
        // Nothing to cut: the file isn't touched.
        let before = try text()
        try MetricsLog.truncate(path: path, afterStep: 100)
        #expect(try text() == before)
        // A new run begins a new log.
        _ = try MetricsLog(path: path, resumingAfterStep: nil)
        #expect(try text().isEmpty)
    }

    @Test func resumingWithoutALogBeginsOne() throws {
        let log = try MetricsLog(path: folder.file("metrics.jsonl"), resumingAfterStep: 12)
        try log.append("train", step: 13, [])
        #expect(try text() == "{\"kind\":\"train\",\"step\":13}\n")
    }

    @Test func whatIsNoLogIsNamed() throws {
        let path = try folder.write("metrics.jsonl", "{\"kind\":\"a\",\"step\":1}\nnonsense\n".utf8)
        let error = #expect(throws: ReportingError.self) {
            try MetricsLog(path: path, resumingAfterStep: 1)
        }
        #expect(error?.message.contains("metrics.jsonl:2: this isn't a record") == true)
        #expect(throws: ReportingError.self) {
            try MetricsLog(path: folder.file("no/such/folder"), resumingAfterStep: nil)
        }
    }
}
