// A run, stage by stage: read, label, train, evaluate, export, report. Each stage rests in the run's
// folder and skips what is done; any number of ranks can pick the run up.

import Collectives
import Corpus
import Foundation
import Kernels
import Models
import Reporting
import Teacher
import TensorCore
import Tokenizers
public import Training

/// A run of a recipe on all ranks.
public final class DistillationRun {
    private let session: RunSession
    private var recipe: Recipe { session.recipe }
    private var folder: RunFolder { session.folder }
    private var communicator: Communicator { session.communicator }
    private var compute: Compute { session.compute }
    private var console: RunConsole { session.console }
    private var isStopRequested: () -> Bool { session.isStopRequested }

    /// A run with its means.
    public init(_ session: RunSession) {
        self.session = session
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Parameters:
    ///   - resume: Where training goes on.
    ///   - asksTeacher: False to go by the labels that are there.
    /// - Returns: True when all is done; false when stopped, to be called again.
    public func run(resume: ResumePoint, asksTeacher: Bool = true) throws -> Bool {
        let asksInWords = [.openai, .local].contains(recipe.teacher.kind)
        guard !asksInWords || recipe.teacher.task.answer != .text else {
            throw MethodError(
                .invalidRecipe,
                "teacher.answer: text gives no labels, which a classifier learns from; set it to "
                    + "label or json, or keep the texts by `retort labels make`")
        }
        let inputs = try RunInputs(recipe)
        let fingerprint = try fingerprint(inputs)
        return try session.carryOut(
            fingerprint, resume, report: { try RunSummary.table(folder) }
        ) { secondsBefore in
            try work(inputs, fingerprint, resume, asksTeacher, secondsBefore)
        }
    }

    private func work(
        _ inputs: RunInputs, _ fingerprint: String, _ resume: ResumePoint, _ asksTeacher: Bool,
        _ secondsBefore: Double
    ) throws -> RunOutcome {
        report(inputs)
        let source = try ClassifierSource(recipe)
        let teacher = try TeacherFactory.make(recipe, compute: compute)
        guard let labelled = try label(inputs, teacher, mayAsk: asksTeacher) else {
            return .stopped("while labelling")
        }
        let stage = try trainStage(inputs, labelled, source, fingerprint)
        let training = try stage.run(
            labelled.pool, resume: resume, isStopRequested: isStopRequested)
        guard training.isComplete else {
            return .stopped("after step \(training.progress.step)")
        }
        let summary = try RunSummary.measure(
            recipe: recipe, inputs: inputs, labelled: labelled, stage: stage, training: training,
            seconds: secondsBefore + session.secondsSoFar, ranks: communicator.size)
        if console.isLeader {
            try stage.student.export(to: folder.student)
            try summary.write(
                to: folder, program: session.program, resolvedRecipe: session.resolvedRecipe)
        }
        return .complete
    }

    /// Labels the pool, and does nothing else.
    ///
    /// - Returns: True when all is done; false when stopped, to be called again.
    public func labelOnly() throws -> Bool {
        let teacher = try TeacherFactory.make(recipe, compute: compute)
        guard case .servers(let servers) = teacher else {
            let inputs = try RunInputs(recipe)
            _ = try session.claimFolder(fingerprint(inputs), .automatic)
            report(inputs)
            guard recipe.teacher.kind != .local || recipe.teacher.task.answer != .text else {
                console.say("teacher: \(teacher.description)")
                return try labelStage(teacher).run(inputs.pool.records).isComplete
            }
            return try label(inputs, teacher) != nil
        }
        // The pool isn't read first: it may be long, and what it holds decides nothing here, since every
        // answer is kept under the name of its request.
        try session.byLeader {
            try folder.create()
            try folder.write(session.resolvedRecipe, to: folder.recipe)
        }
        console.say("teacher: \(teacher.description)")
        return try labelStage(teacher).servers(servers).runPool()
    }

    // MARK: - Stages

    private func labelStage(_ teacher: RunTeacher, mayAsk: Bool = true) -> LabelStage {
        LabelStage(
            recipe: recipe, teacher: teacher, folder: folder, communicator: communicator,
            console: console, mayAsk: mayAsk, isStopRequested: isStopRequested)
    }

    private func label(
        _ inputs: RunInputs, _ teacher: RunTeacher, mayAsk: Bool = true
    ) throws -> LabelledInputs? {
        console.say("teacher: \(teacher.description)")
        let gold = try calibrationRecords()
        if let labels = try knownLabels() {
            // A gold label that no class answers to is found before anything is paid for.
            let records = inputs.pool.records + (inputs.test?.records ?? []) + gold
            _ = try GoldLabels.classes(of: records, labels)
        }
        let stage = labelStage(teacher, mayAsk: mayAsk)
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
        _ inputs: RunInputs, _ labelled: LabelledInputs, _ source: ClassifierSource,
        _ fingerprint: String
    ) throws -> TrainStage {
        let labels = labelled.pool.labels
        let tokenizer = source.tokenizer
        let student = try EncoderClassifier(
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
            recipe: session.decisiveRecipe, files: InputFiles.digest(of: files))
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
}
