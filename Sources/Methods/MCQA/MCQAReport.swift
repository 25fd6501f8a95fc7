// What a run came to: both ways of writing side by side, the scoring, the students, the subjects. As
// `report.json`, as a page, and as tables for the terminal.

import Foundation
import Reporting
import Teacher
import Training

/// The figures of a finished run.
struct MCQAReport {
    let recipe: Recipe
    let data: MCQAData
    let results: MCQA.Results
    /// The teacher's own answers to the test, where they were recorded.
    let teacher: [ChoiceAnswer]
    /// Sums of the ledgers.
    let spending: LedgerTotals
    let ranks: Int
    let seconds: Double

    private var options: Recipe.MCQAOptions { recipe.method.mcqa }

    /// Whoever answered the test, students first, with the figures of some of the answers.
    private func answerers(
        of subject: String? = nil
    ) -> [(name: String, figures: ChoiceMeasures)] {
        var all = results.students.map { (name: $0.name.rawValue, answers: $0.answers) }
        if !teacher.isEmpty { all.append(("teacher", teacher)) }
        return all.map { answerer in
            (
                answerer.name,
                ChoiceMeasures(
                    answerer.answers.filter { subject == nil || $0.subject == subject })
            )
        }
    }

    // MARK: - Files

    /// Writes `report.json`, `report.html` and the tables for the terminal.
    func write(to folder: RunFolder, program: String, resolvedRecipe: String) throws {
        var report = RunReport(title: recipe.name, summary: sentence)
        report.figures = figures
        report.tables = tables.map {
            ReportTable(title: $0.title, columns: $0.table.columns, rows: $0.table.rows)
        }
        report.tables.append(
            ReportTable(
                title: "Recipe", note: "Every key, with the defaults.",
                pairs: resolvedRecipe.split(separator: "\n").map { line in
                    let parts = line.split(separator: ":", maxSplits: 1)
                    return (
                        name: String(parts[0]),
                        value: parts.count > 1
                            ? parts[1].trimmingCharacters(in: .whitespaces) : ""
                    )
                }))
        report.values = values
        report.footer = "\(program), \(ISO8601DateFormatter().string(from: Date()))"
        try report.write(toFolder: folder.path)
        let text = tables.filter { $0.isShort }.map { "\($0.title)\n\($0.table.text)" }
        try folder.write(text.joined(separator: "\n"), to: Self.tables(folder))
    }

    private static func tables(_ folder: RunFolder) -> String { "\(folder.path)/report.txt" }

    /// A finished run's tables for the terminal.
    static func table(_ folder: RunFolder) throws -> String {
        guard let text = FileManager.default.contents(atPath: tables(folder)) else {
            throw MethodError(
                .unusableFolder,
                "\(tables(folder)): is missing; begin again with --resume never")
        }
        return String(decoding: text, as: UTF8.self)
            + "report: \(folder.page)\nstudent: \(folder.student)\n"
    }

    // MARK: - Words

    private var sentence: String {
        let source =
            options.generation == .none
            ? "given items" : "items that the teacher wrote from \(data.examples.count) real ones"
        return
            "Students learnt from \(results.items.count) \(source) and the teacher's probabilities of "
            + "their choices, and answered \(data.test.count) test items"
            + (recipe.data.test.isEmpty ? ", which were cut from the given ones." : ".")
    }

    private var figures: [RunReport.Figure] {
        var figures = answerers().map { name, figures in
            RunReport.Figure(
                "\(name): accuracy", Self.percent(figures.accuracy),
                note: "ECE \(fixed(figures.calibrationError, 3))")
        }
        figures.append(
            .init("items", "\(results.items.count)", note: "\(results.scoring.disputed) disputed"))
        if spending.chargedRequests > 0 {
            figures.append(
                .init(
                    "teacher's cost", "\(spending.chargedRequests) requests",
                    note: "\(money(spending.priceMicro)) in all"))
        }
        return figures
    }

    private static func percent(_ share: Double) -> String { fixed(100 * share, 1) + " %" }

    // MARK: - Tables

