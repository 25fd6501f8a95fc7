// What an LLM2LLM run came to, round by round: `report.json`, the page, and the table for the terminal.

import Foundation
import Reporting
import Teacher

/// The figures of a finished run.
struct LLM2LLMReport {
    let recipe: Recipe
    let rounds: [LLM2LLMRound]
    /// Sums of the ledgers; nil where no teacher was asked.
    let spending: LedgerTotals?
    let ranks: Int
    let threads: Int
    let seconds: Double

    private var options: Recipe.LLM2LLMOptions { recipe.method.llm2llm }

    /// Writes `report.json` and `report.html`.
    func write(to folder: RunFolder, program: String, resolvedRecipe: String) throws {
        var report = RunReport(title: recipe.name, summary: sentence)
        report.figures = figures
        report.charts = [
            Chart(
                title: "Accuracy by round",
                series: [
                    .init("test", points { $0.testAccuracy }, marked: true),
                    .init("trained on", points { $0.trainAccuracy }, marked: true),
                    .init("seeds", points { $0.seedAccuracy }, marked: true),
                ], range: 0...1)
        ]
        report.tables = [
            ReportTable(title: "Rounds", columns: Self.columns, rows: rounds.indices.map(row)),
            ReportTable(resolvedRecipe: resolvedRecipe),
        ]
        report.values = values
        report.footer = "\(program), \(ISO8601DateFormatter().string(from: Date()))"
        try report.write(toFolder: folder.path)
    }

    /// The rounds of a finished run's folder as a table for the terminal.
    static func table(_ folder: RunFolder) throws -> String {
        let files = LLM2LLMFiles(folder: folder)
        var rounds: [LLM2LLMRound] = []
        while let round = try files.read(rounds.count) { rounds.append(round) }
        var table = TextTable(columns)
        let report = LLM2LLMReport(
            recipe: Recipe(), rounds: rounds, spending: nil, ranks: 1, threads: 1, seconds: 0)
        for index in rounds.indices { table.add(report.row(index)) }
        return table.text + "report: \(folder.page)\nstudent: \(folder.student)\n"
    }

    private var sentence: String {
        let items = rounds.last?.items ?? 0
        let seeds = rounds.last?.seeds ?? 0
        let source =
            switch options.augmentation {
            case .llm2llm: "the teacher wrote for the seeds that went wrong"
            case .none: "nobody wrote"
            case .eda: "EDA made of the seeds"
            case .bulk: "the teacher wrote for all seeds at once"
            case .nearest: "lie nearest to the seeds that went wrong in a pool"
            case .random: "were drawn from a pool"
            }
        return "\(rounds.count) students were trained one after the other, each from the original "
            + "weights; the last one on \(seeds) seeds and \(items - seeds) items that \(source)."
    }

    private var figures: [RunReport.Figure] {
        var figures: [RunReport.Figure] = []
        if let first = rounds.first?.testAccuracy, let last = rounds.last?.testAccuracy {
            figures.append(
                .init(
                    "test accuracy", percentText(last),
                    note: rounds.count > 1 ? "\(percentText(first)) in round 0" : ""))
        }
        if let last = rounds.last {
            figures.append(.init("items", "\(last.items)", note: "\(last.seeds) of them seeds"))
        }
        if let spending {
            figures.append(
                .init(
                    "teacher", "\(spending.chargedRequests) requests",
                    note: "\(money(spending.priceMicro)) in all"))
        }
        return figures
    }

    private func points(_ value: (LLM2LLMRound) -> Double?) -> [Chart.Point] {
        rounds.compactMap { round in
            value(round).map { .init(x: Double(round.round), y: $0) }
        }
    }

    // MARK: - The table of rounds

    private static let columns: [TextTable.Column] =
        [
            .init("round", .right), .init("items", .right), .init("train", .right),
            .init("seeds", .right), .init("test", .right), .init("wrong seeds", .right),
            .init("new items", .right), .init("too few", .right), .init("requests", .right),
            .init("checks", .right),
        ]
        + ItemRejection.allCases.map {
            .init($0.rawValue.replacingOccurrences(of: "_", with: " "), .right)
        } + [.init("money", .right)]

    private func row(_ index: Int) -> [String] {
        let round = rounds[index]
        let tally = round.tally
        func count(_ value: Int?) -> String { value.map(String.init) ?? "-" }
        return [
            "\(round.round)", "\(round.items)", percentText(round.trainAccuracy),
            percentText(round.seedAccuracy),
            round.testAccuracy.map(percentText) ?? "-",
            "\(round.wrong.count)", count(tally?.accepted), count(tally?.unsatisfied),
            count(tally?.requests), count(tally?.checks),
        ] + ItemRejection.allCases.map { count(tally?.count(of: $0)) }
            + [tally == nil ? "-" : money(spentMicro(index))]
    }

    /// Money that a round's asking took.
    private func spentMicro(_ index: Int) -> Int64 {
        rounds[index].spentMicro - (index > 0 ? rounds[index - 1].spentMicro : 0)
    }

    // MARK: - report.json

    private var values: [ReportValue.Member] {
        let last = rounds.last
        var members: [ReportValue.Member] = [
            .init("name", .text(recipe.name)),
            .init("method", .text(recipe.method.name.rawValue)),
            .init("augmentation", .text(options.augmentation.rawValue)),
            .init("task", .text(options.task.rawValue)),
            .init("seed", .integer(Int(truncatingIfNeeded: recipe.seed))),
            .init("student_accuracy", last?.testAccuracy.map { .number($0) } ?? .null),
            .init("first_accuracy", rounds.first?.testAccuracy.map { .number($0) } ?? .null),
            .init("test_size", .integer(last?.tests ?? 0)),
            .init("seeds", .integer(last?.seeds ?? 0)),
            .init("items", .integer(last?.items ?? 0)),
            .init("rounds", .integer(rounds.count)),
            .init(
                "teacher_calls", .integer(rounds.reduce(0) { $0 + ($1.tally?.calls ?? 0) })),
            .init(
                "teacher_failed_seeds",
                .integer(rounds.reduce(0) { $0 + ($1.tally?.unsatisfied ?? 0) })),
        ]
        if let spending { members += spending.figures }
        return members + [
            .init("per_round", .list(rounds.indices.map(member))),
            .init("ranks", .integer(ranks)),
            .init("threads_per_rank", .integer(threads)),
            .init("seconds", .number(seconds)),
        ]
    }

    private func member(_ index: Int) -> ReportValue {
        let round = rounds[index]
        var members: [ReportValue.Member] = [
            .init("round", .integer(round.round)), .init("items", .integer(round.items)),
            .init("train_accuracy", .number(round.trainAccuracy)),
            .init("seed_accuracy", .number(round.seedAccuracy)),
            .init("test_accuracy", round.testAccuracy.map { .number($0) } ?? .null),
            .init("wrong_seeds", .integer(round.wrong.count)),
        ]
        if let tally = round.tally {
            members += [
                .init("new_items", .integer(tally.accepted)),
                .init("requests", .integer(tally.requests)),
                .init("checks", .integer(tally.checks)),
                .init("unsatisfied_seeds", .integer(tally.unsatisfied)),
                .init("price_micro", .integer(Int(spentMicro(index)))),
            ]
            members += ItemRejection.allCases.map {
                .init("rejected_\($0.rawValue)", .integer(tally.count(of: $0)))
            }
        }
        return .object(members)
    }
}
