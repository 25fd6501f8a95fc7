// Cross entropy with soft and hard targets, weights, and rows that count for nothing.

import Kernels
import TensorCore
import Testing

@Suite struct CrossEntropyTests {
    static let shapes = [(0, 3), (1, 1), (4, 2), (9, 17), (300, 33), (3, 5000)]

    /// Sums are in double precision; the exponentials are good to 1e-7 and to the rounding of their
    /// argument, which is below `spread`.
    private func lossTolerance(_ weight: Double, spread: Double) -> Double {
        abs(weight) * (3e-7 + 4 * spread * unitRoundoff)
    }

    private func gradientTolerance(_ columns: Int, spread: Double) -> Double {
        4e-7 + (Double(columns / 16 + 16) + 2 * spread) * unitRoundoff
    }

    @Test(arguments: InstructionSet.available)
    func softTargets(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 41)
        for (rows, columns) in Self.shapes {
            for weighted in [false, true] {
                withArena { arena in
                    let count = rows * columns
                    let logits = Guarded(arena, rows, columns, numbers.floats(count, scale: 6))
                    let targets = Guarded(
                        arena, rows, columns, gap: 1, numbers.floats(count, scale: 4))
                    // Not normalised: the mass of a row must be taken into account.
                    compute.softmaxRows(targets.matrix, into: targets.matrix)
                    compute.scale(0.75, targets.matrix, into: targets.matrix)
                    let weights = arena.vector(numbers.floats(rows, around: 1.5))
                    let gradient = Guarded(arena, rows, columns, gap: 2)
                    var losses = Array(repeating: -1.0, count: rows)
                    compute.crossEntropy(
                        logits.matrix, softTargets: targets.matrix,
                        rowWeights: weighted ? weights : nil, gradientScale: 0.2,
                        into: gradient.matrix, losses: &losses)
                    let reference = ReferenceOperations.crossEntropy(
                        ReferenceMatrix(logits.matrix),
                        softTargets: ReferenceMatrix(targets.matrix),
                        rowWeights: weighted ? weights.toArray().map(Double.init) : nil,
                        gradientScale: Double(Float(0.2)))
                    let name = "\(rows) x \(columns)"
                    for row in 0..<rows {
                        let error = abs(losses[row] - reference.losses[row])
                        #expect(error <= lossTolerance(2.5, spread: 12), "\(name) row \(row)")
                    }
                    // Probabilities and targets below 1 each, weight below 2.5.
                    expectClose(
                        gradient.matrix, reference.gradient, relative: 4 * unitRoundoff,
                        absolute: 0.5 * gradientTolerance(columns, spread: 12), name)
                    var again = losses
                    compute.crossEntropy(
                        logits.matrix, softTargets: targets.matrix,
                        rowWeights: weighted ? weights : nil, into: nil, losses: &again)
                    #expect(again == losses, "without a gradient")
                    compute.crossEntropy(
                        logits.matrix, softTargets: targets.matrix,
                        rowWeights: weighted ? weights : nil, gradientScale: 0.2,
                        into: logits.matrix, losses: &again)
                    #expect(again == losses && logits.matrix.bits == gradient.matrix.bits)
                    #expect(logits.isIntact && targets.isIntact && gradient.isIntact)
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func hardTargets(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 42)
        for (rows, columns) in Self.shapes {
            withArena { arena in
                let count = rows * columns
                let logits = Guarded(arena, rows, columns, numbers.floats(count, scale: 6))
                var targets = numbers.ids(rows, below: columns)
                for row in stride(from: 2, to: rows, by: 5) { targets[row] = Compute.ignoredTarget }
                let weights = arena.vector(numbers.floats(rows, around: 1.5))
                if rows > 3 { weights[0, 3] = 0 }
                let gradient = Guarded(arena, rows, columns, gap: 2)
                var losses = Array(repeating: -1.0, count: rows)
                compute.crossEntropy(
                    logits.matrix, targets: targets, rowWeights: weights, gradientScale: 3,
                    into: gradient.matrix, losses: &losses)
                let reference = ReferenceOperations.crossEntropy(
                    ReferenceMatrix(logits.matrix), targets: targets,
                    rowWeights: weights.toArray().map(Double.init), gradientScale: 3)
                let name = "\(rows) x \(columns)"
                for row in 0..<rows {
                    let error = abs(losses[row] - reference.losses[row])
                    #expect(error <= lossTolerance(2.5, spread: 12), "\(name) row \(row)")
                    if targets[row] == Compute.ignoredTarget || weights[0, row] == 0 {
                        #expect(losses[row] == 0)
                        #expect(gradient.matrix.row(row).toArray().allSatisfy { $0 == 0 })
                    }
                }
                expectClose(
                    gradient.matrix, reference.gradient, relative: 4 * unitRoundoff,
                    absolute: 7.5 * gradientTolerance(columns, spread: 12), name)
                var again = losses
                compute.crossEntropy(
                    logits.matrix, targets: targets, rowWeights: weights, gradientScale: 3,
                    into: logits.matrix, losses: &again)
                #expect(again == losses && logits.matrix.bits == gradient.matrix.bits)
                #expect(logits.isIntact && gradient.isIntact)
            }
        }
    }

    /// A row whose right class is certain keeps its tiny loss: log(1 + e^-20) isn't lost in a sum.
    @Test(arguments: InstructionSet.available)
    func tinyAndHugeLosses(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        withArena { arena in
            let logits = arena.matrix(4, 2, [0, -20, 0, -30_000, 3e38, -3e38, -.infinity, 0])
            var losses = Array(repeating: 0.0, count: 4)
            let gradient = arena.matrix(4, 2)
            compute.crossEntropy(logits, targets: [0, 1, 0, 1], into: gradient, losses: &losses)
            let tiny = 2.061153620314381e-9
            #expect(abs(losses[0] - tiny) < 2e-7 * tiny)
            #expect(losses[1] == 30_000 && losses[2] == 0 && losses[3] == 0)
            #expect(gradient.toArray().suffix(6) == [1, -1, 0, 0, 0, 0])
            // A soft target of 0 takes nothing from a class that is masked out.
            let masked = arena.matrix(1, 3, [1, -.infinity, 1])
            let targets = arena.matrix(1, 3, [0.5, 0, 0.5])
            var loss = [0.0]
            compute.crossEntropy(masked, softTargets: targets, into: nil, losses: &loss)
            #expect(abs(loss[0] - 0.6931471805599453) < 1e-7)
        }
    }

    /// NaN anywhere in a row makes its loss and gradient NaN; an ignored row doesn't even look.
    @Test(arguments: InstructionSet.available)
    func brokenRows(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        for place in 0..<21 {
            withArena { arena in
                let logits = arena.zeros(3, 21)
                logits[0, place] = .nan
                logits[1, place] = .nan
                let gradient = arena.matrix(3, 21)
                var losses = Array(repeating: 0.0, count: 3)
                compute.crossEntropy(
                    logits, targets: [4, Compute.ignoredTarget, 4], into: gradient, losses: &losses)
                #expect(losses[0].isNaN && losses[1] == 0 && losses[2].isFinite)
                #expect(gradient.row(0).toArray().allSatisfy { $0.isNaN })
                #expect(gradient.row(1).toArray().allSatisfy { $0 == 0 })
                #expect(gradient.row(2).toArray().allSatisfy { $0.isFinite })
                let targets = arena.zeros(3, 21)
                targets.columns(4..<5).fill(1)
                compute.crossEntropy(
                    logits, softTargets: targets, into: gradient, losses: &losses)
                #expect(losses[0].isNaN && losses[1].isNaN && losses[2].isFinite)
                #expect(gradient.row(0).toArray().allSatisfy { $0.isNaN })
                #expect(gradient.row(2).toArray().allSatisfy { $0.isFinite })
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func threadsDoNotMatter(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 43)
        withArena { arena in
            let logits = arena.matrix(1200, 29, numbers.floats(1200 * 29, scale: 5))
            let targets = numbers.ids(1200, below: 29)
            var results: [([Double], [UInt32])] = []
            for threads in 1...4 {
                let compute = Compute(threads: threads, instructionSet: set)
                let gradient = arena.matrix(1200, 29)
                var losses = Array(repeating: 0.0, count: 1200)
                compute.crossEntropy(logits, targets: targets, into: gradient, losses: &losses)
                results.append((losses, gradient.bits))
            }
            #expect(results.allSatisfy { $0.0 == results[0].0 && $0.1 == results[0].1 })
        }
    }
}
