// An LLM2LLM run with its folder: what is read and checked before anything is paid for, the rounds, the
// export, the report. The method itself is in LLM2LLM.swift.

public import Collectives
import Corpus
import Foundation
import Models
import Teacher
public import TensorCore
public import Training

/// A run of `method.name: llm2llm` on all ranks.
public final class LLM2LLMRun {
    /// The recipe.
    public let recipe: Recipe
    /// The run's folder.
    public let folder: RunFolder
    private let resolvedRecipe: String
    private let decisiveRecipe: String
    private let program: String
    private let communicator: Communicator
    private let compute: Compute
    private let console: RunConsole
    private let begun = ContinuousClock.now

    /// A run.
    ///
    /// - Parameters:
    ///   - recipe: The recipe.
    ///   - resolvedRecipe: The recipe as YAML with every key, which goes into the folder.
    ///   - decisiveRecipe: `recipe.decisive` as YAML: what a folder's run is known by.
    ///   - program: Name and version of the program, for the record.
    ///   - communicator: The ranks.
    ///   - compute: This rank's arithmetic.
    ///   - console: How the run speaks.
    public init(
        _ recipe: Recipe, resolvedRecipe: String, decisiveRecipe: String, program: String,
        communicator: Communicator, compute: Compute, console: RunConsole
    ) {
        self.recipe = recipe
        self.resolvedRecipe = resolvedRecipe
        self.decisiveRecipe = decisiveRecipe
        self.program = program
        self.communicator = communicator
        self.compute = compute
        self.console = console
        folder = RunFolder(path: recipe.outputDirectory, labels: recipe.labelDirectory)
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Parameters:
    ///   - resume: `never` begins again; anything else goes on.
    ///   - isStopRequested: True when this rank was asked to stop.
    /// - Returns: True when all is done; false when stopped, to be called again.
    public func run(
        resume: ResumePoint, isStopRequested: @escaping () -> Bool
    ) throws -> Bool {
        let options = recipe.method.llm2llm
        let data = try LLM2LLMData(recipe)
        let fingerprint = data.inputs.fingerprint(
            recipe: decisiveRecipe, files: InputFiles.digest(of: InputFiles.of(recipe)))
        let files = LLM2LLMFiles(folder: folder)
        let claim = RunClaim(
            folder: folder, communicator: communicator, console: console, program: program)
        var status = try claim.take(fingerprint, resume, resolvedRecipe: resolvedRecipe) {
            try files.remove()
        }
        if status.isComplete {
            console.say("all is done: \(folder.path)")
            try showReport()
            return true
        }
        if console.isLeader { try files.create() }
        try communicator.barrier()
        console.say(
            "seeds: \(data.seeds.count); test: \(data.test.count)"
                + (data.pool.isEmpty ? "" : "; pool: \(data.pool.count)"))
        if data.overlap > 0, console.isLeader {
            console.warn("\(data.overlap) test items are among the seeds; figures will flatter")
        }
        let student = try RoundStudents.make(
            recipe, data, communicator: communicator, compute: compute, console: console)
        console.say("student: \(student.description)")
        let ended = EndOfCall(seconds: status.secondsBefore, begun: begun)
        do {
            let method = try method(
                options, data, files, fingerprint, student, isStopRequested: isStopRequested)
            switch try method.run() {
            case .complete(let rounds):
                try finish(rounds, data, student, &status, ended)
                return true
            case .stopped(let place):
                console.say("stopped \(place); the same command goes on from there")
            }
        } catch is TextsStopped {
            console.say("stopped while asking the teacher; the same command goes on from there")
        }
        status.secondsBefore = ended.now
        if console.isLeader { try status.write(folder) }
        return false
    }

    private func method(
        _ options: Recipe.LLM2LLMOptions, _ data: LLM2LLMData, _ files: LLM2LLMFiles,
        _ fingerprint: String, _ student: any RoundStudent,
        isStopRequested: @escaping () -> Bool
    ) throws -> LLM2LLM {
        var waves: AugmentationWaves?
        if options.augmentation.asksTeacher {
            let teacher = try TextTeacher(
                recipe, folder: folder, communicator: communicator, compute: compute,
                console: console, isStopRequested: isStopRequested)
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
                communicator: communicator, compute: compute)
        }
        let (labels, asks) = (folder.labels, options.augmentation.asksTeacher)
        return LLM2LLM(
            recipe: recipe, data: data, files: files, fingerprint: fingerprint, console: console,
            student: student,
            augmenter: Augmenter(
                data: data, options: options, seed: recipe.seed, waves: waves, vectors: vectors),
            spent: { asks ? try LedgerTotals(folder: labels).priceMicro : 0 },
            barrier: communicator.barrier,
            isStopRequested: isStopRequested)
    }

    private func finish(
        _ rounds: [LLM2LLMRound], _ data: LLM2LLMData, _ student: any RoundStudent,
        _ status: inout RunStatus, _ ended: EndOfCall
    ) throws {
        status.secondsBefore = ended.now
        if console.isLeader {
            try student.export(to: folder.student)
            try LLM2LLMReport(
                recipe: recipe, rounds: rounds,
                spending: recipe.method.llm2llm.augmentation.asksTeacher
                    ? try LedgerTotals(folder: folder.labels) : nil, ranks: communicator.size,
                threads: compute.threadCount, seconds: status.secondsBefore
            ).write(to: folder, program: program, resolvedRecipe: resolvedRecipe)
            status.isComplete = true
            try status.write(folder)
        }
        // The others must not leave, and a second run not begin, before the folder is complete.
        try communicator.barrier()
        try showReport()
    }

    private func showReport() throws {
        guard console.isLeader else { return }
        console.write(try LLM2LLMReport.table(folder))
    }

    /// The seconds of a run over all calls.
    private struct EndOfCall {
        let seconds: Double
        let begun: ContinuousClock.Instant

        var now: Double { seconds + (ContinuousClock.now - begun).inSeconds }
    }
}

/// Tells which student a recipe names.
enum RoundStudents {
    static func make(
        _ recipe: Recipe, _ data: LLM2LLMData, communicator: Communicator, compute: Compute,
        console: RunConsole
    ) throws -> any RoundStudent {
        guard try DecoderFolder.isDecoder(recipe.student.model) else {
            guard data.task.kind == .classification else {
                throw MethodError(
                    .invalidRecipe,
                    "\(recipe.student.model): an encoder gives labels alone; method.task: "
                        + "\(data.task.kind.rawValue) needs a decoder as student.model")
            }
            return try ClassifierOfRound(
                recipe, labels: LabelSet(data.task.labels), communicator: communicator,
                compute: compute, console: console)
        }
        throw MethodError(.invalidRecipe, "decoders come here")
    }
}
