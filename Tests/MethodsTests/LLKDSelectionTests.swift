// LLKD's selection against the plain transcription, and its edges by hand.

import Foundation
import Methods
import Testing

@Suite struct LLKDSelectionTests {
    private func input(
        _ teacher: [Double], _ uncertainty: Double? = nil, visit: UInt64 = 0
    ) -> SelectionInput {
        SelectionInput(teacher: teacher, uncertainty: uncertainty, visit: visit)
    }

    /// All rules that gate, with each option on and off, over forty batches.
    @Test(arguments: [SelectionRule.all, .confidence, .uncertainty, .llkd])
    func againstTheFormulas(rule: SelectionRule) {
        var flags = [(Bool, Bool, Bool)]()
        for bits in 0..<8 { flags.append((bits & 1 != 0, bits & 2 != 0, bits & 4 != 0)) }
        for (adaptT, adaptS, weighted) in flags {
            for (momentum, warmup, target) in [(0.99, 0, nil), (0.9, 7, 0.2), (0, 1, nil)]
                as [(Double, Int, Double?)]
            {
                let options = SelectionOptions(
                    rule: rule, momentum: momentum, warmupSteps: warmup,
                    adaptConfidence: adaptT, adaptUncertainty: adaptS, weighted: weighted,
                    targetRatio: target)
                var plain = PlainSelection(options, classes: 4)
                var selection = LLKDSelection(classes: 4)
                let batches = PlainSelection.batches(40, size: 16, classes: 4, seed: 1)
                for (step, batch) in batches.enumerated() {
                    let ours = selection.select(batch, options, seed: 0)
                    let theirs = plain.select(batch)
                    let place = "step \(step), \(options)"
                    #expect(ours.kept == theirs.kept, "\(place)")
                    #expect(isNear(ours.weights, theirs.weights), "\(place)")
                    let gatesT = rule == .llkd || rule == .confidence
                    #expect((ours.confidenceThreshold != nil) == gatesT)
                    #expect((ours.uncertaintyThreshold != nil) == rule.needsUncertainty)
                    if let tau = ours.confidenceThreshold {
                        #expect(isNear([tau], [theirs.confidenceThreshold]), "\(place)")
                    }
                    if let tau = ours.uncertaintyThreshold {
                        #expect(isNear([tau], [theirs.uncertaintyThreshold]), "\(place)")
                    }
                    if !ours.kept.isEmpty {
                        let mean = ours.weights.reduce(0, +) / Double(ours.weights.count)
                        #expect(abs(mean - 1) < 1e-12)
                    }
                }
            }
        }
    }

    private func isNear(_ left: [Double], _ right: [Double]) -> Bool {
        left.count == right.count && zip(left, right).allSatisfy { abs($0 - $1) < 1e-12 }
    }

    /// The kept share settles near the target.
    @Test(arguments: [0.05, 0.2, 0.6], [SelectionRule.llkd, .confidence, .uncertainty])
    func targetRatio(target: Double, rule: SelectionRule) {
        let options = SelectionOptions(rule: rule, warmupSteps: 10, targetRatio: target)
        var selection = LLKDSelection(classes: 3)
        let batches = PlainSelection.batches(1200, size: 32, classes: 3, seed: 2)
        let shares = batches.map {
            Double(selection.select($0, options, seed: 0).kept.count) / 32
        }
        let late = shares[600...]
        #expect(abs(late.reduce(0, +) / Double(late.count) - target) < 0.02)
    }

    // MARK: - Baselines

    @Test func fixedRatio() {
        let batch = [0.5, 0.9, 0.7, 0.9, 0.6, 0.9, 0.8, 0.55].enumerated().map {
            input([$0.element, 1 - $0.element], 1 - $0.element, visit: UInt64($0.offset))
        }
        func kept(_ rule: SelectionRule, _ ratio: Double) -> [Int] {
            var selection = LLKDSelection(classes: 2)
            return selection.select(batch, SelectionOptions(rule: rule, ratio: ratio), seed: 0).kept
        }
        // Of three equals the earlier two win.
        #expect(kept(.confidence, 0.25) == [1, 3])
        #expect(kept(.confidence, 0.5) == [1, 3, 5, 6])
        #expect(kept(.uncertainty, 0.25) == [0, 7])
        #expect(kept(.confidence, 0) == [] && kept(.uncertainty, 1) == Array(0..<8))
    }

