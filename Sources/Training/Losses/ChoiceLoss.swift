// The loss of one multiple-choice item: a divergence from the teacher's distribution over the choices,
// mixed with the cross-entropy of the right choice.
//
//     loss = (1 - alpha) T^2 KL(t_T || softmax(z / T)) + alpha H(y, softmax(z))
//     gradient by z = (1 - alpha) T (softmax(z / T) - t_T) + alpha (softmax(z) - onehot(y))
//
// with t_T the teacher's probabilities to the power 1/T, normalised: its softmax at that temperature. In
// double precision: a step has a few hundred choices.
//
// Reference: Hinton et al. 2015, arXiv 1503.02531; arXiv 2412.09807 for its use on choices.

import Foundation

/// What a multiple-choice student learns from an item.
public struct ChoiceLoss: Sendable, Equatable {
    /// T: what the scores of both sides are divided by within the divergence.
    public var temperature: Double
    /// The share of the cross-entropy of the right choice; the divergence has the rest.
    ///
    /// An item whose right choice isn't known has the divergence alone.
    public var alpha: Double

    /// A loss.
    ///
    /// - Parameters:
    ///   - temperature: Above 0.
    ///   - alpha: From 0 to 1.
    public init(temperature: Double = 1, alpha: Double = 0) {
        precondition(
            temperature > 0 && temperature.isFinite && (0...1).contains(alpha),
            "temperature \(temperature), alpha \(alpha)")
        self.temperature = temperature
        self.alpha = alpha
    }

    /// The loss of one item and its gradient by the student's scores.
    func of(
        _ scores: [Double], target: [Double], label: Int?
    ) -> (loss: Double, gradient: [Double]) {
        let hard = label == nil ? 0 : alpha
        var loss = 0.0
        var gradient = [Double](repeating: 0, count: scores.count)
        if hard < 1 {
            let soft = (1 - hard) * temperature
            let student = Self.logSoftmax(scores.map { $0 / temperature })
            for (index, wanted) in flattened(target).enumerated() {
                if wanted > 0 {
                    loss += soft * temperature * wanted * (log(wanted) - student[index])
                }
                gradient[index] += soft * (exp(student[index]) - wanted)
            }
        }
        if let label, hard > 0 {
            let student = Self.logSoftmax(scores)
            loss -= hard * student[label]
            for index in scores.indices {
                gradient[index] += hard * (exp(student[index]) - (index == label ? 1 : 0))
            }
        }
        return (loss, gradient)
    }

    /// Probabilities at the temperature.
    private func flattened(_ probabilities: [Double]) -> [Double] {
        let powers = probabilities.map { pow($0, 1 / temperature) }
        let sum = powers.reduce(0, +)
        precondition(sum > 0, "probabilities \(probabilities)")
        return powers.map { $0 / sum }
    }

    private static func logSoftmax(_ scores: [Double]) -> [Double] {
        let largest = scores.max() ?? 0
        let sum = scores.reduce(0) { $0 + exp($1 - largest) }
        return scores.map { $0 - largest - log(sum) }
    }
}
