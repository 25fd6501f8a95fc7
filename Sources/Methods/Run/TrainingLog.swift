// What training leaves behind as it goes: every record in `metrics.jsonl`, some as lines for people.
//
// Numbers that depend on the clock are in records of their own kind (`time`), so that the others are
// the same for a run and for the same run killed and resumed.

import Reporting
import Training

/// Logs the events of a training loop, on the leading rank.
final class TrainingLog {
    private let folder: RunFolder
    private let console: RunConsole
    private let loggingSteps: Int
    private var metrics: MetricsLog?
    private var progress: ProgressLine?
    private var offered = 0
    private var seconds = 0.0
    private var recent = (offered: 0, kept: 0, seconds: 0.0)

    init(folder: RunFolder, console: RunConsole, loggingSteps: Int) {
        self.folder = folder
        self.console = console
        self.loggingSteps = loggingSteps
    }

    /// Samples that came by, by second of this call.
    var samplesPerSecond: Double { seconds > 0 ? Double(offered) / seconds : 0 }

    func note(_ event: TrainingEvent) throws {
        guard console.isLeader else { return }
        switch event {
        case .resumed(let step, let path):
            metrics = try MetricsLog(path: folder.metrics, resumingAfterStep: step)
            console.say("training goes on after step \(step), from \(path)")
        case .skippedCheckpoint(let path, let reason):
            console.warn("checkpoint \(path) is passed over: \(reason)")
        case .step(let record): try step(record)
        case .saved(let step, let seconds):
            try openMetrics().append("time", step: step, [.init("save_seconds", .number(seconds))])
        }
    }

    private func step(_ record: StepRecord) throws {
        offered += record.offered
        seconds += record.seconds
        recent.offered += record.offered
        recent.kept += record.kept
        recent.seconds += record.seconds
        var values: [ReportValue.Member] = [
            .init("epoch", .number(record.epoch)),
            .init("loss", record.report.map { .number($0.loss) } ?? .null),
            .init("grad_norm", record.report.map { .number($0.gradientNorm) } ?? .null),
            .init("learning_rate", .number(record.learningRate)),
            .init("offered", .integer(record.offered)), .init("kept", .integer(record.kept)),
        ]
        values += record.metrics.map { .init($0.name, .number($0.value)) }
        let log = try openMetrics()
        try log.append("train", step: record.step, values)
        try log.append(
            "time", step: record.step, [.init("step_seconds", .number(record.seconds))])
        let progress = progress(totalSteps: record.totalSteps, done: record.step - 1)
        if record.step % loggingSteps == 0 || record.step == record.totalSteps {
            progress.log(line(record))
            recent = (0, 0, 0)
        }
        progress.update(done: record.step)
    }

    private func line(_ record: StepRecord) -> String {
        let loss = record.report.map { fixed($0.loss, 4) } ?? "-"
        let norm = record.report.map { fixed($0.gradientNorm, 2) } ?? "-"
        let ratio = recent.offered > 0 ? Double(recent.kept) / Double(recent.offered) : 0
        let rate = recent.seconds > 0 ? Double(recent.offered) / recent.seconds : 0
        return "step \(record.step)/\(record.totalSteps) | loss \(loss)"
            + " | lr \(scientific(record.learningRate)) | grad norm \(norm)"
            + " | kept \(fixed(100 * ratio, 1))% | \(fixed(rate, 0)) samples/s"
    }

    /// Notes an evaluation.
    func evaluated(step: Int, _ confusion: ConfusionMatrix) throws {
        guard console.isLeader else { return }
        try openMetrics().append(
            "evaluate", step: step,
            [
                .init("accuracy", .number(confusion.accuracy)),
                .init("macro_f1", .number(confusion.macroF1)),
            ])
        let text =
            "step \(step) | evaluation: accuracy \(fixed(confusion.accuracy, 4))"
            + " | macro F1 \(fixed(confusion.macroF1, 4))"
        if let progress { progress.log(text) } else { console.say(text) }
    }

    /// Ends the stage's progress line.
    func close() throws {
        progress?.finish(done: done)
    }

    private var done = 0

    private func progress(totalSteps: Int, done: Int) -> ProgressLine {
        self.done = done + 1
        if let progress { return progress }
        let made = ProgressLine(
            stage: "training", total: totalSteps, done: done, unit: "steps",
            isTerminal: console.isTerminal, interval: 30, write: console.write)
        progress = made
        return made
    }

    private func openMetrics() throws -> MetricsLog {
        if let metrics { return metrics }
        let opened = try MetricsLog(path: folder.metrics, resumingAfterStep: nil)
        metrics = opened
        return opened
    }
}
