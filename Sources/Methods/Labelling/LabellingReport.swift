// What a report says of the labels: how many, what they cost, how honest the teacher's confidences are.

import Corpus
import Reporting
import Teacher

/// The labels of a run, in figures.
struct LabellingReport {
    /// Texts of the pool without a label; those whose label has no confidence.
    let missing: Int
    let unknown: Int
    let asked: Int
    let cached: Int
    /// Sums of the ledgers; nil where labels cost nothing.
    let spending: LedgerTotals?
    /// The temperature fitted on gold records, and what it did to the error there.
    let scaling: TemperatureScaling?
    /// On the pool's texts with gold labels, as training saw them; nil where there are none.
    let calibration: Calibration?

    /// Members of `report.json`.
    var values: [ReportValue.Member] {
        var members: [ReportValue.Member] = [
            .init("labels_asked", .integer(asked)),
            .init("labels_cached", .integer(cached)),
            .init("labels_missing", .integer(missing)),
            .init("labels_without_confidence", .integer(unknown)),
        ]
        if let spending {
            members += [
                .init("teacher_requests", .integer(Int(spending.responses))),
                .init("teacher_requests_lost", .integer(Int(spending.losses))),
                .init("teacher_requests_killed", .integer(Int(spending.killed))),
                .init("teacher_prompt_tokens", .integer(Int(spending.promptTokens))),
                .init("teacher_completion_tokens", .integer(Int(spending.completionTokens))),
                .init("teacher_price_micro", .integer(Int(spending.priceMicro))),
            ]
        }
        if let scaling {
            members += [
                .init("teacher_temperature", .number(scaling.temperature)),
                .init("teacher_gold_loss_before", .number(scaling.lossBefore)),
                .init("teacher_gold_loss_after", .number(scaling.lossAfter)),
            ]
        }
        if let calibration {
            members += [
                .init("teacher_ece", calibration.expectedError.map { .number($0) } ?? .null),
                .init("teacher_brier", calibration.brierScore.map { .number($0) } ?? .null),
            ]
        }
        return members
    }

    /// Tables of the page.
    var tables: [ReportTable] {
        [costs] + (calibration.map { [reliability($0)] } ?? [])
    }

    private var costs: ReportTable {
        var pairs = [
            (name: "labels made now", value: NumberText.grouped(asked)),
            (name: "labels of earlier calls", value: NumberText.grouped(cached)),
            (name: "texts without a label", value: NumberText.grouped(missing)),
            (name: "labels without a confidence", value: NumberText.grouped(unknown)),
        ]
        if let spending {
            pairs += [
                (name: "requests answered", value: grouped(spending.responses)),
                (
                    name: "requests lost on the way (counted as spent)",
                    value: grouped(spending.losses)
                ),
                (
                    name: "of these under way when a process was killed (sent again at most)",
                    value: grouped(spending.killed)
                ),
                (name: "tokens sent", value: grouped(spending.promptTokens)),
                (name: "tokens back", value: grouped(spending.completionTokens)),
                (name: "money", value: money(spending.priceMicro)),
            ]
            pairs += spending.failures.map {
                (name: "\($0.kind), as: \($0.example)", value: grouped($0.count))
            }
        }
        if let scaling {
            pairs.append(
                (
                    name: "temperature fitted on \(scaling.count) gold texts",
                    value: "\(fixed(scaling.temperature, 3)) (loss \(fixed(scaling.lossBefore, 4)) "
                        + "to \(fixed(scaling.lossAfter, 4)))"
                ))
        }
        return ReportTable(title: "Labels", pairs: pairs)
    }

    private func reliability(_ calibration: Calibration) -> ReportTable {
        let error = calibration.expectedError.map { fixed(100 * $0, 1) + " %" } ?? "unknown"
        return ReportTable(
            title: "Confidence of the teacher",
            note: "On the pool's \(calibration.count) labels with a confidence and a gold label; "
                + "\(calibration.unknown) have no confidence. Expected calibration error \(error).",
            columns: [
                .init("confidence"), .init("labels", .right), .init("mean confidence", .right),
                .init("right", .right),
            ],
            rows: calibration.bins.filter { $0.count > 0 }.map { bin in
                [
                    "\(fixed(bin.lowerBound, 2)) to \(fixed(bin.upperBound, 2))",
                    NumberText.grouped(bin.count), fixed(bin.meanConfidence, 3),
                    fixed(bin.accuracy, 3),
                ]
            })
    }

    private func grouped(_ count: Int64) -> String { NumberText.grouped(Int(count)) }
}
