// Measuring a student on texts with gold labels, all ranks together.

import Collectives
import Corpus
public import Models
import TensorCore
import Tokenizers
public import Training

/// Texts with gold labels, ready for a student.
public final class TestEvaluation {
    /// How many texts there are.
    public var count: Int { gold.count }
    private let gold: [Int]
    private let texts: TokenizedTexts
    private let communicator: Communicator
    private let compute: Compute

    /// Prepares the records of a test set; each has a label.
    init(
        _ records: [Record], labels: LabelSet, tokenizer: Tokenizer, maximumLength: Int,
        communicator: Communicator, compute: Compute
    ) throws {
        gold = try GoldLabels.classes(of: records, labels).enumerated().map { index, label in
            guard let label else {
                throw MethodError(
                    .invalidRecipe, "\(records[index].source): a test text without a label")
            }
            return label
        }
        texts = TokenizedTexts(
            records.map(\.text), tokenizer: tokenizer, maximumLength: maximumLength)
        self.communicator = communicator
        self.compute = compute
    }

    /// The student's class probabilities of every text.
    public func probabilities(of student: EncoderClassifier) throws -> [[Double]] {
        try Inference(student, compute: compute).probabilities(
            of: gold.count, over: communicator
        ) { part in
            part.map { texts[$0] }
        }
    }

    /// Gold class against the student's choice.
    public func confusion(of student: EncoderClassifier) throws -> ConfusionMatrix {
        confusion(
            of: try probabilities(of: student), classes: student.labels.count)
    }

    /// Gold class against the most probable class.
    public func confusion(of probabilities: [[Double]], classes: Int) -> ConfusionMatrix {
        var confusion = ConfusionMatrix(classes: classes)
        for (gold, row) in zip(gold, probabilities) {
            confusion.add(gold: gold, predicted: row.mostProbable)
        }
        return confusion
    }

    /// How well confidence tells accuracy.
    public func calibration(of probabilities: [[Double]]) -> CalibrationBins {
        var bins = CalibrationBins()
        for (gold, row) in zip(gold, probabilities) {
            let choice = row.mostProbable
            bins.add(confidence: row[choice], isCorrect: choice == gold)
        }
        return bins
    }
}

extension [Double] {
    /// The index of the largest number; the first of equals.
    var mostProbable: Int { indices.max { (self[$0], $1) < (self[$1], $0) } ?? 0 }
}
