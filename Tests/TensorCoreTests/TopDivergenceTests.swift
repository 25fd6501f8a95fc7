// Divergences where of the teacher only the most likely tokens are known, and the mix with hard targets.

import Foundation
import Kernels
import TensorCore
import Testing

private let kinds: [Divergence] = [
    .forward, .reverse, .jensenShannon(beta: 0.1), .jensenShannon(beta: 0.5),
]

@Suite struct TopDivergenceTests {
    /// The k most likely tokens of each row at a temperature, rising, in double precision.
    private func top(
        _ teacher: Matrix, _ k: Int, at temperature: Double
    ) -> (targets: TopTargets, ids: [[Int32]], logs: [[Double]], rests: [Double]) {
        var (ids, logs, rests): ([[Int32]], [[Double]], [Double]) = ([], [], [])
        for row in 0..<teacher.rows {
            let scaled = teacher.row(row).toArray().map { Double($0) / temperature }
            let logProbabilities = ReferenceOperations.logSoftmaxRows(
                ReferenceMatrix(rows: 1, columns: scaled.count, values: scaled)
            ).values
            let order = scaled.indices.sorted { (scaled[$1], $0) < (scaled[$0], $1) }
            ids.append(order.prefix(k).sorted().map { Int32($0) })
            logs.append(ids[row].map { Double(Float(logProbabilities[Int($0)])) })
            rests.append(
                Double(Float(order.dropFirst(k).reduce(0) { $0 + exp(logProbabilities[$1]) })))
        }
        let targets = TopTargets(
            ids: ids.flatMap { $0 }, logProbabilities: logs.flatMap { $0 }.map { Float($0) },
            restMasses: rests.map { Float($0) },
            starts: ids.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) },
            temperature: temperature)
        return (targets, ids, logs, rests)
    }

    @Test(arguments: InstructionSet.available)
    func topTeacher(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 75)
        for (rows, columns, k) in [(1, 2, 1), (3, 17, 4), (7, 40, 40), (2, 3000, 64)] {
            for kind in kinds {
                for (recorded, temperature) in [(1.0, 1.0), (1, 2), (2, 2), (2, 1)] {
                    withArena { arena in
                        let count = rows * columns
                        let scores = Guarded(arena, rows, columns, numbers.floats(count, scale: 6))
                        let teacher = arena.matrix(rows, columns, numbers.floats(count, scale: 6))
                        let (targets, ids, logs, rests) = top(teacher, k, at: recorded)
                        let gradient = Guarded(arena, rows, columns, gap: 2)
                        let loss = SoftTargetLoss(kind, temperature: temperature)
                        let hard = [Int32](repeating: 1, count: rows)
                        let losses = compute.softTargets(
                            scores.matrix, teacher: targets, places: 0..<rows, targets: hard, loss,
                            gradientScale: 0.5, into: gradient.matrix)
                        // Scores within +-6 rounded to single precision; the rest is double's.
                        let unit = 5e-7 + 16 * unitRoundoff * 12
                        for row in 0..<rows {
                            let reference = ReferenceOperations.topDivergence(
                                kind, scores: scores.matrix.row(row).toArray().map(Double.init),
                                ids: ids[row], logProbabilities: logs[row], restMass: rests[row],
                                recordedAt: recorded, temperature: temperature)
                            let name = "\(kind) \(k) of \(columns) at \(recorded), \(temperature)"
                            let error = abs(losses[row].soft - reference.value)
                            #expect(error < unit * (1 + reference.value), "\(name)")
                            expectClose(
                                gradient.matrix.row(row).toArray(),
                                reference.gradient.map { $0 * 0.5 },
                                reference.gradient.map { _ in 0.5 * unit * 14 }, name)
                        }
                        let again = compute.softTargets(
                            scores.matrix, teacher: targets, places: 0..<rows, targets: hard, loss,
                            gradientScale: 0.5, into: scores.matrix)
                        #expect(again == losses && scores.matrix.bits == gradient.matrix.bits)
                        #expect(scores.isIntact && gradient.isIntact)
                    }
                }
            }
        }
    }

    /// With every token kept the loss is that of the full teacher, at any temperature.
    @Test func everyTokenKept() {
        let compute = Compute(threads: 1)
        var numbers = SampleNumbers(seed: 76)
        withArena { arena in
            let scores = arena.matrix(3, 50, numbers.floats(150, scale: 6))
            let teacher = arena.matrix(3, 50, numbers.floats(150, scale: 6))
            for kind in kinds {
                for (recorded, temperature) in [(1.0, 1.0), (1, 3), (2, 2)] {
                    let targets = top(teacher, 50, at: recorded).targets
                    let loss = SoftTargetLoss(kind, temperature: temperature, hardShare: 0.5)
                    let (a, b) = (arena.matrix(3, 50), arena.matrix(3, 50))
                    let full = compute.softTargets(
                        scores, teacher: teacher, targets: [1, 2, 3], loss, into: a)
                    let kept = compute.softTargets(
                        scores, teacher: targets, places: 0..<3, targets: [1, 2, 3], loss, into: b)
                    for row in 0..<3 {
                        #expect(full[row].hard == kept[row].hard)
                        #expect(abs(full[row].soft - kept[row].soft) < 2e-5)
                    }
                    expectClose(
                        b.toArray(), a.toArray().map(Double.init),
                        [Double](repeating: 2e-5, count: 150), "\(kind) at \(temperature)")
                }
            }
        }
    }

    /// A student equal to the teacher has no loss and no gradient, however it was recorded.
    @Test func minimumIsTheTeacher() {
        let compute = Compute(threads: 1)
        var numbers = SampleNumbers(seed: 77)
        withArena { arena in
            let teacher = arena.matrix(4, 900, numbers.floats(3600, scale: 6))
            for kind in kinds {
                for (recorded, temperature) in [(1.0, 1.0), (1, 4), (4, 4), (2, 1)] {
                    let gradient = arena.matrix(4, 900)
                    let losses = compute.softTargets(
                        teacher, teacher: top(teacher, 8, at: recorded).targets, places: 0..<4,
                        targets: [0, 0, 0, 0], SoftTargetLoss(kind, temperature: temperature),
                        into: gradient)
                    #expect(losses.allSatisfy { abs($0.soft) < 1e-6 }, "\(kind)")
                    #expect(gradient.toArray().allSatisfy { abs($0) < 3e-6 }, "\(kind)")
                }
            }
        }
    }

    /// Tokens without a probability, a rest of nothing, scores of +-10,000, places in the middle.
    @Test func edges() {
        let compute = Compute(threads: 1)
        withArena { arena in
            let teacher = TopTargets(
                ids: [0, 1, 3, 2, 3], logProbabilities: [0, 0, -.infinity, log(0.5), log(0.25)],
                restMasses: [0, 0, 0.25], starts: [0, 1, 3, 5], temperature: 1)
            for kind in kinds {
                let scores = arena.matrix(2, 4, [0, 1, 0, 1e4, 1e4, -1e4, 0, 3])
                let gradient = arena.matrix(2, 4)
                let losses = compute.softTargets(
                    scores, teacher: teacher, places: 1..<3, targets: [0, 0], SoftTargetLoss(kind),
                    into: gradient)
                #expect(losses.allSatisfy { $0.soft.isFinite }, "\(kind)")
                #expect(gradient.toArray().allSatisfy { $0.isFinite }, "\(kind)")
                let expected =
                    switch kind {
                    case .forward: 9999.0
                    case .reverse: 0.0
                    case .jensenShannon(let beta): -beta * log(beta) - (1 - beta) * log(1 - beta)
                    }
                #expect(abs(losses[0].soft - expected) < 1e-6, "\(kind) \(losses[0].soft)")
            }
        }
    }

    /// Shares and weights: the sum of both parts' gradients; weight 0 and ignored targets are nothing.
    @Test(arguments: InstructionSet.available)
    func mixedWithHardTargets(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 78)
        withArena { arena in
            let scores = arena.matrix(4, 33, numbers.floats(132, scale: 4))
            let teacher = arena.matrix(4, 33, numbers.floats(132, scale: 4))
            scores[2, 5] = .nan
            let targets: [Int32] = [3, Compute.ignoredTarget, 5, 32]
            let weights: [Float] = [2, 1, 0, 0.5]
            let kept = top(teacher, 5, at: 2).targets
            func run(_ loss: SoftTargetLoss, isTop: Bool) -> ([SoftTargetLosses], [Float]) {
                let gradient = arena.matrix(4, 33)
                let losses =
                    isTop
                    ? compute.softTargets(
                        scores, teacher: kept, places: 0..<4, targets: targets, loss,
                        weights: weights, gradientScale: 0.1, into: gradient)
                    : compute.softTargets(
                        scores, teacher: teacher, targets: targets, loss, weights: weights,
                        gradientScale: 0.1, into: gradient)
                return (losses, gradient.toArray())
            }
            for isTop in [false, true] {
                var loss = SoftTargetLoss(.forward, temperature: 2, softShare: 3, hardShare: 0.25)
                let mixed = run(loss, isTop: isTop)
                loss.hardShare = 0
                let soft = run(loss, isTop: isTop)
                loss.hardShare = 0.25
                loss.softShare = 0
                let hard = run(loss, isTop: isTop)
                for row in 0..<4 {
                    #expect(mixed.0[row].soft == soft.0[row].soft)
                    #expect(mixed.0[row].hard == hard.0[row].hard)
                    #expect(mixed.0[row].total == soft.0[row].total + hard.0[row].total)
                }
                #expect(mixed.0[1] == SoftTargetLosses() && mixed.0[2] == SoftTargetLosses())
                #expect(mixed.1[33..<99].allSatisfy { $0 == 0 })
                let sums = zip(soft.1, hard.1).map { Double($0) + Double($1) }
                expectClose(
                    mixed.1, sums, sums.map { _ in 2 * unitRoundoff }, "gradients \(isTop)")
                let plain = arena.matrix(4, 33)
                var losses = [Double](repeating: 0, count: 4)
                compute.crossEntropy(
                    scores, targets: targets, rowWeights: arena.vector(weights), into: plain,
                    losses: &losses)
                #expect(hard.0.map(\.hard) == losses)
            }
        }
    }
}