    private var tables: [(title: String, table: TextTable, isShort: Bool)] {
        var tables: [(title: String, table: TextTable, isShort: Bool)] = []
        if !results.ways.isEmpty {
            tables.append(("Writing items", Self.side(results.ways), true))
        }
        tables.append(("Scores of choices", scores, true))
        tables.append(("Answers to the test", students, true))
        tables.append(("By subject", subjects, false))
        tables.append(("Reliability", reliability, false))
        return tables
    }

    /// The ways side by side, a row a figure.
    private static func side(_ ways: [GenerationTally]) -> TextTable {
        var table = TextTable(
            [.init("")] + ways.map { .init($0.way.rawValue, .right) })
        func add(_ name: String, _ value: (GenerationTally) -> String) {
            table.add([name] + ways.map(value))
        }
        func each(_ amount: Double?, _ decimals: Int) -> String {
            amount.map { fixed($0, decimals) } ?? "-"
        }
        add("items wanted") { "\($0.wanted)" }
        add("items begun") { "\($0.begun)" }
        add("accepted") { "\($0.accepted)" }
        add("parse failures") {
            "\($0.parseFailures) (\(percent(share($0.parseFailures, $0.begun))))"
        }
        for fault in ItemFault.allCases {
            add("refused: " + fault.rawValue.replacingOccurrences(of: "_", with: " ")) {
                "\($0.count(of: fault))"
            }
        }
        add("calls") { "\($0.calls)" }
        add("tokens sent") { "\($0.promptTokens)" }
        add("tokens back") { "\($0.completionTokens)" }
        add("money") { money($0.priceMicro) }
        add("calls per accepted item") { each($0.perAccepted(Double($0.calls)), 2) }
        add("tokens per accepted item") {
            each($0.perAccepted(Double($0.promptTokens + $0.completionTokens)), 0)
        }
        add("money per accepted item") { each($0.perAccepted(Double($0.priceMicro) / 1e6), 6) }
        return table
    }

    private var scores: TextTable {
        let tally = results.scoring
        var table = TextTable([.init(""), .init("", .right)])
        if results.merged > 0 { table.add(["the same in both ways", "\(results.merged)"]) }
        table.add(["items", "\(tally.items)"])
        table.add(["learnt from", "\(results.items.count)"])
        table.add(["without scores", "\(tally.unscored)"])
        table.add(["letters too improbable", "\(tally.doubtful)"])
        table.add(["the teacher would answer otherwise", "\(tally.disputed)"])
        table.add(["of these dropped", "\(tally.dropped)"])
        table.add(["calls", "\(tally.calls)"])
        table.add(["tokens", "\(tally.promptTokens + tally.completionTokens)"])
        table.add(["money", money(tally.priceMicro)])
        return table
    }

    private var students: TextTable {
        var table = TextTable([
            .init(""), .init("test items", .right), .init("accuracy", .right),
            .init("confidence", .right), .init("ECE", .right), .init("NLL", .right),
        ])
        for (name, figures) in answerers() {
            table.add([
                name, "\(figures.count)", Self.percent(figures.accuracy),
                Self.percent(figures.confidence), fixed(figures.calibrationError, 3),
                fixed(figures.loss, 3),
            ])
        }
        return table
    }

    /// The test's subjects, by name.
    private var subjectNames: [String] { Set(data.test.map(\.subject)).sorted() }

    private var subjects: TextTable {
        let names = answerers().map(\.name)
        var table = TextTable(
            [.init("subject"), .init("learnt", .right), .init("test", .right)]
                + names.flatMap { [.init($0, .right), .init("ECE", .right)] })
        for subject in subjectNames {
            table.add(
                [
                    subject, "\(results.items.count { $0.subject == subject })",
                    "\(data.test.count { $0.subject == subject })",
                ]
                    + answerers(of: subject).flatMap {
                        [Self.percent($0.figures.accuracy), fixed($0.figures.calibrationError, 3)]
                    })
        }
        return table
    }

    private var reliability: TextTable {
        let all = answerers()
        var table = TextTable(
            [.init("confidence")]
                + all.flatMap { [.init($0.name, .right), .init("right", .right)] })
        for bin in 0..<(all.first?.figures.reliability.count ?? 0) {
            table.add(
                ["\(fixed(Double(bin) / 10, 1)) to \(fixed(Double(bin + 1) / 10, 1))"]
                    + all.flatMap { answerer in
                        let row = answerer.figures.reliability[bin]
                        return [
                            "\(row.count)",
                            row.count > 0 ? Self.percent(Self.share(row.correct, row.count)) : "-",
                        ]
                    })
        }
        return table
    }

