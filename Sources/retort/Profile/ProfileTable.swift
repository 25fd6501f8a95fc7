// A profile as text: where the time goes, by stage and by operation.
//
// A stage is an outermost span (forward, backward, reduce gradients, ...). An operation's time is its
// own, without that of the operations inside it, so that the column adds up to the whole.

import Foundation
import Reporting
import TensorCore

/// The shares of stages and operations.
struct ProfileTable {
    /// Seconds and calls of one operation of a stage.
    private struct Sum {
        var seconds = 0.0
        var calls = 0
    }

    let text: String

    init(_ profile: Profile) {
        var stages: [String] = []
        var operations: [String: [String: Sum]] = [:]
        var stage = ""
        for (span, seconds) in zip(profile.spans, profile.selfSeconds) {
            if span.depth == 0 {
                stage = span.name
                if operations[stage] == nil { stages.append(stage) }
            }
            // What a stage does outside the operations that it names is listed under its own name.
            operations[stage, default: [:]][span.name, default: Sum()].seconds += seconds
            operations[stage, default: [:]][span.name, default: Sum()].calls += 1
        }
        let totals = operations.mapValues { $0.values.reduce(0) { $0 + $1.seconds } }
        let whole = totals.values.reduce(0, +)
        var table = TextTable([
            .init("stage"), .init("operation"), .init("calls", .right), .init("ms", .right),
            .init("share", .right),
        ])
        func add(_ stage: String, _ operation: String, _ sum: Sum) {
            table.add([
                stage, operation, "\(sum.calls)", String(format: "%.1f", sum.seconds * 1e3),
                String(format: "%.1f %%", whole > 0 ? sum.seconds / whole * 100 : 0),
            ])
        }
        for stage in stages.sorted(by: { totals[$0, default: 0] > totals[$1, default: 0] }) {
            let sums = operations[stage, default: [:]]
            add(
                stage, "",
                Sum(seconds: totals[stage, default: 0], calls: sums[stage]?.calls ?? 0))
            guard sums.count > 1 else { continue }
            let order = sums.sorted { ($1.value.seconds, $0.key) < ($0.value.seconds, $1.key) }
            for (operation, sum) in order {
                add("", operation == stage ? "(other)" : operation, sum)
            }
        }
        text =
            table.text
            + (profile.isFull
                ? "only the first \(profile.spans.count) spans were measured\n" : "")
    }
}
