// LLKD's sample selection. Reference: Learning with Less, arXiv 2411.08028, section 3.
//
// At each step, of the global batch, keep the samples on which the teacher is confident and the
// student uncertain, and weight them by both. With teacher probabilities q_i, pseudo-class
// c_i = argmax q_i, and student entropy u_i (natural logarithm, divided by log K):
//
//     tau_T <- m tau_T + (1-m) mean_i max q_i     p_T[c] <- m p_T[c] + (1-m) mean_i q_i[c]
//     tau_S <- m tau_S + (1-m) mean_i u_i         p_S[c] <- average of u_i over pseudo-class c
//     keep i  iff  max q_i >= tau_T a_T[c_i]  and  u_i >= tau_S a_S[c_i]
//     w_i = max q_i u_i, scaled to mean 1 over what is kept
//
// where a[c] = p[c] / max p adapts a threshold to the class, or is 1. The paper says that both
// thresholds move with the state of training and are adapted to the class; its exact formulas could
// not be found, so the shape is FreeMatch's (arXiv 2205.07246), bias-corrected, and each part is an
// option. All means are over the global batch in its order: every rank computes the same selection,
// whatever the rank count.

import Foundation
import TensorCore

/// What selection sees of one sample of the global batch.
public struct SelectionInput: Sendable {
    /// The teacher's probabilities, one a class.
    public let teacher: [Double]
    /// The student's entropy divided by log K, from a pass without dropout; nil if not computed.
    public let uncertainty: Double?
    /// Number of this visit in the run: what the random rule is keyed by.
    public let visit: UInt64

    /// One sample.
    public init(teacher: [Double], uncertainty: Double?, visit: UInt64) {
        self.teacher = teacher
        self.uncertainty = uncertainty
        self.visit = visit
    }

    var pseudoClass: Int {
        teacher.mostProbable
    }
    var confidence: Double { teacher.max() ?? 0 }
}

/// What selection keeps of a batch.
public struct SelectionOutcome: Sendable {
    /// Places in the batch, ascending.
    public let kept: [Int]
    /// The weight of each kept sample; their mean is 1.
    public let weights: [Double]
    /// The confidence threshold in force, before class adaptation; nil for rules without one.
    public let confidenceThreshold: Double?
    /// The uncertainty threshold in force, before class adaptation; nil for rules without one.
    public let uncertaintyThreshold: Double?
}

/// The moving state of selection: pure arithmetic, the same on every rank.
public struct LLKDSelection: Sendable, Codable {
    private var confidence = MovingAverage()
    private var uncertainty = MovingAverage()
    private var classShare: [MovingAverage]
    private var classUncertainty: [MovingAverage]
    /// Natural logarithm of the factor on both thresholds that steers towards the target ratio.
    private var steering = 0.0
    private var steps = 0

    /// How fast the steering factor answers to a ratio that is off target.
    private static let steeringGain = 0.05
    /// The stream of random numbers that the random rule draws from.
    private static let drawStream: UInt64 = 0x73656c656374

    /// The state before the first step, for K classes; 0 where samples have no classes in common, as choices
    /// and texts have none: then no threshold is adapted.
    public init(classes: Int) {
        classShare = Array(repeating: MovingAverage(), count: classes)
        classUncertainty = Array(repeating: MovingAverage(), count: classes)
    }

    /// True when the next batch's student entropies are needed.
    public func needsUncertainty(_ options: SelectionOptions) -> Bool {
        options.rule.needsUncertainty
    }

    /// Updates the moving averages with a global batch and selects from it.
    ///
    /// - Parameters:
    ///   - batch: The samples, in the batch's order.
    ///   - options: The rule and its options.
    ///   - seed: The run's seed, for the random rule.
    public mutating func select(
        _ batch: [SelectionInput], _ options: SelectionOptions, seed: UInt64
    ) -> SelectionOutcome {
        update(batch, momentum: options.momentum)
        let isWarmup = steps < options.warmupSteps
        steps += 1
        let kept = keptPlaces(batch, options, seed: seed, isWarmup: isWarmup)
        steer(kept: kept.count, of: batch.count, options, isWarmup: isWarmup)
        let gatesConfidence = options.rule == .llkd || options.rule == .confidence
        return SelectionOutcome(
            kept: kept,
            weights: weights(of: kept.map { batch[$0] }, options, isWarmup: isWarmup),
            confidenceThreshold: gatesConfidence ? confidence.value : nil,
            uncertaintyThreshold: options.rule.needsUncertainty ? uncertainty.value : nil)
    }

