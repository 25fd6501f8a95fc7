// A Lion run with its folder: what is read and checked before anything is paid for, who plays which role, the
// iterations, the export, the report. The method itself is in Lion.swift.

import Collectives
import Corpus
import Foundation
import Models
import Teacher
import TensorCore
import Training

/// What a Lion run reads.
struct LionData {
    /// The first Train Pool and Cache Pool.
    let instructions: [LionInstruction]
    /// Instructions with known answers to measure on; may be none.
    let test: [TextExample]
    let inputs: RunInputs

    init(_ recipe: Recipe) throws {
        inputs = try RunInputs(recipe)
        instructions = inputs.pool.records.map(LionInstruction.init)
        test = inputs.test?.records.compactMap(TextExample.init) ?? []
    }
}

/// Who answers, judges and writes.
struct LionRoles {
    let prompts: LionPrompts
    /// The teacher's answers.
    let teacher: ([TextRequest]) throws -> [TextAnswer]
    let referee: Referee
    let generation: LionGeneration
    /// Money spent so far, as the ledgers say; the same on all ranks.
    let spent: () throws -> Int64

    /// One teacher a role, all with the run's ledgers and one budget; a collective.
    init(_ session: RunSession) throws {
        let options = session.recipe.method.lion
        let prompts = try LionPrompts(options.prompts)
        self.prompts = prompts
        let answers = try TextTeacher(session)
        session.console.say("teacher: \(answers.description)")
        func role(
            _ name: String, _ own: Recipe.TeacherOptions?
        ) throws -> TextTeacher {
            guard let own else { return answers }
            let teacher = try TextTeacher(session, as: own)
            session.console.say("\(name): \(teacher.description)")
            return teacher
        }
        let isWhole = options.arm == .lion
        let judge = try role("referee", isWhole ? options.referee : nil)
        let writer = try role("generator", isWhole ? options.generator : nil)
        teacher = answers.answers
        referee = Referee(
            prompt: prompts.referee, decoding: options.decoding.referee, reAsks: options.reAsks,
            seed: session.recipe.seed, ask: judge.answers)
        generation = LionGeneration(
            options: options, prompts: prompts, seed: session.recipe.seed, ask: writer.answers)
        let labels = session.folder.labels
        spent = { try LedgerTotals(folder: labels).priceMicro }
    }
}

/// A run of `method.name: lion` on all ranks.
struct LionRun {
    private let session: RunSession
    private var recipe: Recipe { session.recipe }
    private var console: RunConsole { session.console }

    init(_ session: RunSession) {
        self.session = session
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Parameter resume: `never` begins again; anything else goes on.
    /// - Returns: True when all is done; false when stopped, to be called again.
    func run(resume: ResumePoint) throws -> Bool {
        let data = try LionData(recipe)
        let fingerprint = data.inputs.fingerprint(
            recipe: session.decisiveRecipe,
            files: InputFiles.digest(of: InputFiles.of(recipe)))
        let files = LionFiles(folder: session.folder)
        return try session.carryOut(
            fingerprint, resume, report: { try LionReport.table(session.folder) }
        ) { secondsBefore in
            try session.byLeader {
                if resume == .never { try files.removeAll() }
                try files.make(files.data)
                try files.write(data.instructions, to: files.pool(0))
            }
            return try work(data, fingerprint, files, secondsBefore)
        }
    }

    private func work(
        _ data: LionData, _ fingerprint: String, _ files: LionFiles, _ secondsBefore: Double
    ) throws -> RunOutcome {
        console.say("instructions: \(data.instructions.count); test: \(data.test.count)")
        if data.inputs.overlap > 0, console.isLeader {
            console.warn(
                "\(data.inputs.overlap) test items are among the instructions; figures will flatter"
            )
        }
        let student = try LionStudent(session, files: files)
        console.say("student: \(student.description)")
        let method = Lion(
            session: session, data: data, files: files, fingerprint: fingerprint,
            student: student, roles: try LionRoles(session))
        switch try method.run() {
        case .stopped(let place): return .stopped(place)
        case .complete(let iterations):
            guard let last = iterations.last else { preconditionFailure("no student was trained") }
            try student.export(last.number, to: session.folder.student)
            let report = LionReport(
                recipe: recipe, iterations: iterations,
                spending: try LedgerTotals(folder: session.folder.labels),
                ranks: session.communicator.size, threads: session.compute.threadCount,
                seconds: secondsBefore + session.secondsSoFar)
            try session.byLeader {
                try report.write(
                    to: session.folder, program: session.program,
                    resolvedRecipe: session.resolvedRecipe)
            }
            return .complete
        }
    }
}
