// Measuring a model folder by itself, without a run.

public import Collectives
import Corpus
import Models
import Reporting
public import TensorCore
import Tokenizers
import Training

/// The quality of a model folder on texts with gold labels.
public struct ModelEvaluation: Sendable {
    private let labels: [String]
    private let confusion: ConfusionMatrix
    private let calibrationError: Double

    /// Measures a folder; all ranks take part and get the same result.
    ///
    /// - Parameters:
    ///   - model: The folder.
    ///   - data: Where the texts are (`test`) and what their fields are called.
    ///   - maximumLength: Longest input in tokens; longer texts are cut.
    ///   - communicator: The ranks.
    ///   - compute: This rank's arithmetic.
    public static func measure(
        model: String, data: Recipe.DataOptions, maximumLength: Int,
        communicator: Communicator, compute: Compute
    ) throws -> ModelEvaluation {
        let student = try EncoderClassifier(ModelFolder(path: model))
        let corpus = try RunInputs.read(data.test, data, labelRequired: true)
        let labels = try LabelSet(student.labels)
        let evaluation = try TestEvaluation(
            corpus.records, labels: labels, tokenizer: Tokenizer(contentsOf: model),
            maximumLength: min(maximumLength, student.configuration.maximumLength),
            communicator: communicator, compute: compute)
        let probabilities = try evaluation.probabilities(of: student)
        return ModelEvaluation(
            labels: labels.names,
            confusion: evaluation.confusion(of: probabilities, classes: labels.count),
            calibrationError: evaluation.calibration(of: probabilities)
                .expectedCalibrationError)
    }

    /// All figures as one JSON object.
    public var json: String {
        ReportValue.object([
            .init("accuracy", .number(confusion.accuracy)),
            .init("macro_f1", .number(confusion.macroF1)),
            .init("calibration_error", .number(calibrationError)),
            .init("samples", .integer(Int(confusion.total))),
            .init(
                "classes",
                .list(
                    labels.enumerated().map { index, label in
                        .object([
                            .init("label", .text(label)),
                            .init("support", .integer(Int(confusion.support(index)))),
                            .init("precision", .number(confusion.precision(index))),
                            .init("recall", .number(confusion.recall(index))),
                            .init("f1", .number(confusion.f1(index))),
                        ])
                    })),
        ]).json
    }

    /// Tables for the terminal.
    public var text: String {
        var table = TextTable([
            .init("class"), .init("texts", .right), .init("precision", .right),
            .init("recall", .right), .init("F1", .right),
        ])
        for (index, label) in labels.enumerated() {
            table.add([
                label, String(confusion.support(index)), fixed(confusion.precision(index), 3),
                fixed(confusion.recall(index), 3), fixed(confusion.f1(index), 3),
            ])
        }
        return table.text + "accuracy \(fixed(confusion.accuracy, 4)), macro F1 "
            + "\(fixed(confusion.macroF1, 4)), calibration error \(fixed(calibrationError, 4)), "
            + "\(confusion.total) texts\n"
    }
}
