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
        let status = try session.claimFolder(inputs.fingerprint, resume)
        if status.isComplete {
            console.say("all is done: \(session.folder.path)")
            try show()
            return true
        }
        if resume == .never { try session.byLeader { try files.remove() } }
        inputs.say(console)
        console.say(
            "training: \(data.training.count); validation: \(data.validation.count); "
                + "test: \(data.test.count)")
        let student = try GenerativeStudent(session)
        console.say("student: \(student.description)")
        do {
            let method = Priming(
                session: session, data: data, files: files, fingerprint: inputs.fingerprint,
                student: student, teacher: try teacher(student))
            switch try method.run() {
            case .complete(let results):
                try finish(results, data, files, status)
                return true
            case .stopped(let place):
                console.say("stopped \(place); the same command goes on from there")
            }
        } catch is TextsStopped {
            console.say("stopped while asking the teacher; the same command goes on from there")
        }
        try session.leave(status, isComplete: false)
        return false
    }

    /// The teacher in the part that the recipe gives it.
    private func teacher(_ student: GenerativeStudent) throws -> PrimingTeacher? {
        guard !options.arms.isEmpty else { return nil }
        switch options.signal {
        case .logits:
            return .scorer(try PrimingSignals(session, student))
        case .text:
            let teacher = try TextTeacher(
                recipe, folder: session.folder, communicator: session.communicator,
                compute: session.compute, console: console,
                isStopRequested: session.isStopRequested)
            console.say("teacher: \(teacher.description)")
            return .writer(
                PrimingTexts(
                    options: options, compare: recipe.evaluate.compare, ask: teacher.answers))
        }
    }

    private func finish(
        _ results: [[PrimingResult]], _ data: PrimingData, _ files: PrimingFiles,
        _ status: RunStatus
    ) throws {
        let report = PrimingReport(
            recipe: recipe, results: results, ranks: session.communicator.size,
            spending: options.signal == .text && !options.arms.isEmpty
                ? try LedgerTotals(folder: session.folder.labels) : nil,
            seconds: status.secondsBefore + session.secondsSoFar)
        try session.byLeader {
            if let chosen = report.chosen { try files.choose(chosen, recipe.seed) }
            try report.write(
                to: session.folder, program: session.program,
                resolvedRecipe: session.resolvedRecipe)
        }
        try session.leave(status, isComplete: true)
        try show()
    }

    private func show() throws {
        guard console.isLeader else { return }
        let path = PrimingReport.tables(session.folder)
        guard let text = FileManager.default.contents(atPath: path) else {
            throw MethodError(
                .unusableFolder, "\(path): is missing; begin again with --resume never")
        }
        console.write(String(decoding: text, as: UTF8.self))
    }
}

extension RunSession {
    /// Does something on the leading rank; the others wait until it is done.
    func byLeader(_ work: () throws -> Void) throws {
        if console.isLeader { try work() }
        try communicator.barrier()
    }
}