    private mutating func update(_ batch: [SelectionInput], momentum: Double) {
        confidence.add(batch.map(\.confidence), momentum)
        for label in classShare.indices {
            classShare[label].add(batch.map { $0.teacher[label] }, momentum)
            classUncertainty[label].add(
                batch.filter { $0.pseudoClass == label }.compactMap(\.uncertainty), momentum)
        }
        uncertainty.add(batch.compactMap(\.uncertainty), momentum)
    }

    private func keptPlaces(
        _ batch: [SelectionInput], _ options: SelectionOptions, seed: UInt64, isWarmup: Bool
    ) -> [Int] {
        switch options.rule {
        case .all:
            return Array(batch.indices)
        case .random:
            let generator = Philox4x32(seed: seed)
            return batch.indices.filter {
                generator.uniform(batch[$0].visit, stream: Self.drawStream)
                    < options.randomRatio
            }
        case .confidence, .uncertainty:
            let scores = batch.map {
                options.rule == .confidence ? $0.confidence : ($0.uncertainty ?? 0)
            }
            if let ratio = options.ratio { return highest(scores, share: ratio) }
            return batch.indices.filter {
                options.rule == .confidence
                    ? isConfident(batch[$0], options) : isUncertain(batch[$0], options)
            }
        case .llkd:
            return batch.indices.filter {
                isConfident(batch[$0], options)
                    && (isWarmup || isUncertain(batch[$0], options))
            }
        }
    }

    private func isConfident(_ sample: SelectionInput, _ options: SelectionOptions) -> Bool {
        let adaptation =
            options.adaptConfidence ? adaptation(classShare, sample.pseudoClass) : 1
        return sample.confidence >= confidence.value * adaptation * exp(steering)
    }

    private func isUncertain(_ sample: SelectionInput, _ options: SelectionOptions) -> Bool {
        let adaptation =
            options.adaptUncertainty ? adaptation(classUncertainty, sample.pseudoClass) : 1
        return (sample.uncertainty ?? 0) >= uncertainty.value * adaptation * exp(steering)
    }

    private func adaptation(_ averages: [MovingAverage], _ label: Int) -> Double {
        let largest = averages.map(\.value).max() ?? 0
        return largest > 0 ? averages[label].value / largest : 1
    }

    /// The places of the highest scores, ascending; ties go to the earlier place.
    private func highest(_ scores: [Double], share: Double) -> [Int] {
        let count = Int((share * Double(scores.count)).rounded())
        let ranked = scores.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
        return ranked.prefix(count).sorted()
    }

    private mutating func steer(
        kept: Int, of count: Int, _ options: SelectionOptions, isWarmup: Bool
    ) {
        guard let target = options.targetRatio, !isWarmup, count > 0 else { return }
        steering += Self.steeringGain * (Double(kept) / Double(count) - target)
    }

    private func weights(
        of kept: [SelectionInput], _ options: SelectionOptions, isWarmup: Bool
    ) -> [Double] {
        let flat = [Double](repeating: 1, count: kept.count)
        guard options.weighted, options.rule == .llkd, !isWarmup else { return flat }
        let scores = kept.map { $0.confidence * ($0.uncertainty ?? 0) }
        let sum = scores.reduce(0, +)
        guard sum > 0 else { return flat }
        return scores.map { $0 * Double(kept.count) / sum }
    }
}

/// An exponential moving average of batch means, corrected for its start at zero.
struct MovingAverage: Sendable, Codable {
    private var sum = 0.0
    private var weight = 0.0

    /// The average so far; 0 before the first value.
    var value: Double { weight > 0 ? sum / weight : 0 }

    /// Takes a batch's mean in; an empty batch changes nothing.
    mutating func add(_ values: [Double], _ momentum: Double) {
        guard !values.isEmpty else { return }
        let mean = values.reduce(0, +) / Double(values.count)
        sum = momentum * sum + (1 - momentum) * mean
        weight = momentum * weight + (1 - momentum)
    }
}
