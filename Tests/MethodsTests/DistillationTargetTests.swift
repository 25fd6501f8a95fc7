// What the student learns of an answer, and the count of the teacher's errors on what was kept.

import Foundation
import Testing

@testable import Methods
@testable import Training

@Suite struct DistillationTargetTests {
    static func hard(_ teacher: [Double]) -> [Float] {
        DistillationTarget.of(teacher, Recipe.MethodOptions())
    }

    @Test func hard() {
        #expect(Self.hard([0.2, 0.5, 0.3]) == [0, 1, 0])
        #expect(Self.hard([1, 0]) == [1, 0])
    }

    @Test(arguments: [1.0, 2, 0.5])
    func soft(temperature: Double) {
        var options = Recipe.MethodOptions()
        options.target = .soft
        options.temperature = temperature
        let teacher = [0.1, 0.0, 0.6, 0.3]
        let target = DistillationTarget.of(teacher, options)
        // The softmax of logarithms divided by the temperature.
        let powers = teacher.map { $0 > 0 ? exp(log($0) / temperature) : 0 }
        let sum = powers.reduce(0, +)
        for (ours, theirs) in zip(target, powers) {
            #expect(abs(Double(ours) - theirs / sum) < 1e-7)
        }
        #expect(abs(target.reduce(0, +) - 1) < 1e-6)
        if temperature == 1 { #expect(target == teacher.map { Float($0) }) }
    }

    @Test func teacherErrors() {
        var options = SelectionOptions(rule: .confidence, ratio: 0.5)
        options.weighted = false
        var selector = LLKDSelector(
            options: options, seed: 0,
            teacher: [[0.9, 0.1], [0.8, 0.2], [0.4, 0.6], [0.45, 0.55]], gold: [0, 1, 1, nil],
            classes: 2)
        #expect(selector.state.tally.keptError == nil && selector.state.tally.droppedError == nil)
        let selection = selector.select(
            GlobalBatch(step: 0, samples: [3, 2, 1, 0], firstVisit: 0, uncertainty: nil))
        #expect(selection.kept == [2, 3])
        // Kept: samples 1 (wrong) and 0 (right). Dropped with gold: sample 2 (right).
        #expect(selector.state.tally.keptError == 0.5)
        #expect(selector.state.tally.droppedError == 0)
    }
}
