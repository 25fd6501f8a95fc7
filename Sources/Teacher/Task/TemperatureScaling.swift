// One number that makes confidences honest on average: probabilities are softened or sharpened,
//
//     q_c  proportional to  p_c^(1/T),
//
// with the T that minimises the mean negative log-likelihood of the gold labels. It changes no label.
// Guo et al., On calibration of modern neural networks (2017), with log p as the logits.

public import Corpus
import Glibc

/// A temperature fitted on gold labels.
public struct TemperatureScaling: Sendable, Equatable {
    /// Above 1 softens, below 1 sharpens.
    public let temperature: Double
    /// The mean negative log-likelihood before, in nats.
    public let lossBefore: Double
    /// The same after, in nats.
    public let lossAfter: Double
    /// How many answers it was fitted on.
    public let count: Int
    /// How many had no probabilities and were left out.
    public let unknown: Int
    /// Whether the best temperature lies beyond the range (0.05 to 20): the gold file is too small, or
    /// the confidences say nothing.
    public let isAtBound: Bool

    /// A probability smaller than this has it as its logit's: none is so sure as 0 says.
    static let leastProbability = 1e-6
    private static let range = 0.05...20.0

    /// Fits the temperature.
    ///
    /// - Parameters:
    ///   - gold: Answers with the labels that are right.
    ///   - labels: The classes.
    /// - Throws: `TeacherError` with `badAnswer` where a label isn't in the set, and where no answer
    ///   has probabilities.
    public init(
        fittedOn gold: [(answer: LabelRecord, gold: String)], labels: LabelSet
    ) throws(TeacherError) {
        let known = try GoldAnswer.known(gold, labels)
        guard !known.isEmpty else {
            throw TeacherError(
                .badAnswer,
                "none of \(gold.count) answers on gold records has probabilities; there is nothing "
                    + "to fit a temperature on")
        }
        let logits = known.map { Self.logits($0.probabilities) }
        // The loss is convex in 1/T, so it has one valley along log T, which golden section finds.
        func loss(_ logTemperature: Double) -> Double {
            let inverse = exp(-logTemperature)
            var sum = 0.0
            for (answer, values) in zip(known, logits) {
                sum += Self.logSum(values, inverse) - values[answer.gold] * inverse
            }
            return sum / Double(known.count)
        }
        let low = log(Self.range.lowerBound)
        let high = log(Self.range.upperBound)
        var best = Self.minimum(of: loss, from: low, to: high)
        // Where nothing is gained, nothing is changed.
        if loss(best) >= loss(0) { best = 0 }
        temperature = exp(best)
        lossBefore = loss(0)
        lossAfter = loss(best)
        count = known.count
        unknown = gold.count - known.count
        isAtBound = best - low < 1e-3 || high - best < 1e-3
    }

    /// The answer with scaled probabilities; one without any stays as it is.
    ///
    /// A class that the answer doesn't name stays without.
    public func applied(to answer: LabelRecord) -> LabelRecord {
        guard let given = answer.labelProbabilities, !given.isEmpty else { return answer }
        // In one order, so that the sum has the same bits everywhere.
        let ordered = given.sorted { JSONText.precedes($0.key, $1.key) }
        let logits = Self.logits(ordered.map(\.value))
        let inverse = 1 / temperature
        let sum = Self.logSum(logits, inverse)
        var scaled = answer
        scaled.labelProbabilities = Dictionary(
            uniqueKeysWithValues: zip(ordered, logits).map { ($0.key, exp($1 * inverse - sum)) })
        return scaled
    }

    private static func logits(_ probabilities: [Double]) -> [Double] {
        probabilities.map { log(max($0, leastProbability)) }
    }

    /// log sum exp(x / T), by the largest first, so that nothing overflows.
    private static func logSum(_ logits: [Double], _ inverse: Double) -> Double {
        let largest = (logits.max() ?? 0) * inverse
        return largest + log(logits.reduce(0) { $0 + exp($1 * inverse - largest) })
    }

    /// The place of the only valley, to 1e-9.
    private static func minimum(
        of function: (Double) -> Double, from start: Double, to end: Double
    ) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var low = start
        var high = end
        var left = high - ratio * (high - low)
        var right = low + ratio * (high - low)
        var atLeft = function(left)
        var atRight = function(right)
        while high - low > 1e-9 {
            if atLeft <= atRight {
                (high, right, atRight) = (right, left, atLeft)
                left = high - ratio * (high - low)
                atLeft = function(left)
            } else {
                (low, left, atLeft) = (left, right, atRight)
                right = low + ratio * (high - low)
                atRight = function(right)
            }
        }
        return (low + high) / 2
    }
}
