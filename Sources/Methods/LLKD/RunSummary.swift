// What a run came to: measured once at its end, kept as `report.json`, shown as a table and a page.

import Corpus
import Foundation
import Kernels
import Reporting
import TensorCore
import Training

/// The figures of a finished run.
struct RunSummary {
    let recipe: Recipe
    let labels: [String]
    /// Share of right answers of the teacher, on the test texts where it was asked, and on the pool.
    let teacherTestAccuracy: Double?
    let teacherPoolAccuracy: Double?
    let teacherCalibrationError: Double?
    let student: ConfusionMatrix?
    let studentCalibrationError: Double?
    let poolSize: Int
    let poolReport: ReadReport
    let labelling: LabellingReport
    let progress: TrainingProgress<LLKDSelector.State>
    let ranks: Int
    let threads: Int
    let instructionSet: String
    let samplesPerSecond: Double
    let seconds: Double

    /// Measures the student; all ranks take part.
    static func measure(
        recipe: Recipe, inputs: RunInputs, labelled: LabelledInputs, stage: TrainStage,
        training: TrainStageResult, seconds: Double, ranks: Int
    ) throws -> RunSummary {
        let begun = ContinuousClock.now
        let pool = labelled.pool
        let probabilities = try stage.evaluation?.probabilities(of: stage.student)
        let teacherTest = try labelled.testAnswers.map { answers in
            try answers.map { answer in
                try answer.map { try pool.labels.probabilities(of: $0) } ?? []
            }
        }
        let classes = pool.labels.count
        let poolBins = bins(pool.teacher, pool.gold)
        return RunSummary(
            recipe: recipe, labels: pool.labels.names,
            teacherTestAccuracy: teacherTest.flatMap {
                stage.evaluation?.confusion(of: $0, classes: classes).accuracy
            },
            teacherPoolAccuracy: poolBins.count > 0 ? poolBins.accuracy : nil,
            teacherCalibrationError: poolBins.count > 0
                ? poolBins.bins.expectedCalibrationError : nil,
            student: probabilities.flatMap {
                stage.evaluation?.confusion(of: $0, classes: classes)
            },
            studentCalibrationError: probabilities.flatMap {
                stage.evaluation?.calibration(of: $0).expectedCalibrationError
            },
            poolSize: pool.records.count, poolReport: inputs.pool.report,
            labelling: labelled.report, progress: training.progress, ranks: ranks,
            threads: stage.compute.threadCount,
            instructionSet: stage.compute.instructionSet.description,
            samplesPerSecond: training.samplesPerSecond,
            seconds: seconds + (ContinuousClock.now - begun).inSeconds)
    }

    private static func bins(
        _ probabilities: [[Double]], _ gold: [Int?]
    ) -> (bins: CalibrationBins, count: Int, accuracy: Double) {
        var bins = CalibrationBins()
        var count = 0
        var right = 0
        for (row, gold) in zip(probabilities, gold) {
            guard let gold else { continue }
            let choice = row.mostProbable
            bins.add(confidence: row[choice], isCorrect: choice == gold)
            count += 1
            right += choice == gold ? 1 : 0
        }
        return (bins, count, count > 0 ? Double(right) / Double(count) : 0)
    }

    /// The teacher's accuracy on the yardstick nearest to the student's.
    var teacherAccuracy: Double? { teacherTestAccuracy ?? teacherPoolAccuracy }

    /// Sample visits by pool size and epochs.
    var visitRatio: Double { progress.usage.visitRatio(epochs: recipe.train.epochs) }

    /// What `report.json` holds, in its order.
    var values: [ReportValue.Member] {
        func number(_ value: Double?) -> ReportValue { value.map { .number($0) } ?? .null }
        let usage = progress.usage
        let tally = progress.selector.tally
        return [
            .init("name", .text(recipe.name)),
            .init("method", .text(recipe.method.name.rawValue)),
            .init("selection", .text(recipe.method.selection.rule.rawValue)),
            .init("seed", .integer(Int(truncatingIfNeeded: recipe.seed))),
            .init("teacher_accuracy", number(teacherAccuracy)),
            .init("teacher_pool_accuracy", number(teacherPoolAccuracy)),
            .init("teacher_calibration_error", number(teacherCalibrationError)),
            .init("student_accuracy", number(student?.accuracy)),
            .init("student_macro_f1", number(student?.macroF1)),
            .init("student_calibration_error", number(studentCalibrationError)),
            .init("test_size", .integer(Int(student?.total ?? 0))),
            .init("pool_size", .integer(poolSize)),
            .init("epochs", .integer(recipe.train.epochs)),
            .init("sample_visits", .integer(usage.visits)),
            .init("sample_visit_ratio", .number(visitRatio)),
            .init("distinct_used", .integer(usage.distinct)),
            .init("distinct_ratio", .number(usage.distinctRatio)),
            .init("best_step", progress.best.map { .integer($0.step) } ?? .null),
            .init("best_accuracy", number(progress.best?.accuracy)),
            .init(
                "best_visit_ratio",
                number(
                    progress.best.map {
                        Double($0.visits) / Double(poolSize * recipe.train.epochs)
                    })),
            .init("steps", .integer(progress.step)),
            .init("updates", .integer(progress.updates)),
            .init("empty_batches", .integer(progress.emptyBatches)),
            .init("teacher_error_kept", number(tally.keptError)),
            .init("teacher_error_dropped", number(tally.droppedError)),
            .init("bad_rows", .integer(poolReport.badRowCount)),
            .init("duplicates", .integer(poolReport.duplicateCount)),
            .init("ranks", .integer(ranks)),
            .init("threads_per_rank", .integer(threads)),
            .init("instruction_set", .text(instructionSet)),
            .init("train_samples_per_s", .number(samplesPerSecond)),
            .init("seconds", .number(seconds)),
        ] + labelling.values
    }

    /// Writes `report.json` and `report.html`.
    func write(to folder: RunFolder, program: String, resolvedRecipe: String) throws {
        let page = try ReportContents(
            summary: self, folder: folder, program: program, recipe: resolvedRecipe
        ).report()
        try page.write(toFolder: folder.path)
    }

    /// The key figures of a finished run's folder as a table for the terminal.
    static func table(_ folder: RunFolder) throws -> String {
        try FinishedReport(folder: folder).table(rows)
    }

    private static let rows: [(String, String, Int)] = [
        ("teacher accuracy", "teacher_accuracy", 4),
        ("student accuracy", "student_accuracy", 4),
        ("student macro F1", "student_macro_f1", 4),
        ("pool size", "pool_size", 0),
        ("sample visits", "sample_visits", 0),
        ("sample visits / (pool x epochs)", "sample_visit_ratio", 4),
        ("distinct samples used", "distinct_used", 0),
        ("teacher error on what was kept", "teacher_error_kept", 4),
        ("teacher error on what was dropped", "teacher_error_dropped", 4),
        ("ranks", "ranks", 0),
        ("samples/s in training", "train_samples_per_s", 1),
        ("seconds", "seconds", 1),
    ]
}
