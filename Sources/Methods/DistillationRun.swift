// A run, stage by stage: read, label, train, evaluate, export, report. Each stage rests in the run's
// folder and skips what is done; any number of ranks can pick the run up.

public import Collectives
import Corpus
import Foundation
import Kernels
import Models
import Reporting
import Teacher
public import TensorCore
import Tokenizers
public import Training

/// A run of a recipe on all ranks.
public final class DistillationRun {
    /// The recipe.
    public let recipe: Recipe
    /// The run's folder.
    public let folder: RunFolder
    let communicator: Communicator
    let compute: Compute
    let console: RunConsole
    private let resolvedRecipe: String
    private let decisiveRecipe: String
    private let program: String
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
    ) throws {
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
    ///   - resume: Where training goes on.
    ///   - asksTeacher: False to go by the labels that are there.
    ///   - isStopRequested: True when this rank was asked to stop.
    /// - Returns: True when all is done; false when stopped, to be called again.
    public func run(
        resume: ResumePoint, asksTeacher: Bool = true,
        isStopRequested: @escaping () -> Bool
    ) throws -> Bool {
        let asksInWords = [.openai, .local].contains(recipe.teacher.kind)
        guard !asksInWords || recipe.teacher.task.answer != .text else {
            throw MethodError(
                .invalidRecipe,
                "teacher.answer: text gives no labels, which a classifier learns from; set it to "
                    + "label or json, or keep the texts by `retort labels make`")
        }
        let inputs = try RunInputs(recipe)
        let fingerprint = try fingerprint(inputs)
        var status = try claimFolder(fingerprint, resume)
        if status.isComplete {
            console.say("all is done: \(folder.path)")
            try showReport()
            return true
        }
        report(inputs)
        let source = try StudentSource(recipe)
        let teacher = try TeacherFactory.make(recipe, compute: compute)
        let labels = try label(
            inputs, teacher, mayAsk: asksTeacher, isStopRequested: isStopRequested)
        guard let labelled = labels else {
            status.secondsBefore += (ContinuousClock.now - begun).inSeconds
            if console.isLeader { try status.write(folder) }
            console.say("stopped while labelling; the same command goes on from there")
            return false
        }
        let stage = try trainStage(inputs, labelled, source, fingerprint)
        let training = try stage.run(
            labelled.pool, resume: resume, isStopRequested: isStopRequested)
        status.secondsBefore += (ContinuousClock.now - begun).inSeconds
        guard training.isComplete else {
            if console.isLeader { try status.write(folder) }
            console.say(
                "stopped after step \(training.progress.step); the same command goes on from there")
            return false
        }
        let summary = try RunSummary.measure(
            recipe: recipe, inputs: inputs, labelled: labelled, stage: stage, training: training,
            seconds: status.secondsBefore, ranks: communicator.size)
        if console.isLeader {
            try stage.student.export(to: folder.student)
            try summary.write(
                to: folder, program: program, resolvedRecipe: resolvedRecipe)
            status.isComplete = true
            try status.write(folder)
        }
        // The others must not leave, and a second run not begin, before the folder is complete.
        try communicator.barrier()
        try showReport()
        return true
    }

    /// Labels the pool, and does nothing else.
    ///
    /// - Parameter isStopRequested: True when this rank was asked to stop.
    /// - Returns: True when all is done; false when stopped, to be called again.
    public func labelOnly(isStopRequested: @escaping () -> Bool) throws -> Bool {
        let teacher = try TeacherFactory.make(recipe, compute: compute)
        guard case .servers(let servers) = teacher else {
            let inputs = try RunInputs(recipe)
            _ = try claimFolder(fingerprint(inputs), .automatic)
            report(inputs)
            guard recipe.teacher.kind != .local || recipe.teacher.task.answer != .text else {
                console.say("teacher: \(teacher.description)")
                return try labelStage(teacher, isStopRequested: isStopRequested)
                    .run(inputs.pool.records).isComplete
            }
            return try label(inputs, teacher, isStopRequested: isStopRequested) != nil
        }
        // The pool isn't read first: it may be long, and what it holds decides nothing here, since every
        // answer is kept under the name of its request.
        if console.isLeader {
            try folder.create()
            try folder.write(resolvedRecipe, to: folder.recipe)
        }
        try communicator.barrier()
        console.say("teacher: \(teacher.description)")
        return try labelStage(teacher, isStopRequested: isStopRequested)
            .servers(servers).runPool()
    }

    // MARK: - Stages

    private func labelStage(
        _ teacher: RunTeacher, mayAsk: Bool = true, isStopRequested: @escaping () -> Bool
    ) -> LabelStage {
        LabelStage(
            recipe: recipe, teacher: teacher, folder: folder, communicator: communicator,
            console: console, mayAsk: mayAsk, isStopRequested: isStopRequested)
    }

    private func label(
        _ inputs: RunInputs, _ teacher: RunTeacher, mayAsk: Bool = true,
        isStopRequested: @escaping () -> Bool
    ) throws -> LabelledInputs? {
        console.say("teacher: \(teacher.description)")
        let gold = try calibrationRecords()
        if let labels = try knownLabels() {
            // A gold label that no class answers to is found before anything is paid for.
            let records = inputs.pool.records + (inputs.test?.records ?? []) + gold
            _ = try GoldLabels.classes(of: records, labels)
        }
        let stage = labelStage(teacher, mayAsk: mayAsk, isStopRequested: isStopRequested)
        // The embedded teacher is free, so it is also measured on the test texts.
        let asksTest = recipe.teacher.kind == .encoder
        let test = asksTest ? inputs.test?.records ?? [] : []
        let result = try stage.run(inputs.pool.records + test + gold)
        guard result.isComplete else { return nil }
        let labels = try labelSet(inputs, result)
        let poolCount = inputs.pool.records.count
        var answers = result.answers
        let scaling = try TeacherCalibration.fit(
            gold, Array(answers.suffix(gold.count)), labels: labels)
        if let scaling {
            answers = answers.map { $0.map(scaling.applied) }
            console.say(
                "teacher's confidences: temperature \(fixed(scaling.temperature, 3)), fitted on "
                    + "\(scaling.count) gold texts")
            if scaling.isAtBound || scaling.count < 30, console.isLeader {
                console.warn(
                    "teacher.calibration: \(scaling.count) gold texts fit the temperature poorly; give "
                        + "more, some hundred")
            }
        }
        let own = Array(answers[..<poolCount])
        let rule = recipe.method.selection.rule
        let pool = try LabelledPool(
            inputs.pool.records, own, labels: labels,
            needsConfidence: rule == .llkd || rule == .confidence)
        return LabelledInputs(
            pool: pool,
            testAnswers: asksTest && inputs.test != nil
                ? Array(answers[poolCount..<poolCount + test.count]) : nil,
            report: LabellingReport(
                missing: own.count { $0 == nil }, unknown: pool.unknown, asked: result.asked,
                cached: result.cached, spending: result.spending, scaling: scaling,
                calibration: try TeacherCalibration.measure(
                    inputs.pool.records, own, labels: labels)))
    }

    /// Texts with gold labels, on which the teacher's temperature is fitted.
    private func calibrationRecords() throws -> [Record] {
        guard !recipe.teacher.calibration.isEmpty else { return [] }
        return try RunInputs.read(recipe.teacher.calibration, recipe.data, labelRequired: true)
            .records
    }

    private func labelSet(_ inputs: RunInputs, _ result: LabelStageResult) throws -> LabelSet {
        try knownLabels() ?? LabelSet(discoveredIn: result.answers.compactMap { $0 })
    }

    /// The labels, where the recipe names them.
    private func knownLabels() throws -> LabelSet? {
        if !recipe.teacher.labels.isEmpty { return try LabelSet(recipe.teacher.labels) }
        guard recipe.teacher.kind == .encoder else { return nil }
        return try LabelSet(recipe.teacher.labelSentences.map(\.label))
    }

    private func trainStage(
        _ inputs: RunInputs, _ labelled: LabelledInputs, _ source: StudentSource,
        _ fingerprint: String
    ) throws -> TrainStage {
        let labels = labelled.pool.labels
        let tokenizer = source.tokenizer
        let student = try BertClassifier(
            source.folder, labels: labels.names, seed: recipe.seed,
            newHead: recipe.student.newHead)
        let evaluation = try inputs.test.map {
            try TestEvaluation(
                $0.records, labels: labels, tokenizer: tokenizer,
                maximumLength: recipe.student.maximumLength, communicator: communicator,
                compute: compute)
        }
        console.say(
            "student: \(source.folder.path), \(student.weightCount / 1_000_000) million "
                + "weights, \(labels.count) classes, on \(communicator.size) ranks x "
                + "\(compute.threadCount) threads, \(compute.instructionSet)")
        return TrainStage(
            recipe: recipe, folder: folder, fingerprint: fingerprint, communicator: communicator,
            compute: compute, console: console, student: student, tokenizer: tokenizer,
            evaluation: evaluation)
    }

    // MARK: - The folder

    /// A hash of everything that decides the results: recipe, texts, models, recorded answers.
    private func fingerprint(_ inputs: RunInputs) throws -> String {
        let files = InputFiles.of(recipe)
        return inputs.fingerprint(
            recipe: decisiveRecipe, files: InputFiles.digest(of: files))
    }

    /// Makes the folder this run's, or refuses one that is another's.
    private func claimFolder(_ fingerprint: String, _ resume: ResumePoint) throws -> RunStatus {
        let fresh = RunStatus(
            fingerprint: fingerprint, isComplete: false, secondsBefore: 0, program: program)
        let found = try RunStatus.read(folder)
        try communicator.barrier()
        if let found, found.fingerprint == fingerprint, resume != .never { return found }
        if found != nil, resume != .never {
            throw MethodError(
                .unusableFolder,
                "\(folder.path): holds a run of another recipe or other data; set output_dir "
                    + "elsewhere, or begin again with --resume never")
        }
        if console.isLeader {
            // Begun again: an earlier run's checkpoints must not be taken for this one's.
            if found != nil { try folder.removeCheckpoints() }
            try folder.create()
            try folder.write(resolvedRecipe, to: folder.recipe)
            try fresh.write(folder)
        }
        try communicator.barrier()
        return fresh
    }

    private func report(_ inputs: RunInputs) {
        let pool = inputs.pool.report
        var line = "pool: \(inputs.pool.records.count) texts of \(pool.rows) rows"
        if let test = inputs.test { line += "; test: \(test.records.count)" }
        console.say(line)
        guard console.isLeader else { return }
        for (name, report) in [("pool", pool), ("test", inputs.test?.report)] {
            guard let report else { continue }
            if report.badRowCount + report.duplicateCount + report.repeatedTexts > 0 {
                console.warn("\(name): \(report.summary)")
            }
        }
        if inputs.overlap > 0 {
            console.warn("\(inputs.overlap) test texts are in the pool too; figures will flatter")
        }
    }

    private func showReport() throws {
        guard console.isLeader else { return }
        console.write(try RunSummary.table(folder))
    }
}

/// What the student starts from, opened and checked before the teacher is asked for anything.
private struct StudentSource {
    let folder: ModelFolder
    let tokenizer: Tokenizer

    init(_ recipe: Recipe) throws {
        folder = try ModelFolder(path: recipe.student.model)
        tokenizer = try Tokenizer(contentsOf: recipe.student.model)
        let longest = folder.configuration.maximumLength
        guard recipe.student.maximumLength <= longest else {
            throw MethodError(
                .invalidRecipe,
                "student.max_seq_length \(recipe.student.maximumLength) is more than the "
                    + "\(longest) positions of \(folder.path)")
        }
    }
}
