// Softmax, log-softmax, their gradients and entropy.

import Foundation
import Kernels
import TensorCore
import Testing

@Suite struct SoftmaxTests {
    static let shapes = [(0, 4), (1, 1), (2, 3), (7, 17), (3, 64), (300, 33), (2, 30_522)]

    /// The exponent's argument is rounded relative to its size; sums add a rounding a lane.
    private func tolerance(_ columns: Int, spread: Double) -> Double {
        2e-7 + (Double(columns / 16 + 12) + 2 * spread) * unitRoundoff
    }

    @Test(arguments: InstructionSet.available)
    func forward(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 31)
        for (rows, columns) in Self.shapes {
            for scale: Float in [1, 12] {
                withArena { arena in
                    let values = numbers.floats(rows * columns, scale: scale, around: 3)
                    let x = Guarded(arena, rows, columns, values)
                    let (y, z) = (
                        Guarded(arena, rows, columns, gap: 1), Guarded(arena, rows, columns)
                    )
                    let name = "\(rows) x \(columns) * \(scale)"
                    let spread = 2 * Double(scale)
                    let relative = tolerance(columns, spread: spread)
                    compute.softmaxRows(x.matrix, into: y.matrix)
                    let reference = ReferenceMatrix(x.matrix)
                    expectClose(
                        y.matrix, ReferenceOperations.softmaxRows(reference), relative: relative,
                        "softmax of \(name)")
                    compute.logSoftmaxRows(x.matrix, into: z.matrix)
                    expectClose(
                        z.matrix, ReferenceOperations.logSoftmaxRows(reference),
                        relative: 2 * unitRoundoff, absolute: relative, "log-softmax of \(name)")
                    compute.softmaxRows(x.matrix, into: x.matrix)
                    #expect(x.matrix.bits == y.matrix.bits)
                    x.matrix.assign(values)
                    compute.logSoftmaxRows(x.matrix, into: x.matrix)
                    #expect(x.matrix.bits == z.matrix.bits)
                    #expect(x.isIntact && y.isIntact && z.isIntact)
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func validColumnsOnly(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 32)
        let columns = 37
        withArena { arena in
            let valid = (0...37).map { Int32($0) }
            let x = Guarded(arena, 38, columns, numbers.floats(38 * columns))
            for row in 0..<38 where row < columns { x.matrix[row, row] = .nan }
            let y = Guarded(arena, 38, columns)
            compute.softmaxRows(x.matrix, into: y.matrix, validCount: valid)
            let expected = ReferenceOperations.softmaxRows(
                ReferenceMatrix(x.matrix), validCount: valid)
            expectClose(
                y.matrix, expected, relative: tolerance(columns, spread: 2), "valid columns")
            // The same bits as a row of that length alone.
            for row in 1..<38 {
                let alone = arena.vector(row)
                compute.softmaxRows(x.matrix.row(row).columns(0..<row), into: alone)
                #expect(alone.bits == y.matrix.row(row).columns(0..<row).bits, "\(row) valid")
            }
            #expect(y.isIntact)
        }
    }

    @Test(arguments: InstructionSet.available)
    func extremeRows(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        let infinity = Float.infinity
        let huge = Float.greatestFiniteMagnitude
        func softmax(_ row: [Float]) -> [Float] {
            withArena { arena in
                let y = arena.vector(row.count)
                compute.softmaxRows(arena.vector(row), into: y)
                return y.toArray()
            }
        }
        func logSoftmax(_ row: [Float]) -> [Float] {
            withArena { arena in
                let y = arena.vector(row.count)
                compute.logSoftmaxRows(arena.vector(row), into: y)
                return y.toArray()
            }
        }
        for length in [1, 3, 16, 19, 40] {
            let equal = softmax(Array(repeating: huge, count: length))
            #expect(equal.allSatisfy { abs($0 - 1 / Float(length)) <= 1e-7 })
            let masked = Array(repeating: -infinity, count: length)
            #expect(softmax(masked) == Array(repeating: 0, count: length), "nothing to attend to")
            for place in 0..<length {
                var one = masked
                one[place] = -4
                var expected = Array(repeating: Float(0), count: length)
                expected[place] = 1
                #expect(softmax(one) == expected)
                let log = logSoftmax(one)
                #expect(log[place] == 0)
                #expect(log.filter { $0 == -infinity }.count == length - 1)
                var far = Array(repeating: -huge, count: length)
                far[place] = huge
                #expect(softmax(far) == expected)
                var broken = Array(repeating: Float(1), count: length)
                broken[place] = .nan
                #expect(softmax(broken).allSatisfy { $0.isNaN }, "NaN at \(place) of \(length)")
                #expect(logSoftmax(broken).allSatisfy { $0.isNaN }, "NaN at \(place) of \(length)")
            }
        }
    }

    /// A shift of all logits changes nothing, where the shift itself is exact.
    @Test(arguments: InstructionSet.available)
    func shiftsCancel(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        var numbers = SampleNumbers(seed: 33)
        let values = numbers.integers(29, limit: 9)
        withArena { arena in
            let (y, z) = (arena.vector(29), arena.vector(29))
            compute.softmaxRows(arena.vector(values), into: y)
            compute.softmaxRows(arena.vector(values.map { $0 + 4096 }), into: z)
            #expect(y.bits == z.bits)
        }
    }

    @Test(arguments: InstructionSet.available)
    func backward(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 34)
        for (rows, columns) in Self.shapes {
            withArena { arena in
                let y = Guarded(arena, rows, columns, numbers.floats(rows * columns, scale: 3))
                compute.softmaxRows(y.matrix, into: y.matrix)
                let dy = Guarded(arena, rows, columns, gap: 1, numbers.floats(rows * columns))
                let dx = Guarded(arena, rows, columns)
                compute.softmaxBackward(y.matrix, dy.matrix, into: dx.matrix)
                let values = ReferenceMatrix(y.matrix)
                // The inner product of probabilities and numbers below 1 is below 1.
                let roundings = Double(columns / 16 + 16) * unitRoundoff
                expectClose(
                    dx.matrix.toArray(),
                    ReferenceOperations.softmaxBackward(values, ReferenceMatrix(dy.matrix)).values,
                    values.values.map { 2 * roundings * $0 }, "\(rows) x \(columns)")
                let before = y.matrix.toArray()
                compute.softmaxBackward(y.matrix, dy.matrix, into: y.matrix)
                #expect(y.matrix.bits == dx.matrix.bits, "over y")
                y.matrix.assign(before)
                compute.softmaxBackward(y.matrix, dy.matrix, into: dy.matrix)
                #expect(dy.matrix.bits == dx.matrix.bits, "over dy")
                #expect(y.isIntact && dy.isIntact && dx.isIntact)
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func entropy(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 35)
        for (rows, columns) in [(1, 1), (5, 2), (9, 31), (200, 77), (1, 3000)] {
            withArena { arena in
                let logits = Guarded(arena, rows, columns, numbers.floats(rows * columns, scale: 8))
                let probabilities = Guarded(arena, rows, columns)
                compute.softmaxRows(logits.matrix, into: probabilities.matrix)
                let (fromLogits, fromProbabilities) = (arena.vector(rows), arena.vector(rows))
                compute.rowEntropy(logits: logits.matrix, into: fromLogits)
                compute.rowEntropy(probabilities: probabilities.matrix, into: fromProbabilities)
                let name = "\(rows) x \(columns)"
                // Sums are in double precision: what is left is exp, log and their arguments.
                let tolerance = Array(repeating: 2e-6, count: rows)
                expectClose(
                    fromLogits.toArray(),
                    ReferenceOperations.rowEntropy(logits: ReferenceMatrix(logits.matrix)),
                    tolerance, "logits of \(name)")
                expectClose(
                    fromProbabilities.toArray(),
                    ReferenceOperations.rowEntropy(
                        probabilities: ReferenceMatrix(probabilities.matrix)),
                    tolerance, "probabilities of \(name)")
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func entropyOfExtremeRows(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        func ofLogits(_ row: [Float]) -> Float {
            withArena { arena in
                let result = arena.vector(1)
                compute.rowEntropy(logits: arena.vector(row), into: result)
                return result[0, 0]
            }
        }
        func ofProbabilities(_ row: [Float]) -> Float {
            withArena { arena in
                let result = arena.vector(1)
                compute.rowEntropy(probabilities: arena.vector(row), into: result)
                return result[0, 0]
            }
        }
        for length in [2, 5, 16, 33] {
            let uniform = Array(repeating: Float(7), count: length)
            #expect(abs(ofLogits(uniform) - 1) < 1e-6)
            #expect(abs(ofProbabilities(uniform.map { _ in 1 / Float(length) }) - 1) < 1e-6)
            var sure = Array(repeating: -Float.infinity, count: length)
            sure[length - 1] = 0
            #expect(ofLogits(sure) == 0)
            #expect(ofProbabilities(sure.map { $0 == 0 ? 1 : 0 }) == 0)
            sure[0] = .nan
            #expect(ofLogits(sure).isNaN && ofProbabilities(sure).isNaN, "NaN must not look sure")
        }
        #expect(ofLogits([5]) == 0 && ofProbabilities([1]) == 0)
    }

    @Test(arguments: InstructionSet.available)
    func threadsDoNotMatter(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 36)
        withArena { arena in
            let x = arena.matrix(900, 45, numbers.floats(900 * 45))
            let dy = arena.matrix(900, 45, numbers.floats(900 * 45))
            var results: [[[UInt32]]] = []
            for threads in 1...4 {
                let compute = Compute(threads: threads, instructionSet: set)
                let (y, z, dx) = (
                    arena.matrix(900, 45), arena.matrix(900, 45), arena.matrix(900, 45)
                )
                let entropy = arena.vector(900)
                compute.softmaxRows(x, into: y)
                compute.logSoftmaxRows(x, into: z)
                compute.softmaxBackward(y, dy, into: dx)
                compute.rowEntropy(logits: x, into: entropy)
                results.append([y.bits, z.bits, dx.bits, entropy.bits])
                let one = arena.vector(45)
                #expect(compute.serial.softmax(x.row(321), into: one).sum > 0)
                #expect(one.bits == y.row(321).bits, "serial")
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }
}
