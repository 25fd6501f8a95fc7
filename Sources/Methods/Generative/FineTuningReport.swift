// What fine-tuning came to: `report.json`, `report.html`, and the table for the terminal.

import Foundation
import Reporting
import Teacher
import Training

/// What came out.
struct FineTuningReport {
    let recipe: Recipe
    let trained: Int
    let tooLong: Int
    let score: AnswerScore?
    let loss: Double?
    let spending: LedgerTotals?
    let leftOut: [String: Int]
    let ranks: Int
    let samplesPerSecond: Double
    let seconds: Double

    func write(to folder: RunFolder, program: String) throws {
        func number(_ value: Double?) -> ReportValue { value.map { .number($0) } ?? .null }
        var report = RunReport(
            title: recipe.name,
            summary: "A decoder fine-tuned on \(trained) examples, \(recipe.train.epochs) epochs.")
        if let score {
            report.figures.append(
                .init(
                    "answers right", NumberText.percent(score.accuracy),
                    note: "\(score.correct) of \(score.right.count)"))
        }
        if let loss { report.figures.append(.init("loss a token", fixed(loss, 4), note: "test")) }
        let history = try MetricsHistory(path: folder.metrics)
        report.charts = [
            Chart(
                title: "loss, nats a token",
                series: [.init("training", history.series("loss", kind: "train"))])
        ]
        report.values = [
            .init("name", .text(recipe.name)),
            .init("method", .text(recipe.method.name.rawValue)),
            .init("seed", .integer(Int(truncatingIfNeeded: recipe.seed))),
            .init("student_accuracy", number(score?.accuracy)),
            .init("student_loss", number(loss)),
            .init("test_size", .integer(score?.right.count ?? 0)),
            .init("examples", .integer(trained)), .init("too_long", .integer(tooLong)),
            .init("epochs", .integer(recipe.train.epochs)), .init("ranks", .integer(ranks)),
            .init("train_samples_per_s", .number(samplesPerSecond)),
            .init("seconds", .number(seconds)),
        ]
        for (reason, count) in leftOut.sorted(by: { $0.key < $1.key }) {
            report.values.append(.init("answers_\(reason)", .integer(count)))
        }
        report.values += spending?.figures ?? []
        report.footer = "\(program), \(ISO8601DateFormatter().string(from: Date()))"
        try report.write(toFolder: folder.path)
    }

    static func table(_ folder: RunFolder) throws -> String {
        try FinishedReport(folder: folder).table(rows)
    }

    private static let rows: [(String, String, Int)] = [
        ("answers right", "student_accuracy", 4), ("loss a token", "student_loss", 4),
        ("examples", "examples", 0), ("too long", "too_long", 0), ("ranks", "ranks", 0),
        ("samples/s in training", "train_samples_per_s", 1), ("seconds", "seconds", 1),
    ]
}