    private static func share(_ part: Int, _ whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) : 0
    }

    // MARK: - report.json

    private var values: [ReportValue.Member] {
        let all = answerers()
        let first = all.first?.figures
        let taught = all.last.flatMap { $0.name == "teacher" ? $0.figures : nil }
        let tally = results.scoring
        return [
            .init("name", .text(recipe.name)),
            .init("method", .text(recipe.method.name.rawValue)),
            .init("generation", .text(options.generation.rawValue)),
            .init("seed", .integer(Int(truncatingIfNeeded: recipe.seed))),
            .init("teacher_accuracy", taught.map { .number($0.accuracy) } ?? .null),
            .init(
                "teacher_calibration_error", taught.map { .number($0.calibrationError) } ?? .null),
            .init("student_accuracy", first.map { .number($0.accuracy) } ?? .null),
            .init("student_calibration_error", first.map { .number($0.calibrationError) } ?? .null),
            .init("test_size", .integer(data.test.count)),
            .init("examples", .integer(data.examples.count)),
            .init("subjects", .integer(data.subjects.count)),
            .init("items", .integer(results.items.count)),
            .init("overlapping_examples", .integer(data.overlapping.examples)),
            .init("overlapping_items", .integer(data.overlapping.items)),
            .init("merged", .integer(results.merged)),
            .init("scoring_calls", .integer(tally.calls)),
            .init("scoring_price_micro", .integer(Int(tally.priceMicro))),
            .init("unscored", .integer(tally.unscored)),
            .init("doubtful", .integer(tally.doubtful)),
            .init("disputed", .integer(tally.disputed)),
            .init("dropped", .integer(tally.dropped)),
        ] + spending.figures + [
            .init("ways", .list(results.ways.map(Self.member))),
            .init("answers", .list(all.map { .object(Self.members($0.name, $0.figures)) })),
            .init(
                "per_subject",
                .list(
                    subjectNames.map { subject in
                        .object([
                            .init("subject", .text(subject)),
                            .init(
                                "learnt",
                                .integer(results.items.count { $0.subject == subject })),
                            .init(
                                "answers",
                                .list(
                                    answerers(of: subject).map {
                                        .object(Self.members($0.name, $0.figures))
                                    })),
                        ])
                    })),
            .init("ranks", .integer(ranks)),
            .init("seconds", .number(seconds)),
        ]
    }

    private static func members(
        _ name: String, _ figures: ChoiceMeasures
    ) -> [ReportValue.Member] {
        [
            .init("name", .text(name)), .init("count", .integer(figures.count)),
            .init("right", .integer(figures.right)), .init("accuracy", .number(figures.accuracy)),
            .init("calibration_error", .number(figures.calibrationError)),
            .init("confidence", .number(figures.confidence)),
            .init("loss", .number(figures.loss)),
        ]
    }

    private static func member(_ tally: GenerationTally) -> ReportValue {
        .object(
            [
                .init("way", .text(tally.way.rawValue)), .init("wanted", .integer(tally.wanted)),
                .init("begun", .integer(tally.begun)), .init("accepted", .integer(tally.accepted)),
                .init("parse_failures", .integer(tally.parseFailures)),
            ]
                + ItemFault.allCases.map {
                    .init("refused_\($0.rawValue)", .integer(tally.count(of: $0)))
                } + [
                    .init("calls", .integer(tally.calls)),
                    .init("prompt_tokens", .integer(Int(tally.promptTokens))),
                    .init("completion_tokens", .integer(Int(tally.completionTokens))),
                    .init("price_micro", .integer(Int(tally.priceMicro))),
                    .init(
                        "calls_per_item",
                        tally.perAccepted(Double(tally.calls)).map { .number($0) } ?? .null),
                    .init(
                        "tokens_per_item",
                        tally.perAccepted(Double(tally.promptTokens + tally.completionTokens))
                            .map { .number($0) } ?? .null),
                    .init(
                        "price_micro_per_item",
                        tally.perAccepted(Double(tally.priceMicro)).map { .number($0) } ?? .null),
                ])
    }
}
