// `retort judge`: two students' answers to the same questions before a judge, in both orders. A contender is
// a model folder, which is asked here, or a file of answers. Judge, budget, questions and the students' form
// of prompts are what a recipe says; judgements are kept in its ledgers, so that nothing is paid for twice.

import Corpus
import Foundation
import Models
import Reporting
import Teacher

/// A comparison of two students.
public struct JudgeRun {
    private let session: RunSession
    private let options: Options
    private var recipe: Recipe { session.recipe }

    /// What is compared, and where the report goes.
    public struct Options: Sendable {
        /// The one that is measured: a model folder, or a file of answers.
        public var candidate: String
        /// The one that it is measured against.
        public var reference: String
        /// The folder of `judge.json` and `verdicts.jsonl`.
        public var output: String
        /// Fields of files of answers.
        public var answerID = "id"
        /// The field with the answer.
        public var answerText = "text"

        /// A comparison.
        public init(candidate: String, reference: String, output: String) {
            self.candidate = candidate
            self.reference = reference
            self.output = output
        }
    }

    /// A comparison with a session's means; its folder stays as it is, but for the ledgers.
    public init(_ session: RunSession, _ options: Options) {
        self.session = session
        self.options = options
    }

    /// Asks, judges and reports; a collective.
    ///
    /// - Returns: False when stopped: the same call goes on.
    public func run() throws -> Bool {
        let questions = try RunInputs.read(
            recipe.data.test, recipe.data, labelRequired: false
        ).records
        let lion = recipe.method.lion
        let judge: TextTeacher
        if let referee = lion.referee {
            judge = try TextTeacher(session, as: referee)
        } else {
            judge = try TextTeacher(session)
        }
        session.console.say("judge: \(judge.description); questions: \(questions.count)")
        let referee = Referee(
            prompt: try JudgePrompt(lion.prompts.referee, key: "method.prompts.referee"),
            decoding: lion.decoding.referee, reAsks: lion.reAsks, seed: recipe.seed,
            ask: judge.answers)
        let candidate = try answers(of: options.candidate, to: questions, "candidate")
        let reference = try answers(of: options.reference, to: questions, "reference")
        do {
            let (judged, tally) = try referee.verdicts(
                on: questions.enumerated().map { index, question in
                    AnswerPair(
                        id: question.id, task: question.text, reference: reference[index],
                        candidate: candidate[index])
                })
            try report(judged.compactMap { $0 }, tally)
        } catch is TextsStopped {
            session.console.say(
                "stopped while asking the judge; the same command goes on from there")
            return false
        }
        return true
    }

    /// A contender's answers in the order of the questions.
    private func answers(
        of path: String, to questions: [Record], _ name: String
    ) throws -> [String] {
        guard FileManager.default.fileExists(atPath: "\(path)/config.json") else {
            return try recorded(path, questions)
        }
        var own = recipe
        own.student.model = path
        own.student.lora = nil
        let student = try GenerativeStudent(
            RunSession(
                own, resolvedRecipe: "", decisiveRecipe: "", program: session.program,
                communicator: session.communicator, compute: session.compute,
                console: session.console, isStopRequested: session.isStopRequested))
        session.console.say("\(name): \(student.description)")
        let decoding = recipe.method.lion.decoding.student
        return try student.answers(
            to: questions.map(\.text),
            AnswerOptions(
                maximumTokens: decoding.maximumTokens,
                sampling: SamplingOptions(
                    temperature: decoding.temperature, topP: decoding.topP, seed: recipe.seed)))
    }

    private func recorded(_ path: String, _ questions: [Record]) throws -> [String] {
        // A row without an answer is one of a student that said nothing.
        let source = CorpusSource(
            paths: [path], textField: options.answerText, idField: options.answerID,
            onBadRow: .skip)
        let rows = try Corpus.read(source).records
        let texts = Dictionary(rows.map { ($0.id, $0.text) }) { first, _ in first }
        let missing = questions.count { texts[$0.id] == nil }
        guard missing < questions.count else {
            throw MethodError(
                .invalidRecipe,
                "\(path): no answer to any of \(questions.count) questions; ids are matched, see "
                    + "--answer-id, --answer-text and data.id_field")
        }
        if missing > 0, session.console.isLeader {
            session.console.warn(
                "\(path): \(missing) of \(questions.count) questions have no answer; they are judged "
                    + "as empty ones")
        }
        return questions.map { texts[$0.id] ?? "" }
    }

