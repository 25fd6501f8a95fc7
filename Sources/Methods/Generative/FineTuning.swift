// Plain fine-tuning of a decoder: prompts with answers in, a student that answers out. The control of the
// other methods, and the way to a small student that they can start from. The teacher has no part in it.
//
// Loss on the answer's tokens alone, all examples in every epoch.

import Collectives
import Corpus
import Foundation
import Reporting
import Training

/// A run of plain fine-tuning.
struct FineTuning {
    private let session: RunSession
    private var recipe: Recipe { session.recipe }
    private var console: RunConsole { session.console }

    init(_ session: RunSession) {
        self.session = session
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Returns: True when all is done; false when stopped, to be called again.
    func run(resume: ResumePoint) throws -> Bool {
        let inputs = try GenerativeInputs(session)
        return try session.carryOut(
            inputs.fingerprint, resume,
            report: { try FineTuningReport.table(session.folder) }
        ) { secondsBefore in
            try work(inputs, resume, secondsBefore)
        }
    }

    private func work(
        _ inputs: GenerativeInputs, _ resume: ResumePoint, _ secondsBefore: Double
    ) throws -> RunOutcome {
        inputs.say(console)
        let student = try GenerativeStudent(session)
        console.say("student: \(student.description)")
        // Training ends with an evaluation of the last weights, unless it had ended before this call.
        var last: AnswerScore?
        let outcome = try student.train(
            GenerativeStudent.Lessons(
                examples: inputs.pool, options: recipe.train, folder: session.folder,
                fingerprint: inputs.fingerprint, seed: recipe.seed),
            resume: resume
        ) { step in
            guard !inputs.test.isEmpty else { return nil }
            let score = try score(student, inputs.test)
            last = score
            console.say("step \(step) | evaluation: accuracy \(fixed(score.accuracy, 4))")
            return score.accuracy
        }
        guard outcome.isComplete else { return .stopped("while training") }
        if last == nil, !inputs.test.isEmpty { last = try score(student, inputs.test) }
        let report = FineTuningReport(
            recipe: recipe, trained: inputs.pool.count - outcome.tooLong, tooLong: outcome.tooLong,
            score: last, loss: try student.meanLoss(of: inputs.test),
            ranks: session.communicator.size, samplesPerSecond: outcome.samplesPerSecond,
            seconds: secondsBefore + session.secondsSoFar)
        try student.export(to: session.folder.student)
        if console.isLeader {
            try report.write(to: session.folder, program: session.program)
        }
        return .complete
    }

    private func score(
        _ student: GenerativeStudent, _ examples: [TextExample]
    ) throws -> AnswerScore {
        let answers = try student.answers(
            to: examples.map(\.prompt),
            AnswerOptions(maximumTokens: recipe.evaluate.maximumNewTokens))
        return try AnswerScore(answers, wanted: examples, by: recipe.evaluate.compare)
    }
}

/// What came out.
private struct FineTuningReport {
    let recipe: Recipe
    let trained: Int
    let tooLong: Int
    let score: AnswerScore?
    let loss: Double?
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
