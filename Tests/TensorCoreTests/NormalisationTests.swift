// Layer normalisation and its gradients.

import Kernels
import TensorCore
import Testing

@Suite struct NormalisationTests {
    static let shapes = [(0, 5), (1, 1), (1, 2), (3, 15), (2, 64), (65, 31), (130, 384), (200, 49)]

    @Test(arguments: InstructionSet.available)
    func forward(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 21)
        // A row far from zero: the variance must not come out of a difference of squares.
        for center: Float in [0, 100] {
            for (rows, columns) in Self.shapes {
                withArena { arena in
                    let values = numbers.floats(rows * columns, scale: 2, around: center)
                    let x = Guarded(arena, rows, columns, values)
                    let y = Guarded(arena, rows, columns, gap: 1)
                    let gamma = arena.vector(numbers.floats(columns, around: 1))
                    let beta = arena.vector(numbers.floats(columns))
                    let (mean, deviation) = (arena.vector(rows), arena.vector(rows))
                    compute.layerNorm(
                        x.matrix, gamma: gamma, beta: beta, epsilon: 1e-5, into: y.matrix,
                        mean: mean, reciprocalDeviation: deviation)
                    let reference = ReferenceOperations.layerNorm(
                        ReferenceMatrix(x.matrix), gamma: doubles(gamma), beta: doubles(beta),
                        epsilon: Double(Float(1e-5)))
                    // The mean is off by its roundings; relative to the deviation that is an
                    // absolute error of each normalised value.
                    let chain = Double(columns / 16 + 12) * unitRoundoff
                    let largest = Double(abs(center) + 2)
                    let name = "\(rows) x \(columns) around \(center)"
                    expectClose(
                        mean.toArray(), reference.mean,
                        reference.mean.map { _ in chain * largest }, "\(name): mean")
                    expectClose(
                        deviation.toArray(), reference.reciprocalDeviation,
                        reference.reciprocalDeviation.map {
                            $0 * (2 * chain + 2 * chain * largest * $0)
                        }, "\(name): deviation")
                    var tolerance = reference.values
                    for row in 0..<rows {
                        let factor = reference.reciprocalDeviation[row]
                        for column in 0..<columns {
                            let normalised =
                                abs(Double(x.matrix[row, column]) - reference.mean[row]) * factor
                            tolerance[row, column] =
                                Double(abs(gamma[0, column]))
                                * (normalised * (3 * chain + 2 * chain * largest * factor)
                                    + chain * largest * factor)
                                + 2 * unitRoundoff * Double(abs(beta[0, column]))
                        }
                    }
                    expectClose(
                        y.matrix.toArray(), reference.values.values, tolerance.values, name)
                    compute.layerNorm(
                        x.matrix, gamma: gamma, beta: beta, epsilon: 1e-5, into: x.matrix,
                        mean: mean, reciprocalDeviation: deviation)
                    #expect(x.matrix.bits == y.matrix.bits, "\(name) in place")
                    #expect(x.isIntact && y.isIntact)
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func backward(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 22)
        for (rows, columns) in Self.shapes {
            withArena { arena in
                let count = rows * columns
                let x = Guarded(arena, rows, columns, numbers.floats(count, scale: 2, around: 1))
                let dy = Guarded(arena, rows, columns, gap: 1, numbers.floats(count))
                let dx = Guarded(arena, rows, columns, gap: 2, numbers.floats(count))
                let before = ReferenceMatrix(dx.matrix)
                let gamma = arena.vector(numbers.floats(columns, around: 1))
                let (mean, deviation) = (arena.vector(rows), arena.vector(rows))
                compute.layerNorm(
                    x.matrix, gamma: gamma, beta: gamma, epsilon: 1e-5,
                    into: arena.matrix(rows, columns), mean: mean, reciprocalDeviation: deviation)
                let reference = ReferenceOperations.layerNormBackward(
                    ReferenceMatrix(x.matrix), gamma: doubles(gamma), epsilon: Double(Float(1e-5)),
                    ReferenceMatrix(dy.matrix))
                let gradients = [3, 5].map { (start: Float) in
                    let vector = arena.vector(columns)
                    vector.fill(start)
                    return vector
                }
                compute.layerNormBackward(
                    x.matrix, gamma: gamma, mean: mean, reciprocalDeviation: deviation, dy.matrix,
                    into: dx.matrix, gradientGamma: gradients[0], gradientBeta: gradients[1])
                let name = "\(rows) x \(columns)"
                // Each dx is rstd times three terms below 6, of sums over a row with their roundings.
                let chain = Double(columns / 8 + 16) * unitRoundoff
                let factors = reference.x.rows == 0 ? [] : doubles(deviation)
                var largest: [Double] = []
                for row in 0..<rows {
                    let bound: Double = 12 * chain * factors[row] * (1 + 3 * factors[row])
                    largest += Array(repeating: bound, count: columns)
                }
                expectClose(dx.matrix.toArray(), reference.x.values, largest, "\(name): dx")
                // Blocks of 64 rows, then the blocks.
                let sums = Double(min(rows, 64) + rows / 64 + 10) * unitRoundoff
                let normalisedSum = Double(rows) * 4
                expectClose(
                    gradients[0].toArray(), reference.gamma.map { $0 + 3 },
                    reference.gamma.map { _ in (sums + chain) * (normalisedSum + 3) },
                    "\(name): gamma")
                expectClose(
                    gradients[1].toArray(), reference.beta.map { $0 + 5 },
                    reference.beta.map { _ in sums * (Double(rows) + 5) }, "\(name): beta")
                // Accumulation, and dx over dy.
                let again = Guarded(arena, rows, columns, before.values.map { Float($0) })
                compute.layerNormBackward(
                    x.matrix, gamma: gamma, mean: mean, reciprocalDeviation: deviation, dy.matrix,
                    into: again.matrix, accumulate: true, gradientGamma: gradients[0],
                    gradientBeta: gradients[1])
                let sum = arena.matrix(rows, columns, before.values.map { Float($0) })
                compute.add(sum, dx.matrix, into: sum)
                #expect(again.matrix.bits == sum.bits, "\(name): accumulated")
                compute.layerNormBackward(
                    x.matrix, gamma: gamma, mean: mean, reciprocalDeviation: deviation, dy.matrix,
                    into: dy.matrix, gradientGamma: gradients[0], gradientBeta: gradients[1])
                #expect(dy.matrix.bits == dx.matrix.bits, "\(name): in place")
                #expect(x.isIntact && dy.isIntact && dx.isIntact && again.isIntact)
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func threadsAndPositionsDoNotMatter(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 23)
        let (rows, columns) = (333, 50)
        withArena { arena in
            let x = arena.matrix(rows, columns, numbers.floats(rows * columns))
            let dy = arena.matrix(rows, columns, numbers.floats(rows * columns))
            let gamma = arena.vector(numbers.floats(columns))
            var results: [[[UInt32]]] = []
            for threads in 1...4 {
                let compute = Compute(threads: threads, instructionSet: set)
                let (y, dx) = (arena.matrix(rows, columns), arena.matrix(rows, columns))
                let (mean, deviation) = (arena.vector(rows), arena.vector(rows))
                let (gradientGamma, gradientBeta) = (
                    arena.zeros(1, columns), arena.zeros(1, columns)
                )
                compute.layerNorm(
                    x, gamma: gamma, beta: gamma, epsilon: 1e-12, into: y, mean: mean,
                    reciprocalDeviation: deviation)
                compute.layerNormBackward(
                    x, gamma: gamma, mean: mean, reciprocalDeviation: deviation, dy, into: dx,
                    gradientGamma: gradientGamma, gradientBeta: gradientBeta)
                results.append([
                    y.bits, mean.bits, deviation.bits, dx.bits, gradientGamma.bits,
                    gradientBeta.bits,
                ])
                let one = arena.vector(columns)
                compute.layerNorm(
                    x.row(217), gamma: gamma, beta: gamma, epsilon: 1e-12, into: one,
                    mean: arena.vector(1), reciprocalDeviation: arena.vector(1))
                #expect(one.bits == y.row(217).bits)
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    /// A constant row has no deviation: epsilon alone keeps it finite.
    @Test(arguments: InstructionSet.available)
    func constantRow(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        withArena { arena in
            let x = arena.matrix(1, 40, Array(repeating: 8, count: 40))
            let (gamma, beta) = (arena.vector(40), arena.vector(40))
            gamma.fill(2)
            beta.fill(0.25)
            let (y, deviation) = (arena.matrix(1, 40), arena.vector(1))
            compute.layerNorm(
                x, gamma: gamma, beta: beta, epsilon: 1e-4, into: y, mean: arena.vector(1),
                reciprocalDeviation: deviation)
            #expect(y.toArray() == beta.toArray())
            #expect(abs(deviation[0, 0] - 100) < 1e-4)
        }
    }

    private func doubles(_ matrix: Matrix) -> [Double] { matrix.toArray().map(Double.init) }
}