    /// Each visit is kept by its own number, whatever batch it comes in.
    @Test func random() {
        let batch = (0..<4000).map { input([0.5, 0.5], nil, visit: UInt64($0)) }
        func kept(_ batch: [SelectionInput], seed: UInt64, _ ratio: Double) -> [UInt64] {
            var selection = LLKDSelection(classes: 2)
            return selection.select(
                batch, SelectionOptions(rule: .random, randomRatio: ratio), seed: seed
            )
            .kept.map { batch[$0].visit }
        }
        let all = kept(batch, seed: 1, 0.3)
        // Five deviations of a binomial of 4000 at 0.3, each of 29.
        #expect(abs(all.count - 1200) < 145)
        let parts = [batch[..<1000], batch[1000...]].flatMap { kept(Array($0), seed: 1, 0.3) }
        #expect(parts == all)
        #expect(kept(batch, seed: 2, 0.3) != all)
        #expect(kept(batch, seed: 1, 0).isEmpty && kept(batch, seed: 1, 1).count == 4000)
        #expect(Set(kept(batch, seed: 1, 0.2)).isSubset(of: all))
    }

    // MARK: - Edges

    /// Equal samples meet a threshold that is their own mean.
    @Test func ties() {
        var selection = LLKDSelection(classes: 2)
        let batch = (0..<8).map { input([0.75, 0.25], 0.5, visit: UInt64($0)) }
        let outcome = selection.select(batch, SelectionOptions(warmupSteps: 0), seed: 0)
        #expect(outcome.kept == Array(0..<8) && outcome.weights == Array(repeating: 1, count: 8))
        // Of classes with equal probabilities the first is the pseudo-class.
        #expect(DistillationTargetTests.hard([0.25, 0.375, 0.375]) == [0, 1, 0])
    }

    @Test(arguments: SelectionRule.allCases)
    func emptyBatch(rule: SelectionRule) {
        let options = SelectionOptions(
            rule: rule, randomRatio: 0.5, warmupSteps: 0, targetRatio: 0.5)
        let batch = PlainSelection.batches(1, size: 9, classes: 3, seed: 3)[0]
        var selection = LLKDSelection(classes: 3)
        let empty = selection.select([], options, seed: 0)
        #expect(empty.kept.isEmpty && empty.weights.isEmpty)
        var other = LLKDSelection(classes: 3)
        #expect(
            selection.select(batch, options, seed: 0).kept
                == other.select(batch, options, seed: 0).kept)
    }

    /// A student that is sure of everything: all scores 0, weights stay 1.
    @Test func certainStudent() {
        var selection = LLKDSelection(classes: 2)
        let outcome = selection.select(
            [input([0.9, 0.1], 0), input([0.9, 0.1], 0)], SelectionOptions(warmupSteps: 0), seed: 0)
        #expect(outcome.kept == [0, 1] && outcome.weights == [1, 1])
    }

    @Test func warmupIsByConfidenceAlone() {
        let batch = [input([0.9, 0.1], 0), input([0.6, 0.4], 1)]
        let options = SelectionOptions(warmupSteps: 2, adaptUncertainty: false)
        var selection = LLKDSelection(classes: 2)
        let kept = (0..<3).map { _ in selection.select(batch, options, seed: 0) }
        #expect(kept[0].kept == [0] && kept[1].kept == [0] && kept[2].kept == [])
    }

    /// Saved and read again in mid-run, selection goes on with the same bits.
    @Test func stateRoundTrip() throws {
        let options = SelectionOptions(warmupSteps: 3, targetRatio: 0.2)
        var selection = LLKDSelection(classes: 4)
        for (step, batch) in PlainSelection.batches(30, size: 16, classes: 4, seed: 5).enumerated()
        {
            var restored = try JSONDecoder().decode(
                LLKDSelection.self, from: JSONEncoder().encode(selection))
            let ours = selection.select(batch, options, seed: 0)
            let theirs = restored.select(batch, options, seed: 0)
            #expect(ours.kept == theirs.kept && ours.weights == theirs.weights, "step \(step)")
            #expect(ours.confidenceThreshold == theirs.confidenceThreshold)
        }
    }
}
