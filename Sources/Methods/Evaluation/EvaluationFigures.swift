// What is told of answers that were judged: figures, and how sure each of them is.
//
//     accuracy       the share that is right; no answer is a wrong one
//     macro F1       the mean F1 over the classes that occur, in gold or in answers
//     ECE            sum_b n_b / n |accuracy_b - mean confidence_b|, 10 bins of equal width, over the
//                    answers that have a confidence (Guo et al. 2017, arXiv 1706.04599)
//
// Intervals are those of the bootstrap: all figures on the same draws of texts.

import Training

/// A figure and, where it was asked for, the middle 95 per cent of its bootstrap.
struct EvaluationFigure: Equatable {
    var value: Double
    var interval: ClosedRange<Double>?

    /// For people: the figure, and its interval in brackets.
    func text(_ decimals: Int) -> String {
        let ends = interval.map {
            " [\(fixed($0.lowerBound, decimals)), \(fixed($0.upperBound, decimals))]"
        }
        return fixed(value, decimals) + (ends ?? "")
    }
}

/// One answer beside what is right.
struct Judgement: Equatable {
    /// The right class.
    let gold: Int
    /// The class that was chosen; nil where none was.
    let chosen: Int?
    /// How probable the choice was held to be, where that is known.
    var confidence: Double?
}

/// The figures of classes.
struct ClassFigures: Equatable {
    /// Precision, recall and F1 of a class.
    struct OfClass: Equatable {
        let label: String
        let support: Int
        let precision: EvaluationFigure
        let recall: EvaluationFigure
        let f1: EvaluationFigure
    }

    let accuracy: EvaluationFigure
    let macroF1: EvaluationFigure
    /// nil where no answer has a confidence.
    let calibrationError: EvaluationFigure?
    let classes: [OfClass]
    /// Gold class by row, chosen class by column.
    let confusion: [[Int]]
    /// Texts without an answer.
    let unanswered: Int
    let count: Int

    /// - Parameter bootstrap: Draws of the judged texts; nil for figures alone.
    init(_ judged: [Judgement], labels: [String], bootstrap: Bootstrap?) {
        let classes = labels.count
        // A choice of nothing is a class of its own, that is never gold and has no F1.
        func matrix(_ times: [UInt16]?) -> ConfusionMatrix {
            var matrix = ConfusionMatrix(classes: classes + 1)
            for (index, one) in judged.enumerated() {
                let weight = times.map { Int64($0[index]) } ?? 1
                matrix.add(gold: one.gold, predicted: one.chosen ?? classes, times: weight)
            }
            return matrix
        }
        let isSure = judged.contains { $0.confidence != nil }
        func calibration(_ times: [UInt16]?) -> Double {
            var bins = CalibrationBins()
            for (index, one) in judged.enumerated() {
                guard let confidence = one.confidence else { continue }
                bins.add(
                    confidence: confidence, isCorrect: one.chosen == one.gold,
                    times: times.map { Int($0[index]) } ?? 1)
            }
            return bins.expectedCalibrationError
        }
        func figures(_ times: [UInt16]?) -> [Double] {
            let matrix = matrix(times)
            return [matrix.accuracy, matrix.macroF1(of: 0..<classes), calibration(times)]
                + (0..<classes).flatMap {
                    [matrix.precision($0), matrix.recall($0), matrix.f1($0)]
                }
        }
        let intervals = bootstrap?.intervals { figures($0) }
        let all = figures(nil).enumerated().map {
            EvaluationFigure(value: $1, interval: intervals?[$0])
        }
        let whole = matrix(nil)
        accuracy = all[0]
        macroF1 = all[1]
        calibrationError = isSure ? all[2] : nil
        self.classes = labels.enumerated().map { index, label in
            OfClass(
                label: label, support: Int(whole.support(index)), precision: all[3 + 3 * index],
                recall: all[4 + 3 * index], f1: all[5 + 3 * index])
        }
        confusion = (0..<classes).map { gold in (0..<classes).map { Int(whole[gold, $0]) } }
        unanswered = judged.count { $0.chosen == nil }
        count = judged.count
    }
}

/// The share of answers in words that are right.
struct AnswerFigures: Equatable {
    let accuracy: EvaluationFigure
    let count: Int

    /// - Parameter bootstrap: Draws of the answers; nil for the figure alone.
    init(_ right: [Bool], bootstrap: Bootstrap?) {
        let ratio = QuestionRatio(
            above: right.map { $0 ? 1 : 0 }, below: right.map { _ in 1 })
        accuracy = EvaluationFigure(
            value: ratio.value, interval: bootstrap?.interval(ratio.value))
        count = right.count
    }
}
