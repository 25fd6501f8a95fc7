// LLKD's selection once more, transcribed from the method's page: averages are worked out anew from all
// batches so far, not carried along.
//
//     tau_T, p_T[c], tau_S, p_S[c]: averages over batches with weights (1-m) m^age, divided by their sum
//     keep i  iff  max q_i >= tau_T p_T[c_i]/max p_T   and   u_i >= tau_S p_S[c_i]/max p_S
//     w_i = max q_i u_i, scaled to mean 1 over what is kept

import Foundation
import Methods
import TestSupport

struct PlainSelection {
    let options: SelectionOptions
    let classes: Int
    private var batches: [[SelectionInput]] = []
    private var keptShares: [Double] = []

    init(_ options: SelectionOptions, classes: Int) {
        self.options = options
        self.classes = classes
    }

    struct Answer {
        var kept: [Int]
        var weights: [Double]
        var confidenceThreshold: Double
        var uncertaintyThreshold: Double
    }

    /// The weighted mean over the batches in which the quantity occurs, the last one weighing most.
    private func average(_ quantity: ([SelectionInput]) -> [Double]) -> Double {
        let means = batches.map(quantity).filter { !$0.isEmpty }.map {
            $0.reduce(0, +) / Double($0.count)
        }
        let weights = means.indices.map {
            (1 - options.momentum) * pow(options.momentum, Double(means.count - 1 - $0))
        }
        let sum = weights.reduce(0, +)
        return sum > 0 ? zip(means, weights).reduce(0) { $0 + $1.0 * $1.1 } / sum : 0
    }

    private func pseudoClass(_ sample: SelectionInput) -> Int {
        sample.teacher.firstIndex(of: sample.teacher.max() ?? 0) ?? 0
    }

    private func confidence(_ sample: SelectionInput) -> Double { sample.teacher.max() ?? 0 }

    mutating func select(_ batch: [SelectionInput]) -> Answer {
        batches.append(batch)
        let tauT = average { $0.map(confidence) }
        let tauS = average { $0.compactMap(\.uncertainty) }
        let shares = (0..<classes).map { label in average { $0.map { $0.teacher[label] } } }
        let doubts = (0..<classes).map { label in
            average { $0.filter { pseudoClass($0) == label }.compactMap(\.uncertainty) }
        }
        // Each batch after the warm-up that kept too many has raised both thresholds.
        let steering = options.targetRatio.map { target in
            exp(keptShares.reduce(0) { $0 + 0.05 * ($1 - target) })
        }
        let isWarmup = batches.count <= options.warmupSteps
        let kept = batch.indices.filter { place in
            let sample = batch[place]
            let label = pseudoClass(sample)
            let gateT =
                tauT * (steering ?? 1)
                * (options.adaptConfidence ? shares[label] / (shares.max() ?? 1) : 1)
            let gateS =
                tauS * (steering ?? 1)
                * (options.adaptUncertainty ? doubts[label] / (doubts.max() ?? 1) : 1)
            let isConfident = confidence(sample) >= gateT
            let isUncertain = (sample.uncertainty ?? 0) >= gateS
            switch options.rule {
            case .all: return true
            case .confidence: return isConfident
            case .uncertainty: return isUncertain
            case .llkd: return isConfident && (isWarmup || isUncertain)
            case .random: return false
            }
        }
        if !isWarmup && !batch.isEmpty {
            keptShares.append(Double(kept.count) / Double(batch.count))
        }
        let scores = kept.map { confidence(batch[$0]) * (batch[$0].uncertainty ?? 0) }
        let mean = scores.reduce(0, +) / Double(scores.count)
        let isWeighted = options.weighted && options.rule == .llkd && !isWarmup && mean > 0
        return Answer(
            kept: kept, weights: isWeighted ? scores.map { $0 / mean } : kept.map { _ in 1 },
            confidenceThreshold: tauT, uncertaintyThreshold: tauS)
    }

    /// Batches like those of a run: a teacher sure of some classes, a student that learns others.
    static func batches(_ count: Int, size: Int, classes: Int, seed: UInt64) -> [[SelectionInput]] {
        var numbers = SampleNumbers(seed: seed)
        var visit: UInt64 = 0
        return (0..<count).map { step in
            (0..<size).map { _ in
                let powers = (0..<classes).map { exp(2 * numbers.signed() + ($0 == 0 ? 1 : 0)) }
                let sum = powers.reduce(0, +)
                let doubt = abs(numbers.signed()) * (1 - 0.5 * Double(step) / Double(count))
                visit += 1
                return SelectionInput(
                    teacher: powers.map { $0 / sum }, uncertainty: doubt, visit: visit)
            }
        }
    }
}
