// Divergences from full and from top-k teachers: against the reference, which is checked by differences,
// and at the edges of what scores can be.

import Foundation
import Kernels
import TensorCore
import Testing

private let kinds: [Divergence] = [
    .forward, .reverse, .jensenShannon(beta: 0.1), .jensenShannon(beta: 0.5),
    .jensenShannon(beta: 0.9),
]

@Suite struct DivergenceTests {
    /// What single precision may do to a row whose scores over the temperature are within +-`spread`: the
    /// exponentials (1e-7) and the rounding of arguments, of differences and of the result.
    private func unit(spread: Double) -> Double { 5e-7 + 8 * spread * unitRoundoff }

    private func check(
        _ actual: (losses: SoftTargetLosses, gradient: [Float]),
        _ reference: (value: Double, gradient: [Double]), scale: Double, spread: Double,
        _ name: String
    ) {
        let error = abs(actual.losses.soft - reference.value)
        #expect(error <= unit(spread: spread) * (1 + reference.value), "\(name): value")
        // Every gradient is a sum of at most three products, none above half of `spread`, with p or q; over
        // the temperature, for which the other half is enough where that is below 1.
        let tolerance = scale * unit(spread: spread) * (2 + spread)
        expectClose(
            actual.gradient, reference.gradient.map { $0 * scale },
            reference.gradient.map { _ in tolerance }, name)
    }

