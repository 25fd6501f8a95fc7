// What a Lion run came to, student by student: `report.json`, the page, and the table for the terminal.

import Foundation
import Reporting
import Teacher

/// The figures of a finished run.
struct LionReport {
    let recipe: Recipe
    let iterations: [LionIteration]
    /// Sums of the ledgers.
    let spending: LedgerTotals
    let ranks: Int
    let threads: Int
    let seconds: Double

    private var options: Recipe.LionOptions { recipe.method.lion }

    /// Writes `report.json` and `report.html`.
    func write(to folder: RunFolder, program: String, resolvedRecipe: String) throws {
        var report = RunReport(title: recipe.name, summary: sentence)
        report.figures = figures
        report.charts = [
            Chart(
                title: "Share of hard instructions by student",
                series: [
                    .init("of all judged", points { $0.discrimination?.hardShare }, marked: true),
                    .init(
                        "of those read", points { $0.discrimination?.hardSeedShare }, marked: true),
                ], range: 0...1),
            Chart(
                title: "Test accuracy by student",
                series: [.init("test", points(\.testAccuracy), marked: true)], range: 0...1),
        ]
        report.tables = [
            ReportTable(
                title: "Students", columns: Self.columns, rows: iterations.indices.map(row)),
            ReportTable(resolvedRecipe: resolvedRecipe),
        ]
        report.values = values
        report.footer = "\(program), \(ISO8601DateFormatter().string(from: Date()))"
        try report.write(toFolder: folder.path)
    }

    /// The iterations of a finished run's folder as a table for the terminal.
    static func table(_ folder: RunFolder) throws -> String {
        let files = LionFiles(folder: folder)
        var iterations: [LionIteration] = []
        while let iteration = try files.read(iterations.count) { iterations.append(iteration) }
        let report = LionReport(
            recipe: Recipe(), iterations: iterations, spending: LedgerTotals(), ranks: 1,
            threads: 1, seconds: 0)
        var table = TextTable(columns)
        for index in iterations.indices { table.add(report.row(index)) }
        return table.text + "report: \(folder.page)\nstudent: \(folder.student)\n"
    }

    private var sentence: String {
        let lessons = iterations.reduce(0) { $0 + $1.imitation.lessons }
        return options.arm == .imitation
            ? "A student that learnt \(lessons) answers of the teacher, and nothing else."
            : "\(iterations.count) trainings of one student, on \(lessons) answers of the teacher; the "
                + "instructions after the first pool were written from what the student before was bad at."
    }

    private var figures: [RunReport.Figure] {
        var figures: [RunReport.Figure] = []
        if let first = iterations.first?.testAccuracy, let last = iterations.last?.testAccuracy {
            figures.append(
                .init(
                    "test accuracy", percentText(last),
                    note: iterations.count > 1 ? "\(percentText(first)) of student 0" : ""))
        }
        let judged = iterations.compactMap(\.discrimination)
        if let first = judged.first, let last = judged.last {
            figures.append(
                .init(
                    "hard instructions", percentText(last.hardShare),
                    note: "\(percentText(first.hardShare)) at first"))
        }
        figures.append(
            .init(
                "teacher", "\(spending.chargedRequests) requests",
                note: "\(money(spending.priceMicro)) in all"))
        return figures
    }

    private func points(_ value: (LionIteration) -> Double?) -> [Chart.Point] {
        iterations.compactMap { iteration in
            value(iteration).map { .init(x: Double(iteration.number), y: $0) }
        }
    }

    // MARK: - The table of students

    private static let columns: [TextTable.Column] =
        [
            "student", "lessons", "cut", "failed", "test", "judged", "unscored", "teacher",
            "student's", "quality", "hard", "hard of read", "from hard", "from easy", "missing",
        ].map { .init($0, .right) }
        + InstructionRejection.allCases.map {
            .init($0.rawValue.replacingOccurrences(of: "_", with: " "), .right)
        } + [.init("calls", .right), .init("money", .right)]

