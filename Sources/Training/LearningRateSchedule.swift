// Learning-rate schedules. Reference: transformers, optimization.py (`get_*_schedule_with_warmup`).

import Foundation

/// How the learning rate moves over a run: a linear warm-up, then a shape.
public struct LearningRateSchedule: Sendable, Equatable {
    /// What comes after the warm-up.
    public enum Shape: String, Sendable, CaseIterable {
        /// The peak, to the end.
        case constant
        /// A straight line to 0 at the last step.
        case linear
        /// Half a cosine wave to 0 at the last step.
        case cosine
    }

    /// The shape after the warm-up.
    public let shape: Shape
    /// The highest rate.
    public let peak: Double
    /// Steps of the warm-up, from 0 to the peak.
    public let warmupSteps: Int
    /// Steps of the whole run.
    public let totalSteps: Int

    /// A schedule.
    public init(shape: Shape, peak: Double, warmupSteps: Int, totalSteps: Int) {
        self.shape = shape
        self.peak = peak
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The rate of a step, counted from 0.
    public func rate(at step: Int) -> Double {
        if step < warmupSteps {
            return peak * Double(step) / Double(max(1, warmupSteps))
        }
        let remaining = Double(max(1, totalSteps - warmupSteps))
        let progress = Double(step - warmupSteps) / remaining
        switch shape {
        case .constant: return peak
        case .linear: return peak * max(0, 1 - progress)
        case .cosine: return peak * max(0, 0.5 * (1 + cos(.pi * progress)))
        }
    }
}
