// LLKD, Learning with Less: Knowledge Distillation from Large Language Models via Unlabeled Data
// (arXiv 2411.08028). Text classification with K classes.
//
// Known from the paper:
//   1. The teacher labels the whole pool first; "less" means fewer samples *trained on*.
//   2. At each step the batch keeps the samples that are teacher-confident and student-uncertain,
//      by two dynamic thresholds adapted to the class.          (LLKDSelection.swift)
//   3. What is kept is weighted by confidence and uncertainty.
//   4. The student is trained on the teacher's pseudo-labels of what is kept.
// Our choices where the paper's detail could not be found: the thresholds' formulas (moving averages
// of the global batch), the warm-up on confidence alone, and soft targets as an option.
//
// The baselines `all`, `random`, `confidence` and `uncertainty` are the same run with another rule.

import Corpus
import Foundation
import Training

/// The selector of an LLKD run: the teacher's view of the pool, and the moving thresholds.
struct LLKDSelector: BatchSelector {
    /// What is carried from step to step.
    struct State: Codable {
        var selection: LLKDSelection
        var tally: SelectionTally
    }

    var state: State
    private let options: SelectionOptions
    private let seed: UInt64
    /// The teacher's class probabilities of each sample of the pool.
    private let teacher: [[Double]]
    /// The gold class of each sample, where it is known: for measuring alone.
    private let gold: [Int?]

    init(
        options: SelectionOptions, seed: UInt64, teacher: [[Double]], gold: [Int?], classes: Int
    ) {
        self.options = options
        self.seed = seed
        self.teacher = teacher
        self.gold = gold
        state = State(selection: LLKDSelection(classes: classes), tally: SelectionTally())
    }

    var needsUncertainty: Bool { state.selection.needsUncertainty(options) }

    mutating func select(_ batch: GlobalBatch) -> BatchSelection {
        let inputs = batch.samples.enumerated().map { place, sample in
            SelectionInput(
                teacher: teacher[sample], uncertainty: batch.uncertainty?[place],
                visit: batch.firstVisit + UInt64(place))
        }
        let outcome = state.selection.select(inputs, options, seed: seed)
        let kept = Set(outcome.kept)
        for (place, sample) in batch.samples.enumerated() {
            guard let gold = gold[sample] else { continue }
            state.tally.add(
                isKept: kept.contains(place), isTeacherRight: inputs[place].pseudoClass == gold)
        }
        var metrics: [(name: String, value: Double)] = []
        if let threshold = outcome.confidenceThreshold {
            metrics.append(("confidence_threshold", threshold))
        }
        if let threshold = outcome.uncertaintyThreshold {
            metrics.append(("uncertainty_threshold", threshold))
        }
        return BatchSelection(kept: outcome.kept, weights: outcome.weights, metrics: metrics)
    }
}

/// How often the teacher was right on what was kept and on what was dropped, by visits.
public struct SelectionTally: Sendable, Codable, Equatable {
    /// Visits kept.
    public private(set) var kept = 0
    /// Visits kept on which the teacher was right.
    public private(set) var keptRight = 0
    /// Visits dropped.
    public private(set) var dropped = 0
    /// Visits dropped on which the teacher was right.
    public private(set) var droppedRight = 0

    mutating func add(isKept: Bool, isTeacherRight: Bool) {
        if isKept {
            kept += 1
            keptRight += isTeacherRight ? 1 : 0
        } else {
            dropped += 1
            droppedRight += isTeacherRight ? 1 : 0
        }
    }

    /// The teacher's error on what was kept; nil without gold labels.
    public var keptError: Double? { Self.error(keptRight, kept) }
    /// The teacher's error on what was dropped; nil without gold labels or when all was kept.
    public var droppedError: Double? { Self.error(droppedRight, dropped) }

    private static func error(_ right: Int, _ count: Int) -> Double? {
        count > 0 ? 1 - Double(right) / Double(count) : nil
    }
}

/// What the student learns of a teacher's answer.
enum DistillationTarget {
    /// The wanted class probabilities: one-hot, or all of them flattened by the temperature.
    static func of(_ teacher: [Double], _ options: Recipe.MethodOptions) -> [Float] {
        switch options.target {
        case .hard:
            let best = teacher.mostProbable
            return teacher.indices.map { $0 == best ? 1 : 0 }
        case .soft:
            let powers = teacher.map { pow($0, 1 / options.temperature) }
            let sum = powers.reduce(0, +)
            return powers.map { Float($0 / sum) }
        }
    }
}
