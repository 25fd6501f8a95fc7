// What a person sees of labelling: one line, of all ranks together.

import Collectives
import Reporting
import Teacher
import Training

/// Adds up what the ranks have done and shows it on rank 0.
final class LabellingPanel {
    private let communicator: Communicator
    private let service: TeacherService
    private let hasPrices: Bool
    private let identity: String
    private let labelled: SharedCounter
    private let failed: SharedCounter
    private let knownTotal: Int?
    private let rows: RowCount?
    private let console: RunConsole
    private var published = LabellingCounts()
    private var progress: ProgressLine?
    private var lastAnswered: (time: ContinuousClock.Instant, count: Int64)?
    private var requestsPerMinute = 0.0

    init(
        communicator: Communicator, console: RunConsole, service: TeacherService,
        teacher: ServerTeacher, total: Int?, rows: RowCount?
    ) throws {
        hasPrices = teacher.options.prices != nil
        identity = teacher.identity
        self.communicator = communicator
        self.console = console
        self.service = service
        knownTotal = total
        self.rows = rows
        labelled = try communicator.counter(named: "label.labelled")
        failed = try communicator.counter(named: "label.failed")
    }

    /// How many records there are, where that is known by now.
    var total: Int? { knownTotal ?? rows?.total }

    /// Takes in what this rank has done, and shows the sum on rank 0.
    func show(_ summary: LabellingSummary) throws {
        let (done, failures) = try publish(summary.counts)
        guard console.isLeader else { return }
        let line = progressLine()
        line?.update(
            done: summary.cached + Int(done + failures), note: try note(summary, done, failures))
    }

    /// Ends the line, with the sums of the ledgers; on rank 0.
    func finish(_ summary: LabellingSummary, _ totals: LedgerTotals) {
        let counts = summary.counts
        var parts = [
            "cached \(NumberText.grouped(summary.cached))", "failed \(counts.failed)",
            "\(NumberText.grouped(Int(totals.promptTokens + totals.completionTokens))) tokens",
        ]
        if totals.killed > 0 { parts.append("killed under way \(totals.killed)") }
        if hasPrices { parts.append("spent \(money(totals.priceMicro))") }
        progressLine()?.finish(
            done: summary.cached + counts.labelled + counts.failed,
            note: parts.joined(separator: ", "))
        for failure in totals.failures where failure.teacher == identity {
            console.warn("\(failure.count) texts \(failure.kind), as: \(failure.example)")
        }
    }

    private func publish(_ counts: LabellingCounts) throws -> (Int64, Int64) {
        let more = Int64(counts.labelled - published.labelled)
        let worse = Int64(counts.failed - published.failed)
        published = counts
        return (try labelled.fetchAdd(more) + more, try failed.fetchAdd(worse) + worse)
    }

    private func progressLine() -> ProgressLine? {
        if let progress {
            // The number of rows becomes known on the way.
            progress.total = total
            return progress
        }
        progress = ProgressLine(
            stage: "labelling", total: total, done: 0, unit: "texts",
            isTerminal: console.isTerminal, width: 160, write: console.write)
        return progress
    }

    private func note(
        _ summary: LabellingSummary, _ done: Int64, _ failures: Int64
    ) throws -> String {
        let figures = service.figures.job
        measure(figures.answered)
        var parts = [
            "cached \(NumberText.grouped(summary.cached))", "failed \(failures)",
            "in flight \(figures.inFlight)",
            "\(NumberText.grouped(Int(requestsPerMinute))) requests/min",
            "\(NumberText.grouped(Int(figures.tokensIn + figures.tokensOut))) tokens",
        ]
        if figures.resent > 0 { parts.append("resent \(figures.resent)") }
        if figures.throttled > 0 { parts.append("429s \(figures.throttled)") }
        if hasPrices {
            var text = "spent \(money(figures.spentMicro))"
            let finished = summary.cached + Int(done + failures)
            if let total, finished > 0, total > finished {
                let whole = Double(figures.spentMicro) * Double(total) / Double(finished)
                text += " of about \(money(Int64(whole)))"
            }
            parts.append(text)
        }
        return parts.joined(separator: ", ")
    }

    private func measure(_ answered: Int64) {
        let now = ContinuousClock.now
        guard let last = lastAnswered else { return lastAnswered = (now, answered) }
        let seconds = (now - last.time).inSeconds
        guard seconds >= 2 else { return }
        requestsPerMinute = Double(answered - last.count) / seconds * 60
        lastAnswered = (now, answered)
    }
}
