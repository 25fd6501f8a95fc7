// A run with its folder: what is read and checked before anything is paid for, the stages, the report. The
// method itself is in MCQA.swift.

import Collectives
import Corpus
import Crypto
import Foundation
import Teacher
import TensorCore
import Training

/// A run of `method.name: mcqa` on all ranks.
struct MCQARun {
    private let session: RunSession
    private var recipe: Recipe { session.recipe }
    private var options: Recipe.MCQAOptions { recipe.method.mcqa }
    private var console: RunConsole { session.console }

    init(_ session: RunSession) {
        self.session = session
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Parameter resume: `never` begins again; anything else goes on.
    /// - Returns: True when all is done; false when stopped, to be called again.
    func run(resume: ResumePoint) throws -> Bool {
        let data = try MCQAData(recipe)
        let files = MCQAFiles(folder: session.folder)
        let fingerprint = fingerprint
        return try session.carryOut(
            fingerprint, resume, report: { try MCQAReport.table(session.folder) }
        ) { secondsBefore in
            try session.byLeader {
                if resume == .never { try files.remove() }
                try files.create()
            }
            return try work(data, files, fingerprint, secondsBefore)
        }
    }

    /// A hash of recipe, models, recorded answers and items.
    private var fingerprint: String {
        let paths = recipe.data.pool + recipe.data.test + InputFiles.of(recipe)
        return String(
            ContentHash.hexadecimal(
                SHA256.hash(
                    data: Data(
                        (session.decisiveRecipe + InputFiles.digest(of: paths)).utf8))
            ).prefix(32))
    }

    private func work(
        _ data: MCQAData, _ files: MCQAFiles, _ fingerprint: String, _ secondsBefore: Double
    ) throws -> RunOutcome {
        say(data)
        let student = try ChoiceStudent(session)
        console.say("student: \(student.description)")
        let method = try method(data, files, fingerprint, student)
        switch try method.run() {
        case .stopped(let place): return .stopped(place)
        case .complete(let results):
            let report = MCQAReport(
                recipe: recipe, data: data, results: results,
                teacher: try teacherAnswers(data.test),
                spending: try LedgerTotals(folder: session.folder.labels),
                ranks: session.communicator.size,
                seconds: secondsBefore + session.secondsSoFar)
            try session.byLeader {
                try report.write(
                    to: session.folder, program: session.program,
                    resolvedRecipe: session.resolvedRecipe)
            }
            return .complete
        }
    }

    private func say(_ data: MCQAData) {
        console.say(
            "examples: \(data.examples.count) of \(data.subjects.count) subjects"
                + (data.items.isEmpty ? "" : "; items: \(data.items.count)")
                + "; test: \(data.test.count)")
        guard console.isLeader else { return }
        let few = data.subjects.count { $0.examples.count < options.examples }
        if few > 0 {
            console.warn("\(few) subjects have fewer than \(options.examples) examples")
        }
        if data.overlapping.examples + data.overlapping.items > 0 {
            console.warn(
                "left out, being test items or nearly: \(data.overlapping.examples) examples, "
                    + "\(data.overlapping.items) items")
        }
    }

    private func method(
        _ data: MCQAData, _ files: MCQAFiles, _ fingerprint: String, _ student: ChoiceStudent
    ) throws -> MCQA {
        // A file of recorded probabilities needs no words; anything else is one teacher for both.
        let recorded = try recordedScores()
        let teacher =
            options.generation == .none && recorded != nil ? nil : try TextTeacher(session)
        if let teacher { console.say("teacher: \(teacher.description)") }
        if let recorded { console.say("scores: \(recorded.description)") }
        var generation: ItemGeneration?
        if options.generation != .none, let teacher {
            generation = ItemGeneration(
                options: options, seed: recipe.seed, subjects: data.subjects,
                examples: OverlapGate(data.examples, similarity: options.similarity),
                test: OverlapGate(data.test, similarity: options.similarity),
                ask: teacher.answers, cost: teacher.cost)
        }
        let source: ChoiceScoring.Source
        if let recorded {
            source = .recorded(recorded)
        } else if let teacher {
            source = .asked(scores: teacher.scores, cost: teacher.cost)
        } else {
            preconditionFailure("nobody scores")
        }
        return MCQA(
            session: session, data: data, files: files, fingerprint: fingerprint,
            student: student, generation: generation,
            scoring: ChoiceScoring(options: options, source: source))
    }

    /// Probabilities in a file; a folder of ledgers answers requests instead.
    private func recordedScores() throws -> RecordedTeacher? {
        guard recipe.teacher.kind == .recorded else { return nil }
        var isFolder: ObjCBool = false
        let path = recipe.teacher.path
        guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            isFolder.boolValue
        else { return try RecordedTeacher(path: path) }
        return nil
    }

    /// The teacher's own answers to the test, where they were recorded.
    private func teacherAnswers(_ test: [ChoiceItem]) throws -> [ChoiceAnswer] {
        guard let recorded = try recordedScores() else { return [] }
        return test.compactMap { item in
            recorded.answer(forID: item.id)?.choiceProbabilities
                .flatMap { $0.count == item.choices.count ? ChoiceAnswer(item, $0) : nil }
        }
    }
}