    private func report(_ verdicts: [Verdict], _ tally: RefereeTally) throws {
        guard !verdicts.isEmpty else {
            throw MethodError(
                .unusableLabels,
                "none of \(tally.leftOut) pairs has two scores in both orders; look at the judge's "
                    + "replies in \(session.folder.labels), or raise method.decoding.referee.max_tokens"
            )
        }
        let report = JudgeReport(
            candidate: options.candidate, reference: options.reference, verdicts: verdicts,
            tally: tally, seed: recipe.seed)
        let folder = RunFolder(path: options.output)
        try session.byLeader {
            try FileManager.default.createDirectory(
                atPath: options.output, withIntermediateDirectories: true)
            try folder.write(LionLines.text(verdicts), to: "\(options.output)/verdicts.jsonl")
            try folder.write(report.json, to: "\(options.output)/judge.json")
        }
        if session.console.isLeader { session.console.write(report.text) }
    }
}

/// The figures of a comparison as JSON and as a table.
struct JudgeReport {
    let candidate: String
    let reference: String
    let verdicts: [Verdict]
    let tally: RefereeTally
    let seed: UInt64

    /// `judge.json`.
    var json: String {
        let figures = JudgeFigures(verdicts)
        let intervals = JudgeFigures.intervals(verdicts, seed: seed)
        func range(_ range: ClosedRange<Double>) -> ReportValue {
            .list([.number(range.lowerBound), .number(range.upperBound)])
        }
        return ReportValue.object([
            .init("candidate", .text(candidate)), .init("reference", .text(reference)),
            .init("pairs", .integer(figures.pairs)), .init("left_out", .integer(tally.leftOut)),
            .init("judge_requests", .integer(tally.requests)),
            .init("judge_unparsed", .integer(tally.unparsed)),
            .init("relative_quality", .number(figures.quality)),
            .init("relative_quality_interval", range(intervals.quality)),
            .init("relative_quality_reference_first", .number(figures.qualityByOrder[0])),
            .init("relative_quality_candidate_first", .number(figures.qualityByOrder[1])),
            .init("candidate_score", .number(figures.candidateMean)),
            .init("reference_score", .number(figures.referenceMean)),
            .init("wins", .integer(figures.wins)), .init("ties", .integer(figures.ties)),
            .init("losses", .integer(figures.losses)),
            .init("margin", .number(Double(figures.wins - figures.losses) / Double(figures.pairs))),
            .init("margin_interval", range(intervals.margin)),
        ]).indentedJSON + "\n"
    }

    /// The table for the terminal.
    var text: String {
        let figures = JudgeFigures(verdicts)
        let intervals = JudgeFigures.intervals(verdicts, seed: seed)
        func share(_ count: Int) -> String {
            percentText(Double(count) / Double(figures.pairs))
        }
        var table = TextTable([.init("figure"), .init("value", .right), .init("95 %", .right)])
        table.add([
            "relative quality", fixed(figures.quality, 2) + " %",
            "\(fixed(intervals.quality.lowerBound, 2)) to \(fixed(intervals.quality.upperBound, 2))",
        ])
        table.add(["  the reference first", fixed(figures.qualityByOrder[0], 2) + " %", ""])
        table.add(["  the candidate first", fixed(figures.qualityByOrder[1], 2) + " %", ""])
        table.add(["candidate's score", fixed(figures.candidateMean, 3), ""])
        table.add(["reference's score", fixed(figures.referenceMean, 3), ""])
        table.add(["wins", "\(figures.wins) (\(share(figures.wins)))", ""])
        table.add(["ties", "\(figures.ties) (\(share(figures.ties)))", ""])
        table.add(["losses", "\(figures.losses) (\(share(figures.losses)))", ""])
        table.add([
            "wins less losses", share(figures.wins - figures.losses),
            "\(percentText(intervals.margin.lowerBound)) to \(percentText(intervals.margin.upperBound))",
        ])
        table.add(["pairs without scores", "\(tally.leftOut)", ""])
        return table.text
    }
}
