// The page of a finished run: which figures, curves and tables it shows.

import Foundation
import Reporting
import Training

/// Puts a run's figures together as a report.
struct ReportContents {
    let summary: RunSummary
    let folder: RunFolder
    let program: String
    let recipe: String

    func report() throws -> RunReport {
        var report = RunReport(title: summary.recipe.name, summary: sentence)
        report.figures = figures
        report.charts = try charts()
        report.tables = tables
        report.values = summary.values
        report.footer = "\(program), \(ISO8601DateFormatter().string(from: Date()))"
        return report
    }

    private var sentence: String {
        let usage = summary.progress.usage
        return "The teacher labelled \(summary.poolSize) texts; the student was trained on "
            + "\(usage.visits) sample visits, \(percent(summary.visitRatio)) of \(usage.offered) "
            + "that came by, chosen by \(summary.recipe.method.selection.rule.rawValue)."
    }

    private var figures: [RunReport.Figure] {
        var figures: [RunReport.Figure] = []
        if let accuracy = summary.student?.accuracy {
            let gain = summary.teacherAccuracy.map {
                "\(points(accuracy - $0)) points against the teacher"
            }
            figures.append(.init("student accuracy", percent(accuracy), note: gain ?? ""))
        }
        if let f1 = summary.student?.macroF1 {
            figures.append(.init("student macro F1", fixed(f1, 3)))
        }
        if let accuracy = summary.teacherAccuracy {
            let place = summary.teacherTestAccuracy == nil ? "on the pool" : "on the test texts"
            figures.append(.init("teacher accuracy", percent(accuracy), note: place))
        }
        figures.append(
            .init(
                "sample visits", percent(summary.visitRatio),
                note: "of pool x \(summary.recipe.train.epochs) epochs"))
        figures.append(
            .init(
                "training", "\(fixed(summary.samplesPerSecond, 0)) samples/s",
                note: "\(summary.ranks) ranks x \(summary.threads) threads"))
        return figures
    }

    private func charts() throws -> [Chart] {
        let history = try MetricsHistory(path: folder.metrics)
        let kept = history.records.filter { $0.kind == "train" }
        let visits = keptShare(kept)
        return [
            Chart(
                title: "Accuracy on the test texts",
                series: [
                    .init("accuracy", history.series("accuracy", kind: "evaluate"), marked: true),
                    .init("macro F1", history.series("macro_f1", kind: "evaluate"), marked: true),
                ]),
            Chart(title: "Loss", series: [.init("loss", history.series("loss", kind: "train"))]),
            Chart(
                title: "Share of samples kept", series: [.init("mean of 20 batches", visits)],
                range: 0...1),
            Chart(
                title: "Thresholds",
                series: [
                    .init(
                        "teacher's confidence",
                        history.series("confidence_threshold", kind: "train")),
                    .init(
                        "student's uncertainty",
                        history.series("uncertainty_threshold", kind: "train")),
                ], range: 0...1),
        ]
    }

    private func keptShare(_ records: [MetricsHistory.Record]) -> [Chart.Point] {
        stride(from: 0, to: records.count, by: 20).map { start in
            let window = records[start..<min(start + 20, records.count)]
            let kept = window.reduce(0) { $0 + ($1.numbers["kept"] ?? 0) }
            let offered = window.reduce(0) { $0 + ($1.numbers["offered"] ?? 0) }
            return .init(
                x: Double(window[window.endIndex - 1].step), y: offered > 0 ? kept / offered : 0)
        }
    }

    private var tables: [ReportTable] {
        var tables = [selectionTable] + summary.labelling.tables
        if let student = summary.student {
            tables.append(classTable(student))
            tables.append(
                .confusion(
                    labels: summary.labels,
                    counts: (0..<student.classes).map { gold in
                        (0..<student.classes).map { Int(student[gold, $0]) }
                    }))
        }
        tables.append(
            ReportTable(resolvedRecipe: recipe))
        return tables
    }

    private var selectionTable: ReportTable {
        let usage = summary.progress.usage
        let tally = summary.progress.selector.tally
        var pairs = [
            (name: "sample visits", value: String(usage.visits)),
            (name: "sample visits / (pool x epochs)", value: percent(summary.visitRatio)),
            (name: "distinct samples / pool", value: percent(usage.distinctRatio)),
            (
                name: "batches of which nothing was kept",
                value: String(summary.progress.emptyBatches)
            ),
        ]
        if let best = summary.progress.best {
            let ratio = Double(best.visits) / Double(summary.poolSize * summary.recipe.train.epochs)
            pairs.append(
                (
                    name:
                        "visits at the best evaluation (step \(best.step), \(percent(best.accuracy)))",
                    value: percent(ratio)
                ))
        }
        if let error = tally.keptError {
            pairs.append((name: "teacher error on what was kept", value: percent(error)))
        }
        if let error = tally.droppedError {
            pairs.append((name: "teacher error on what was dropped", value: percent(error)))
        }
        if let error = summary.teacherCalibrationError {
            pairs.append((name: "teacher calibration error (10 bins)", value: percent(error)))
        }
        if let error = summary.studentCalibrationError {
            pairs.append((name: "student calibration error (10 bins)", value: percent(error)))
        }
        return ReportTable(title: "Selection", pairs: pairs)
    }

    private func classTable(_ student: ConfusionMatrix) -> ReportTable {
        ReportTable(
            title: "Classes",
            columns: [
                .init("class"), .init("texts", .right), .init("precision", .right),
                .init("recall", .right), .init("F1", .right),
            ],
            rows: summary.labels.enumerated().map { index, label in
                [
                    label, String(student.support(index)), fixed(student.precision(index), 3),
                    fixed(student.recall(index), 3), fixed(student.f1(index), 3),
                ]
            })
    }

    private func percent(_ value: Double) -> String { fixed(100 * value, 1) + " %" }

    private func points(_ value: Double) -> String {
        (value < 0 ? "-" : "+") + fixed(abs(100 * value), 1)
    }
}