    /// The reference's gradients are slopes of its values.
    @Test(arguments: kinds)
    func referenceGradients(_ kind: Divergence) {
        var numbers = SampleNumbers(seed: 71)
        let scores = numbers.floats(9, scale: 3).map(Double.init)
        var teacher = numbers.floats(9, scale: 3).map(Double.init)
        teacher[4] = -.infinity
        for temperature in [1.0, 2.5] {
            for isTop in [false, true] {
                func evaluate(_ scores: [Double]) -> (value: Double, gradient: [Double]) {
                    isTop
                        ? ReferenceOperations.topDivergence(
                            kind, scores: scores, ids: [1, 3, 8],
                            logProbabilities: [log(0.5), log(0.2), log(0.1)], restMass: 0.2,
                            recordedAt: 1.5, temperature: temperature)
                        : ReferenceOperations.divergence(
                            kind, scores: scores, teacher: teacher, temperature: temperature)
                }
                let gradient = evaluate(scores).gradient
                for index in scores.indices {
                    var (more, less) = (scores, scores)
                    more[index] += 1e-5
                    less[index] -= 1e-5
                    let slope = (evaluate(more).value - evaluate(less).value) / 2e-5
                    #expect(abs(slope - gradient[index]) < 2e-9, "\(kind), \(isTop), \(index)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func fullTeacher(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 72)
        for (rows, columns) in [(0, 3), (1, 1), (2, 2), (5, 17), (33, 40), (2, 5000)] {
            for (kind, temperature) in zip(kinds, [1, 2, 0.5, 5.942, 1]) {
                withArena { arena in
                    let count = rows * columns
                    let scores = Guarded(arena, rows, columns, numbers.floats(count, scale: 6))
                    let teacher = Guarded(
                        arena, rows, columns, gap: 1, numbers.floats(count, scale: 6))
                    let gradient = Guarded(arena, rows, columns, gap: 2)
                    let targets = [Int32](repeating: 0, count: rows)
                    let losses = compute.softTargets(
                        scores.matrix, teacher: teacher.matrix, targets: targets,
                        SoftTargetLoss(kind, temperature: temperature), gradientScale: 0.25,
                        into: gradient.matrix)
                    for row in 0..<rows {
                        let reference = ReferenceOperations.divergence(
                            kind, scores: scores.matrix.row(row).toArray().map(Double.init),
                            teacher: teacher.matrix.row(row).toArray().map(Double.init),
                            temperature: temperature)
                        check(
                            (losses[row], gradient.matrix.row(row).toArray()), reference,
                            scale: 0.25, spread: 24 / temperature,
                            "\(kind) \(rows) x \(columns) row \(row)")
                    }
                    // Without a gradient, and in place: the same.
                    let again = compute.softTargets(
                        scores.matrix, teacher: teacher.matrix, targets: targets,
                        SoftTargetLoss(kind, temperature: temperature), into: nil)
                    #expect(again == losses)
                    _ = compute.softTargets(
                        scores.matrix, teacher: teacher.matrix, targets: targets,
                        SoftTargetLoss(kind, temperature: temperature), gradientScale: 0.25,
                        into: scores.matrix)
                    #expect(scores.matrix.bits == gradient.matrix.bits)
                    #expect(scores.isIntact && teacher.isIntact && gradient.isIntact)
                }
            }
        }
    }

    /// A student that is nearly the teacher: what is left isn't the rounding of the normalisers.
    @Test(arguments: InstructionSet.available)
    func nearlyEqual(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        var numbers = SampleNumbers(seed: 73)
        withArena { arena in
            let teacher = arena.matrix(1, 3000, numbers.floats(3000, scale: 4))
            let scores = arena.matrix(1, 3000, teacher.toArray())
            for column in 0..<3000 { scores[0, column] += Float(numbers.signed()) * 1e-2 }
            for kind in kinds {
                let reference = ReferenceOperations.divergence(
                    kind, scores: scores.toArray().map(Double.init),
                    teacher: teacher.toArray().map(Double.init))
                let loss = compute.softTargets(
                    scores, teacher: teacher, targets: [0], SoftTargetLoss(kind), into: nil)[0]
                // Differences of 1e-2 lose 8 roundings of 4 each, and those of 3000 tokens average out.
                let tolerance = 32 * unitRoundoff * 1e-2
                #expect(abs(loss.soft - reference.value) < tolerance, "\(kind) \(reference.value)")
                let same = compute.softTargets(
                    teacher, teacher: teacher, targets: [0], SoftTargetLoss(kind), into: nil)[0]
                #expect(abs(same.soft) < 1e-7 * 1e-2, "\(kind) of equal rows \(same.soft)")
            }
        }
    }

    /// Scores of +-10,000, tokens that can't be, tables of unequal width, broken rows.
    @Test(arguments: InstructionSet.available)
    func extremeScores(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        withArena { arena in
            func run(_ kind: Divergence, _ scores: [Float], _ teacher: [Float])
                -> (value: Double, gradient: [Float])
            {
                let gradient = arena.matrix(1, scores.count)
                let losses = compute.softTargets(
                    arena.matrix(1, scores.count, scores),
                    teacher: arena.matrix(1, teacher.count, teacher), targets: [0],
                    SoftTargetLoss(kind), into: gradient)
                return (losses[0].soft, gradient.toArray())
            }
            let far = run(.forward, [1e4, -1e4, 0], [-1e4, 1e4, 0])
            #expect(far.value == 2e4 && far.gradient == [1, -1, 0])
            let back = run(.reverse, [1e4, -1e4, 0], [-1e4, 1e4, 0])
            #expect(back.value == 2e4 && back.gradient == [0, 0, 0])
            let mixed = run(.jensenShannon(beta: 0.25), [1e4, -1e4], [-1e4, 1e4])
            let entropy = -0.25 * log(0.25) - 0.75 * log(0.75)
            #expect(abs(mixed.value - entropy) < 1e-6 && mixed.gradient == [0, 0])
            for masked in [-Float.infinity, -3.4e38] {
                let forward = run(.forward, [0, 0, 0], [0, masked, 0])
                #expect(abs(forward.value - log(1.5)) < 2e-7)
                #expect(abs(forward.gradient[1] - 1 / 3) < 1e-7)
                let reverse = run(.reverse, [0, 7, 0], [0, masked, 0])
                #expect(reverse.value == 0 && reverse.gradient == [0, 0, 0])
                let both = run(.jensenShannon(beta: 0.5), [0, 0], [0, masked])
                #expect(both.value.isFinite && both.gradient.allSatisfy { $0.isFinite })
            }
            // Beyond the common columns there is no divergence, whichever side is the wider.
            for kind in kinds {
                let common = run(kind, [1, 2], [2, 0])
                let wide = run(kind, [1, 2, 90], [2, 0])
                #expect(wide.value == common.value && wide.gradient == common.gradient + [0])
                #expect(run(kind, [1, 2], [2, 0, 90]) == common)
                #expect(run(kind, [1, .nan, 0], [1, 2, 0]).value.isNaN)
                #expect(run(kind, [1, 0, 0], [1, .nan, 0]).gradient.allSatisfy { $0.isNaN })
                let nothing = [Float](repeating: -.infinity, count: 3)
                #expect(!run(kind, [1, 0, 0], nothing).value.isFinite)
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func threadsDoNotMatter(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 74)
        withArena { arena in
            let scores = arena.matrix(300, 501, numbers.floats(300 * 501, scale: 5))
            let teacher = arena.matrix(300, 501, numbers.floats(300 * 501, scale: 5))
            let targets = numbers.ids(300, below: 501)
            for kind in kinds {
                let loss = SoftTargetLoss(kind, temperature: 2, softShare: 3, hardShare: 0.25)
                let results = (1...4).map { threads in
                    let compute = Compute(threads: threads, instructionSet: set)
                    let gradient = arena.matrix(300, 501)
                    let losses = compute.softTargets(
                        scores, teacher: teacher, targets: targets, loss, into: gradient)
                    return (losses, gradient.bits)
                }
                #expect(results.allSatisfy { $0.0 == results[0].0 && $0.1 == results[0].1 })
            }
        }
    }
}
