// An LLM2LLM run with its folder: what is read and checked before anything is paid for, the rounds, the
// export, the report. The method itself is in LLM2LLM.swift.

import Collectives
import Corpus
import Foundation
import Models
import Teacher
import TensorCore
import Training

/// A run of `method.name: llm2llm` on all ranks.
struct LLM2LLMRun {
    private let session: RunSession
    private var recipe: Recipe { session.recipe }
    private var options: Recipe.LLM2LLMOptions { recipe.method.llm2llm }
    private var console: RunConsole { session.console }

    init(_ session: RunSession) {
        self.session = session
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Parameter resume: `never` begins again; anything else goes on.
    /// - Returns: True when all is done; false when stopped, to be called again.
    func run(resume: ResumePoint) throws -> Bool {
        let data = try LLM2LLMData(recipe)
        let fingerprint = data.inputs.fingerprint(
            recipe: session.decisiveRecipe,
            files: InputFiles.digest(of: InputFiles.of(recipe)))
        let files = LLM2LLMFiles(folder: session.folder)
        let status = try session.claimFolder(fingerprint, resume)
        if status.isComplete {
            console.say("all is done: \(session.folder.path)")
            try show()
            return true
        }
        try session.byLeader {
            if resume == .never { try files.remove() }
            try files.create()
        }
        say(data)
        let student = try roundStudent(data)
        console.say("student: \(student.description)")
        do {
            let method = LLM2LLM(
                session: session, data: data, files: files, fingerprint: fingerprint,
                student: student, augmenter: try augmenter(data), spent: spent)
            switch try method.run() {
            case .complete(let rounds):
                try finish(rounds, student, status)
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

    private func say(_ data: LLM2LLMData) {
        console.say(
            "seeds: \(data.seeds.count); test: \(data.test.count)"
                + (data.pool.isEmpty ? "" : "; pool: \(data.pool.count)"))
        if data.overlap > 0, console.isLeader {
            console.warn("\(data.overlap) test items are among the seeds; figures will flatter")
        }
    }

    private func roundStudent(_ data: LLM2LLMData) throws -> any RoundStudent {
        if try DecoderFolder.isDecoder(recipe.student.model) {
            return try DecoderOfRound(session, task: data.task)
        }
        guard data.task.kind == .classification else {
            throw MethodError(
                .invalidRecipe,
                "\(recipe.student.model): an encoder gives labels alone; method.task: "
                    + "\(data.task.kind.rawValue) needs a decoder as student.model")
        }
        return try ClassifierOfRound(session, labels: LabelSet(data.task.labels))
    }

    private func augmenter(_ data: LLM2LLMData) throws -> Augmenter {
        var waves: AugmentationWaves?
        if options.augmentation.asksTeacher {
            let teacher = try TextTeacher(
                recipe, folder: session.folder, communicator: session.communicator,
                compute: session.compute, console: console,
                isStopRequested: session.isStopRequested)
            console.say("teacher: \(teacher.description)")
            waves = AugmentationWaves(
                task: data.task, options: options,
                prompt: try LLM2LLMPrompt(options, task: data.task), seed: recipe.seed,
                ask: teacher.answers)
        }
        var vectors: QuestionVectors?
        if options.augmentation == .nearest {
            vectors = try QuestionVectors(
                folder: options.poolEncoder.isEmpty ? recipe.student.model : options.poolEncoder,
                communicator: session.communicator, compute: session.compute)
        }
        return Augmenter(
            data: data, options: options, seed: recipe.seed, waves: waves, vectors: vectors)
    }

    /// Money spent so far; nobody writes to the ledgers while it is added up.
    private func spent() throws -> Int64 {
        try options.augmentation.asksTeacher
            ? LedgerTotals(folder: session.folder.labels).priceMicro : 0
    }

    private func finish(
        _ rounds: [LLM2LLMRound], _ student: any RoundStudent, _ status: RunStatus
    ) throws {
        try student.export(to: session.folder.student)
        let report = LLM2LLMReport(
            recipe: recipe, rounds: rounds,
            spending: options.augmentation.asksTeacher
                ? try LedgerTotals(folder: session.folder.labels) : nil,
            ranks: session.communicator.size, threads: session.compute.threadCount,
            seconds: status.secondsBefore + session.secondsSoFar)
        try session.byLeader {
            try report.write(
                to: session.folder, program: session.program,
                resolvedRecipe: session.resolvedRecipe)
        }
        try session.leave(status, isComplete: true)
        try show()
    }

    private func show() throws {
        guard console.isLeader else { return }
        console.write(try LLM2LLMReport.table(session.folder))
    }
}
