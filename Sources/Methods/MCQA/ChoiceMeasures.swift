// How well probabilities of choices answer items, and how far their confidence can be believed.
//
//     ECE = sum_b n_b / n |accuracy_b - mean confidence_b|,  10 bins of equal width
//     NLL = -1/n sum_i log p_i(gold), p at least 1e-12
//
// Sums in the items' order; a subject's figures are those of its items alone.

import Foundation
import Training

/// One answer to a test item.
struct ChoiceAnswer: Codable, Equatable {
    let id: String
    let subject: String
    /// The right choice.
    let answer: Int
    /// Of the choices.
    let probabilities: [Double]

    init(_ item: ChoiceItem, _ probabilities: [Double]) {
        id = item.id
        subject = item.subject
        answer = item.answer
        self.probabilities = probabilities
    }
}

/// The figures of some answers.
struct ChoiceMeasures {
    private(set) var count = 0
    private(set) var right = 0
    private var bins = CalibrationBins()
    private var confidences = 0.0
    private var losses = 0.0

    init(_ answers: some Sequence<ChoiceAnswer>) {
        for answer in answers {
            let choice = answer.probabilities.mostProbable
            let isRight = choice == answer.answer
            count += 1
            right += isRight ? 1 : 0
            confidences += answer.probabilities[choice]
            losses -= log(max(1e-12, answer.probabilities[answer.answer]))
            bins.add(confidence: answer.probabilities[choice], isCorrect: isRight)
        }
    }

    /// The share of right answers.
    var accuracy: Double { mean(Double(right)) }
    /// The mean probability of the best choice.
    var confidence: Double { mean(confidences) }
    /// The mean negative log-probability of the right choice.
    var loss: Double { mean(losses) }
    /// The expected calibration error.
    var calibrationError: Double { bins.expectedCalibrationError }
    /// The reliability table, by rising confidence.
    var reliability: [CalibrationBins.Bin] { bins.bins }

    private func mean(_ sum: Double) -> Double { count > 0 ? sum / Double(count) : 0 }
}
