// The students side by side, with intervals: accuracy and held-out loss, and their differences from the
// student that was trained on gold answers alone (or, without it, from the first one), question by question.

import Foundation
import Reporting

/// A comparison of conditions over the same questions.
struct PrimingComparison {
    /// One condition's figures, means over its seeds.
    struct Row {
        let name: String
        let trainedOn: Int
        let seeds: Int
        let accuracy: Figure?
        let loss: Figure
    }

    /// A figure with its interval, and the difference from the reference with its own.
    struct Figure {
        let value: Double
        let interval: ClosedRange<Double>
        /// Nil for the reference itself.
        let difference: Double?
        let differenceInterval: ClosedRange<Double>?
    }

    let rows: [Row]
    /// What differences are from.
    let reference: String
    let questions: Int

    /// - Parameters:
    ///   - results: Of each condition its seeds' results, in the table's order.
    ///   - scores: Which questions are compared.
    ///   - seed: Where the bootstrap's draws start.
    init(
        _ results: [[PrimingResult]], of scores: (PrimingResult) -> PrimingScores, seed: UInt64
    ) {
        let all = results.map { $0.map(scores) }
        let base =
            results.firstIndex { $0.first?.condition == PrimingCondition.fineTuned.name } ?? 0
        questions = all.first?.first?.losses.count ?? 0
        reference = results[base].first?.condition ?? ""
        let bootstrap = Bootstrap(count: max(questions, 1), seed: seed)
        let losses = all.map { Self.mean($0.map(\.loss)) }
        let accuracies = all.map { seeds in
            seeds.first?.accuracy.map { _ in Self.mean(seeds.compactMap(\.accuracy)) }
        }
        rows = results.indices.map { index in
            let isBase = index == base
            return Row(
                name: results[index].first?.condition ?? "",
                trainedOn: results[index].first?.trainedOn ?? 0, seeds: results[index].count,
                accuracy: accuracies[index].map {
                    Self.figure($0, isBase ? nil : accuracies[base], bootstrap)
                },
                loss: Self.figure(losses[index], isBase ? nil : losses[base], bootstrap))
        }
    }

    /// The same questions' figures averaged over seeds.
    private static func mean(_ ratios: [QuestionRatio]) -> QuestionRatio {
        let count = Double(max(ratios.count, 1))
        return QuestionRatio(
            above: (ratios.first?.above.indices ?? 0..<0).map { question in
                ratios.reduce(0) { $0 + $1.above[question] } / count
            },
            below: ratios.first?.below ?? [])
    }

    private static func figure(
        _ ratio: QuestionRatio, _ base: QuestionRatio?, _ bootstrap: Bootstrap
    ) -> Figure {
        Figure(
            value: ratio.value, interval: bootstrap.interval(ratio.value),
            difference: base.map { ratio.value - $0.value },
            differenceInterval: base.map { base in
                bootstrap.interval { ratio.value($0) - base.value($0) }
            })
    }

    /// The row that is best: by accuracy where answers are judged, then by loss.
    ///
    /// - Parameter trained: Which rows may be chosen.
    func best(among trained: (Row) -> Bool) -> Row? {
        rows.filter(trained).max { left, right in
            let (a, b) = (left.accuracy?.value ?? 0, right.accuracy?.value ?? 0)
            return a == b ? left.loss.value > right.loss.value : a < b
        }
    }

    // MARK: - For people and for programs

    var table: TextTable {
        let judged = rows.contains { $0.accuracy != nil }
        var table = TextTable(
            [.init("student"), .init("examples", .right), .init("seeds", .right)]
                + (judged ? [.init("right %", .right), .init("against \(reference)", .right)] : [])
                + [.init("nats a token", .right), .init("against \(reference)", .right)])
        for row in rows {
            var cells = [row.name, String(row.trainedOn), String(row.seeds)]
            if judged { cells += Self.cells(row.accuracy, scale: 100, decimals: 1) }
            table.add(cells + Self.cells(row.loss, scale: 1, decimals: 4))
        }
        return table
    }

    private static func cells(_ figure: Figure?, scale: Double, decimals: Int) -> [String] {
        func interval(_ range: ClosedRange<Double>) -> String {
            "[\(fixed(scale * range.lowerBound, decimals)), "
                + "\(fixed(scale * range.upperBound, decimals))]"
        }
        guard let figure else { return ["-", "-"] }
        let own = "\(fixed(scale * figure.value, decimals)) \(interval(figure.interval))"
        guard let difference = figure.difference, let range = figure.differenceInterval else {
            return [own, "-"]
        }
        let sign = difference >= 0 ? "+" : ""
        return [own, "\(sign)\(fixed(scale * difference, decimals)) \(interval(range))"]
    }

    /// The rows as values for the report's file.
    var report: ReportValue {
        func value(_ figure: Figure) -> ReportValue {
            var members: [ReportValue.Member] = [
                .init("value", .number(figure.value)),
                .init("low", .number(figure.interval.lowerBound)),
                .init("high", .number(figure.interval.upperBound)),
            ]
            if let difference = figure.difference, let range = figure.differenceInterval {
                members += [
                    .init("difference", .number(difference)),
                    .init("difference_low", .number(range.lowerBound)),
                    .init("difference_high", .number(range.upperBound)),
                ]
            }
            return .object(members)
        }
        return .list(
            rows.map { row in
                .object(
                    [
                        .init("student", .text(row.name)), .init("seeds", .integer(row.seeds)),
                        .init("examples", .integer(row.trainedOn)),
                    ] + (row.accuracy.map { [.init("accuracy", value($0))] } ?? [])
                        + [.init("loss", value(row.loss))])
            })
    }
}
