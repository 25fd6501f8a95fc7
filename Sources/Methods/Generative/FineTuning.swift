// Plain fine-tuning of a decoder: prompts with answers in, a student that answers out. The control of the
// other methods, and the way to a small student that they can start from. The teacher has no part in it.
//
// Loss on the answer's tokens alone, all examples in every epoch.

import Collectives
import Corpus
import Foundation
import Reporting
import Teacher
import Training

/// A run of plain fine-tuning.
struct FineTuning {
    private let session: RunSession

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
            inputs.say(session.console)
            return try FineTuningStage(session: session, inputs: inputs)
                .run(inputs.pool, resume, secondsBefore)
        }
    }
}

/// Learns examples, whoever wrote their answers: trains the student, measures it on the test, exports it,
/// and writes the report.
struct FineTuningStage {
    let session: RunSession
    let inputs: GenerativeInputs
    /// Which examples of a batch are learnt.
    var selection = SelectionOptions(rule: .all)
    /// What a teacher has cost, and answers of its that aren't learnt, by reason.
    var spending: LedgerTotals?
    var leftOut: [String: Int] = [:]

    private var recipe: Recipe { session.recipe }
    private var console: RunConsole { session.console }

    /// - Parameters:
    ///   - examples: What is learnt.
    ///   - secondsBefore: Seconds that earlier calls took.
    func run(
        _ examples: [TextExample], _ resume: ResumePoint, _ secondsBefore: Double
    ) throws -> RunOutcome {
        let student = try GenerativeStudent(session)
        console.say("student: \(student.description)")
        // Training ends with an evaluation of the last weights, unless it had ended before this call.
        var last: AnswerScore?
        let outcome = try student.train(
            GenerativeStudent.Lessons(
                examples: examples, options: recipe.train, folder: session.folder,
                fingerprint: inputs.fingerprint, seed: recipe.seed, selection: selection),
            resume: resume
        ) { step in
            guard !inputs.test.isEmpty else { return nil }
            let score = try score(student)
            last = score
            console.say("step \(step) | evaluation: accuracy \(fixed(score.accuracy, 4))")
            return score.accuracy
        }
        guard outcome.isComplete else { return .stopped("while training") }
        if last == nil, !inputs.test.isEmpty { last = try score(student) }
        let report = FineTuningReport(
            recipe: recipe, trained: examples.count - outcome.tooLong, tooLong: outcome.tooLong,
            score: last, loss: try student.meanLoss(of: inputs.test), spending: spending,
            leftOut: leftOut, ranks: session.communicator.size,
            samplesPerSecond: outcome.samplesPerSecond,
            seconds: secondsBefore + session.secondsSoFar)
        try student.export(to: session.folder.student)
        if console.isLeader {
            try report.write(to: session.folder, program: session.program)
        }
        return .complete
    }

    private func score(_ student: GenerativeStudent) throws -> AnswerScore {
        let answers = try student.answers(
            to: inputs.test.map(\.prompt),
            AnswerOptions(maximumTokens: recipe.evaluate.maximumNewTokens))
        return try AnswerScore(answers, wanted: inputs.test, by: recipe.evaluate.compare)
    }
}
