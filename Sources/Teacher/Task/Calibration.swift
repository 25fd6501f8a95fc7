// How far stated confidences can be believed, measured on records whose right label is known.
//
//     ECE   = sum_b n_b / n |accuracy_b - mean confidence_b|,  15 bins of equal width over (0, 1]
//     Brier = 1/n sum_i sum_c (p_ic - [c = gold_i])^2
//
// Confidence is that of the most probable label. Naeini et al., Obtaining well calibrated probabilities
// using Bayesian binning (2015); Guo et al., On calibration of modern neural networks (2017). Answers
// without probabilities have no confidence: they are counted, and in no mean.

public import Corpus

/// The calibration of answers on gold labels.
public struct Calibration: Sendable, Equatable {
    /// One row of the reliability table.
    public struct Bin: Sendable, Equatable {
        /// Confidences above this...
        public let lowerBound: Double
        /// ...and up to this fall in it (the first bin holds 0 too).
        public let upperBound: Double
        /// How many answers fall in it.
        public var count = 0
        /// Their mean confidence; 0 where there are none.
        public var meanConfidence = 0.0
        /// The share of them that is right; 0 where there are none.
        public var accuracy = 0.0
    }

    /// The reliability table, by rising confidence.
    public let bins: [Bin]
    /// Answers with probabilities: those that the means are over.
    public let count: Int
    /// Answers without.
    public let unknown: Int
    /// The share of right answers among those with probabilities; nil where there are none.
    public let accuracy: Double?
    /// Their mean confidence; nil where there are none.
    public let meanConfidence: Double?
    /// The expected calibration error, 0 to 1; nil where there are none.
    public let expectedError: Double?
    /// The Brier score over all classes, 0 to 2; nil where there are none.
    public let brierScore: Double?

    /// How many bins there are.
    public static let binCount = 15

    /// Measures answers against gold labels, `(answer, gold label)` each.
    ///
    /// - Throws: `TeacherError` with `badAnswer` where a label isn't in the set.
    public init(
        _ answers: [(answer: LabelRecord, gold: String)], labels: LabelSet
    ) throws(TeacherError) {
        let known = try GoldAnswer.known(answers, labels)
        var bins = (0..<Self.binCount).map {
            Bin(
                lowerBound: Double($0) / Double(Self.binCount),
                upperBound: Double($0 + 1) / Double(Self.binCount))
        }
        var right = 0
        var confidences = 0.0
        var brier = 0.0
        var rightOfBin = [Int](repeating: 0, count: Self.binCount)
        for answer in known {
            let top = answer.top
            let confidence = answer.probabilities[top]
            let isRight = top == answer.gold
            // The bin (b/15, (b+1)/15]; a bound's own rounding decides as the table prints it.
            let bin = bins.firstIndex { confidence <= $0.upperBound } ?? Self.binCount - 1
            bins[bin].count += 1
            bins[bin].meanConfidence += confidence
            rightOfBin[bin] += isRight ? 1 : 0
            right += isRight ? 1 : 0
            confidences += confidence
            for (label, value) in answer.probabilities.enumerated() {
                let distance = value - (label == answer.gold ? 1 : 0)
                brier += distance * distance
            }
        }
        var error = 0.0
        for index in bins.indices where bins[index].count > 0 {
            let size = Double(bins[index].count)
            bins[index].meanConfidence /= size
            bins[index].accuracy = Double(rightOfBin[index]) / size
            error += size * abs(bins[index].accuracy - bins[index].meanConfidence)
        }
        self.bins = bins
        count = known.count
        unknown = answers.count - known.count
        let total = Double(known.count)
        accuracy = known.isEmpty ? nil : Double(right) / total
        meanConfidence = known.isEmpty ? nil : confidences / total
        expectedError = known.isEmpty ? nil : error / total
        brierScore = known.isEmpty ? nil : brier / total
    }
}

/// An answer with probabilities, and the class that is right.
struct GoldAnswer {
    let probabilities: [Double]
    let gold: Int

    /// The most probable class; of equals the first.
    var top: Int {
        probabilities.indices.reduce(0) { probabilities[$1] > probabilities[$0] ? $1 : $0 }
    }

    /// Those of the answers that have probabilities.
    static func known(
        _ answers: [(answer: LabelRecord, gold: String)], _ labels: LabelSet
    ) throws(TeacherError) -> [GoldAnswer] {
        var known: [GoldAnswer] = []
        do throws(CorpusError) {
            for (answer, gold) in answers {
                let index = try labels.index(of: gold, at: "gold label of record '\(answer.id)'")
                guard answer.labelProbabilities != nil else { continue }
                known.append(
                    GoldAnswer(
                        probabilities: try labels.probabilities(of: answer.validated()),
                        gold: index))
            }
        } catch {
            throw TeacherError(.badAnswer, error.message)
        }
        return known
    }
}
