// What a priming run came to: the students side by side, on test and on validation questions, with
// intervals; which one was chosen, and by what.

import Foundation
import Reporting
import Teacher

/// The figures of a finished run.
struct PrimingReport {
    let recipe: Recipe
    /// Of each condition its seeds' results.
    let results: [[PrimingResult]]
    let ranks: Int
    /// Sums of the ledgers; nil where no texts were asked for.
    let spending: LedgerTotals?
    let seconds: Double
    private let test: PrimingComparison?
    private let validation: PrimingComparison?

    init(
        recipe: Recipe, results: [[PrimingResult]], ranks: Int, spending: LedgerTotals?,
        seconds: Double
    ) {
        self.recipe = recipe
        self.results = results
        self.ranks = ranks
        self.spending = spending
        self.seconds = seconds
        func comparison(_ scores: (PrimingResult) -> PrimingScores) -> PrimingComparison? {
            guard results.first?.first.map({ !scores($0).losses.isEmpty }) == true else {
                return nil
            }
            return PrimingComparison(results, of: scores, seed: recipe.seed)
        }
        test = comparison(\.test)
        validation = comparison(\.validation)
    }

    /// The trained student that is best on the validation questions; without any, on the test's: then the
    /// test's figure of the chosen one flatters.
    var chosen: String? {
        (validation ?? test)?.best { $0.name != PrimingCondition.untrained.name }?.name
    }

    /// The file that holds the tables for the terminal.
    static func tables(_ folder: RunFolder) -> String { "\(folder.path)/comparison.txt" }

    /// Writes `report.json`, `report.html`, `comparison.md` and the tables for the terminal.
    func write(to folder: RunFolder, program: String, resolvedRecipe: String) throws {
        try folder.write(text + "report: \(folder.page)\n", to: Self.tables(folder))
        let comparisons = titled.map { "\($0.title)\n\n\($0.comparison.table.markdown)" }
        try folder.write(
            comparisons.joined(separator: "\n") + "\n", to: "\(folder.path)/comparison.md")
        var report = RunReport(title: recipe.name, summary: summary)
        report.figures = figures
        report.tables =
            titled.map { title, comparison in
                ReportTable(
                    title: title,
                    note: "In brackets: 95 per cent of 2,000 draws of the questions, paired.",
                    columns: comparison.table.columns, rows: comparison.table.rows)
            } + [
                ReportTable(resolvedRecipe: resolvedRecipe)
            ]
        report.values = values
        report.footer = "\(program), \(ISO8601DateFormatter().string(from: Date()))"
        try report.write(toFolder: folder.path)
    }

    private var titled: [(title: String, comparison: PrimingComparison)] {
        (test.map { [("Test: \($0.questions) questions", $0)] } ?? [])
            + (validation.map { [("Validation: \($0.questions) questions", $0)] } ?? [])
    }

    private var text: String {
        titled.map { "\($0.title)\n\n\($0.comparison.table.text)\n" }.joined()
            + (chosen.map { "chosen: \($0)\n" } ?? "")
    }

    private var summary: String {
        let signal =
            recipe.method.priming.signal == .logits
            ? "its scores of the gold answers" : "its own answers"
        return
            "\(results.count) students, each from the original weights, learnt from a teacher "
            + "under different prompts (\(signal)) and read the questions without them."
    }

    private var figures: [RunReport.Figure] {
        guard let row = (test ?? validation)?.rows.first(where: { $0.name == chosen }) else {
            return []
        }
        var figures = [RunReport.Figure("chosen", row.name, note: "on the validation questions")]
        if let accuracy = row.accuracy {
            figures.append(.init("answers right", "\(fixed(100 * accuracy.value, 1)) %"))
        }
        figures.append(.init("loss", fixed(row.loss.value, 4), note: "nats a token"))
        if let spending {
            figures.append(
                .init(
                    "teacher", "\(spending.chargedRequests) requests",
                    note: "\(money(spending.priceMicro)) in all"))
        }
        return figures
    }

    private var values: [ReportValue.Member] {
        let row = test?.rows.first { $0.name == chosen }
        var members: [ReportValue.Member] = [
            .init("name", .text(recipe.name)),
            .init("method", .text(recipe.method.name.rawValue)),
            .init("signal", .text(recipe.method.priming.signal.rawValue)),
            .init("seed", .integer(Int(truncatingIfNeeded: recipe.seed))),
            .init("chosen", chosen.map { .text($0) } ?? .null),
            .init("student_accuracy", row?.accuracy.map { .number($0.value) } ?? .null),
            .init("student_loss", row.map { .number($0.loss.value) } ?? .null),
            .init("test", test?.report ?? .null),
            .init("validation", validation?.report ?? .null),
            .init("left_out", .object(results.compactMap(\.first).map(leftOut))),
        ]
        if let spending { members += spending.figures }
        return members + [
            .init("ranks", .integer(ranks)), .init("seconds", .number(seconds)),
        ]
    }

    /// A condition's count of what was left out, by reason.
    private func leftOut(_ result: PrimingResult) -> ReportValue.Member {
        let reasons = result.leftOut.sorted { $0.key < $1.key }
        return .init(
            result.condition, .object(reasons.map { .init($0.key, .integer($0.value)) }))
    }
}
