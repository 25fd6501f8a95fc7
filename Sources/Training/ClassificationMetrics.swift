// Quality of predicted classes against gold classes: integer counts first, ratios of them last, so
// that the counts can be summed over ranks in any order.
// Reference for macro F1: scikit-learn's `f1_score(average="macro", zero_division=0)`.

/// Counts of gold class against predicted class.
public struct ConfusionMatrix: Sendable, Equatable {
    /// K, the count of classes.
    public let classes: Int
    /// `counts[gold * classes + predicted]`.
    public private(set) var counts: [Int64]

    /// No samples yet.
    public init(classes: Int) {
        self.classes = classes
        counts = [Int64](repeating: 0, count: classes * classes)
    }

    /// Counts that were summed elsewhere.
    public init(classes: Int, counts: [Int64]) {
        precondition(counts.count == classes * classes, "\(counts.count) counts")
        self.classes = classes
        self.counts = counts
    }

    /// Counts one sample, or so many of its kind.
    public mutating func add(gold: Int, predicted: Int, times: Int64 = 1) {
        counts[gold * classes + predicted] += times
    }

    /// The count of samples of class `gold` that were predicted as `predicted`.
    public subscript(gold: Int, predicted: Int) -> Int64 { counts[gold * classes + predicted] }

    /// The count of samples.
    public var total: Int64 { counts.reduce(0, +) }
    /// The count of samples predicted right.
    public var correct: Int64 { (0..<classes).reduce(0) { $0 + self[$1, $1] } }
    /// The share predicted right; 0 without samples.
    public var accuracy: Double { total > 0 ? Double(correct) / Double(total) : 0 }

    /// The samples of a gold class.
    public func support(_ label: Int) -> Int64 {
        (0..<classes).reduce(0) { $0 + self[label, $1] }
    }

    /// Right ones among those predicted as a class; 0 if none is.
    public func precision(_ label: Int) -> Double {
        let predicted = (0..<classes).reduce(0) { $0 + self[$1, label] }
        return predicted > 0 ? Double(self[label, label]) / Double(predicted) : 0
    }

    /// Right ones among those of a gold class; 0 if none is.
    public func recall(_ label: Int) -> Double {
        let support = support(label)
        return support > 0 ? Double(self[label, label]) / Double(support) : 0
    }

    /// The harmonic mean of precision and recall.
    public func f1(_ label: Int) -> Double {
        let sum = precision(label) + recall(label)
        return sum > 0 ? 2 * precision(label) * recall(label) / sum : 0
    }

    /// The mean F1 over the classes that occur, in gold or in predictions.
    public var macroF1: Double { macroF1(of: 0..<classes) }

    /// The mean F1 over those of some classes that occur, in gold or in predictions.
    public func macroF1(of labels: Range<Int>) -> Double {
        let occurring = labels.filter { label in
            (0..<classes).contains { self[label, $0] > 0 || self[$0, label] > 0 }
        }
        guard !occurring.isEmpty else { return 0 }
        return occurring.reduce(0) { $0 + f1($1) } / Double(occurring.count)
    }
}

/// Expected calibration error: how far confidence is from accuracy, over bins of confidence.
///
/// Reference: Guo et al. 2017 (arXiv 1706.04599), equal-width bins.
public struct CalibrationBins: Sendable, Equatable {
    /// Samples, right ones and the sum of confidences of each bin.
    public struct Bin: Sendable, Equatable {
        /// The count of samples.
        public var count = 0
        /// How many were right.
        public var correct = 0
        /// The sum of their confidences.
        public var confidence = 0.0
    }

    /// The bins, from confidence 0 to 1.
    public private(set) var bins: [Bin]

    /// Empty bins.
    public init(count: Int = 10) {
        bins = Array(repeating: Bin(), count: count)
    }

    /// Counts one sample, or so many of its kind.
    public mutating func add(confidence: Double, isCorrect: Bool, times: Int = 1) {
        let index = min(bins.count - 1, max(0, Int(confidence * Double(bins.count))))
        bins[index].count += times
        bins[index].correct += isCorrect ? times : 0
        bins[index].confidence += Double(times) * confidence
    }

    /// The mean distance of confidence from accuracy, weighted by samples; 0 without samples.
    public var expectedCalibrationError: Double {
        let total = bins.reduce(0) { $0 + $1.count }
        guard total > 0 else { return 0 }
        return bins.reduce(0.0) {
            $0 + abs(Double($1.correct) - $1.confidence) / Double(total)
        }
    }
}
