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
        return try session.carryOut(
            fingerprint, resume, report: { try LLM2LLMReport.table(session.folder) }
        ) { secondsBefore in
            try session.byLeader {
                if resume == .never { try files.remove() }
                try files.create()
            }
            return try work(data, fingerprint, files, secondsBefore)
        }
    }

    private func work(
        _ data: LLM2LLMData, _ fingerprint: String, _ files: LLM2LLMFiles,
        _ secondsBefore: Double
    ) throws -> RunOutcome {
        say(data)
        let student = try roundStudent(data)
        console.say("student: \(student.description)")
        let method = LLM2LLM(
            session: session, data: data, files: files, fingerprint: fingerprint,
            student: student, augmenter: try augmenter(data), spent: spent)
        switch try method.run() {
        case .stopped(let place): return .stopped(place)
        case .complete(let rounds):
            try student.export(to: session.folder.student)
            try write(rounds, seconds: secondsBefore + session.secondsSoFar)
            return .complete
        }
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
            let teacher = try TextTeacher(session)
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

    private func write(_ rounds: [LLM2LLMRound], seconds: Double) throws {
        let report = LLM2LLMReport(
            recipe: recipe, rounds: rounds,
            spending: options.augmentation.asksTeacher
                ? try LedgerTotals(folder: session.folder.labels) : nil,
            ranks: session.communicator.size, threads: session.compute.threadCount,
            seconds: seconds)
        try session.byLeader {
            try report.write(
                to: session.folder, program: session.program,
                resolvedRecipe: session.resolvedRecipe)
        }
    }
}