    private func row(_ index: Int) -> [String] {
        let iteration = iterations[index]
        let judged = iteration.discrimination
        let made = iteration.generation
        func text<Value>(_ value: Value?, _ words: (Value) -> String) -> String {
            value.map(words) ?? "-"
        }
        func count(_ value: Int?) -> String { text(value) { "\($0)" } }
        let scores = [judged?.teacherScore, judged?.studentScore, judged?.quality]
        return [
            "\(iteration.number)", "\(iteration.imitation.lessons)", "\(iteration.imitation.cut)",
            "\(iteration.imitation.failed)", text(iteration.testAccuracy, percentText),
            count(judged?.judged), count(judged?.referee.leftOut),
        ] + scores.map { text($0) { fixed($0, 2) } } + [
            text(judged?.hardShare, percentText),
            text(judged?.hardSeedShare, percentText),
            count(made?.accepted(.hard)), count(made?.accepted(.easy)), count(made?.missing),
        ] + InstructionRejection.allCases.map { reason in count(made?.count(of: reason)) }
            + ["\(iteration.calls)", money(spentMicro(index))]
    }

    /// Money that an iteration took.
    private func spentMicro(_ index: Int) -> Int64 {
        iterations[index].spentMicro - (index > 0 ? iterations[index - 1].spentMicro : 0)
    }

    // MARK: - report.json

    private var values: [ReportValue.Member] {
        let last = iterations.last
        func number(_ value: Double?) -> ReportValue { value.map { .number($0) } ?? .null }
        return [
            .init("name", .text(recipe.name)),
            .init("method", .text(recipe.method.name.rawValue)),
            .init("arm", .text(options.arm.rawValue)),
            .init("seed", .integer(Int(truncatingIfNeeded: recipe.seed))),
            .init("student_accuracy", number(last?.testAccuracy)),
            .init("first_accuracy", number(iterations.first?.testAccuracy)),
            .init("test_size", .integer(last?.tests ?? 0)),
            .init("students", .integer(iterations.count)),
            .init("lessons", .integer(iterations.reduce(0) { $0 + $1.imitation.lessons })),
            .init("teacher_calls", .integer(iterations.reduce(0) { $0 + $1.calls })),
        ] + spending.figures + [
            .init("per_student", .list(iterations.indices.map(member))),
            .init("ranks", .integer(ranks)),
            .init("threads_per_rank", .integer(threads)),
            .init("seconds", .number(seconds)),
        ]
    }

    private func member(_ index: Int) -> ReportValue {
        let iteration = iterations[index]
        var members: [ReportValue.Member] = [
            .init("student", .integer(iteration.number)),
            .init("lessons", .integer(iteration.imitation.lessons)),
            .init("answers_cut", .integer(iteration.imitation.cut)),
            .init("answers_failed", .integer(iteration.imitation.failed)),
            .init("too_long", .integer(iteration.tooLong)),
            .init("test_accuracy", iteration.testAccuracy.map { .number($0) } ?? .null),
            .init("calls", .integer(iteration.calls)),
            .init("price_micro", .integer(Int(spentMicro(index)))),
        ]
        if let judged = iteration.discrimination {
            members += [
                .init("cache", .integer(judged.cache)), .init("judged", .integer(judged.judged)),
                .init("judge_requests", .integer(judged.referee.requests)),
                .init("judge_unparsed", .integer(judged.referee.unparsed)),
                .init("judge_left_out", .integer(judged.referee.leftOut)),
                .init("hard", .integer(judged.hard)),
                .init("hard_share", .number(judged.hardShare)),
                .init("hard_share_of_read", .number(judged.hardSeedShare)),
                .init("teacher_score", .number(judged.teacherScore)),
                .init("student_score", .number(judged.studentScore)),
                .init("relative_quality", judged.quality.map { .number($0) } ?? .null),
            ]
        }
        if let made = iteration.generation {
            members += [
                .init("generation_requests", .integer(made.allRequests)),
                .init("from_hard", .integer(made.accepted(.hard))),
                .init("from_easy", .integer(made.accepted(.easy))),
                .init("missing", .integer(made.missing)),
            ]
            members += InstructionRejection.allCases.map {
                .init("rejected_\($0.rawValue)", .integer(made.count(of: $0)))
            }
        }
        return .object(members)
    }
}
