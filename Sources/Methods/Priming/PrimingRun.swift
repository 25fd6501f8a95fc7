// A priming run with its folder: what is read and checked before a teacher is asked, the students, the
// choice, the report. The method itself is in Priming.swift.

import Collectives
import Corpus
import Foundation
import Models
import Teacher
import Tokenizers
import Training

/// A run of `method.name: priming` on all ranks.
struct PrimingRun {
    private let session: RunSession
    private var recipe: Recipe { session.recipe }
    private var options: Recipe.PrimingOptions { recipe.method.priming }
    private var console: RunConsole { session.console }

    init(_ session: RunSession) {
        self.session = session
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Parameter resume: `never` begins again; anything else goes on.
    /// - Returns: True when all is done; false when stopped, to be called again.
    func run(resume: ResumePoint) throws -> Bool {
        let inputs = try GenerativeInputs(session)
        let data = try PrimingData(pool: inputs.pool, test: inputs.test, recipe)
        let files = PrimingFiles(folder: session.folder)
        return try session.carryOut(inputs.fingerprint, resume, report: report) { secondsBefore in
            if resume == .never { try session.byLeader { try files.remove() } }
            return try work(inputs, data, files, secondsBefore)
        }
    }

    private func work(
        _ inputs: GenerativeInputs, _ data: PrimingData, _ files: PrimingFiles,
        _ secondsBefore: Double
    ) throws -> RunOutcome {
        inputs.say(console)
        console.say(
            "training: \(data.training.count); validation: \(data.validation.count); "
                + "test: \(data.test.count)")
        let student = try GenerativeStudent(session)
        console.say("student: \(student.description)")
        let method = Priming(
            session: session, data: data, files: files, fingerprint: inputs.fingerprint,
            student: student, teacher: try teacher(student))
        switch try method.run() {
        case .stopped(let place): return .stopped(place)
        case .complete(let results):
            try write(results, files, seconds: secondsBefore + session.secondsSoFar)
            return .complete
        }
    }

    /// The teacher in the part that the recipe gives it.
    private func teacher(_ student: GenerativeStudent) throws -> PrimingTeacher? {
        guard !options.arms.isEmpty else { return nil }
        switch options.signal {
        case .logits:
            return .scorer(try PrimingSignals(session, student))
        case .text:
            let teacher = try TextTeacher(session)
            console.say("teacher: \(teacher.description)")
            return .writer(
                PrimingTexts(
                    options: options, compare: recipe.evaluate.compare, ask: teacher.answers))
        }
    }

    private func write(
        _ results: [[PrimingResult]], _ files: PrimingFiles, seconds: Double
    ) throws {
        let report = PrimingReport(
            recipe: recipe, results: results, ranks: session.communicator.size,
            spending: options.signal == .text && !options.arms.isEmpty
                ? try LedgerTotals(folder: session.folder.labels) : nil,
            seconds: seconds)
        try session.byLeader {
            if let chosen = report.chosen { try files.choose(chosen, recipe.seed) }
            try report.write(
                to: session.folder, program: session.program,
                resolvedRecipe: session.resolvedRecipe)
        }
    }

    private func report() throws -> String {
        let path = PrimingReport.tables(session.folder)
        guard let text = FileManager.default.contents(atPath: path) else {
            throw MethodError(
                .unusableFolder, "\(path): is missing; begin again with --resume never")
        }
        return String(decoding: text, as: UTF8.self)
    }
}
