// Element by element: values against the C library in double precision, lengths that end anywhere in
// a vector, aliasing, gaps between rows, and the numbers at the edge of a format.

import Foundation
import Kernels
import TensorCore
import Testing

/// An operation of one input, with its reference and tolerance.
struct UnaryCase: Sendable, CustomTestStringConvertible {
    let name: String
    let run: @Sendable (Compute, Matrix, Matrix) -> Void
    let reference: @Sendable (Double) -> Double
    /// Allowed error, from x and the true value.
    let tolerance: @Sendable (_ x: Double, _ y: Double) -> Double
    let range: ClosedRange<Float>

    var testDescription: String { name }

    static let all = [
        UnaryCase(
            name: "exp", run: { $0.exp($1, into: $2) },
            reference: ReferenceOperations.exponential,
            tolerance: { _, y in 1e-7 * y + 0x1p-149 }, range: -104...88.7),
        UnaryCase(
            name: "log", run: { $0.log($1, into: $2) }, reference: ReferenceOperations.logarithm,
            tolerance: { _, y in 1e-7 * max(1, abs(y)) }, range: 1e-3...30),
        UnaryCase(
            name: "tanh", run: { $0.tanh($1, into: $2) }, reference: ReferenceOperations.tanh,
            tolerance: { _, y in 2e-7 * abs(y) }, range: -10...10),
        // The distribution function is good to 1e-7; the product is rounded once more.
        UnaryCase(
            name: "gelu", run: { $0.gelu($1, into: $2) }, reference: ReferenceOperations.gelu,
            tolerance: { x, y in 1e-7 * abs(x) + unitRoundoff * abs(y) + 0x1p-149 },
            range: -9...9),
        UnaryCase(
            name: "relu", run: { $0.relu($1, into: $2) }, reference: ReferenceOperations.relu,
            tolerance: { _, _ in 0x1p-149 }, range: -5...5),
    ]
}

@Suite struct ElementwiseTests {
    @Test(arguments: InstructionSet.available, UnaryCase.all)
    func valuesOverTheRange(_ set: InstructionSet, _ operation: UnaryCase) {
        let compute = Compute(threads: 2, instructionSet: set)
        let count = 100_003
        let (low, high) = (operation.range.lowerBound, operation.range.upperBound)
        withArena { arena in
            let x = arena.vector(
                (0..<count).map { low + (high - low) * Float($0) / Float(count - 1) })
            let y = arena.vector(count)
            operation.run(compute, x, y)
            let inputs = x.toArray().map(Double.init)
            let expected = inputs.map(operation.reference)
            expectClose(
                y.toArray(), expected, zip(inputs, expected).map(operation.tolerance),
                operation.name)
        }
    }

    /// Small magnitudes of either sign, down to subnormal numbers.
    @Test(arguments: InstructionSet.available, UnaryCase.all.filter { $0.name != "log" })
    func smallMagnitudes(_ set: InstructionSet, _ operation: UnaryCase) {
        let compute = Compute(threads: 1, instructionSet: set)
        withArena { arena in
            let magnitudes = (0..<149).map { Float(sign: .plus, exponent: -$0, significand: 1.25) }
            let x = arena.vector(magnitudes + magnitudes.map(-) + [0, -0.0])
            let y = arena.vector(x.count)
            operation.run(compute, x, y)
            let inputs = x.toArray().map(Double.init)
            let expected = inputs.map(operation.reference)
            expectClose(
                y.toArray(), expected,
                zip(inputs, expected).map { operation.tolerance($0, $1) + 0x1p-149 },
                operation.name)
        }
    }

    @Test(arguments: InstructionSet.available, UnaryCase.all)
    func everyLengthAndAliasing(_ set: InstructionSet, _ operation: UnaryCase) {
        let compute = Compute(threads: 1, instructionSet: set)
        var numbers = SampleNumbers(seed: 11)
        let spread = 0.5 * (operation.range.upperBound - operation.range.lowerBound)
        let center = 0.5 * (operation.range.upperBound + operation.range.lowerBound)
        for length in 0...70 {
            withArena { arena in
                let values = numbers.floats(length, scale: 0.99 * spread, around: center)
                let x = Guarded(arena, 1, length, values)
                let y = Guarded(arena, 1, length)
                operation.run(compute, x.matrix, y.matrix)
                #expect(x.matrix.toArray() == values)
                operation.run(compute, x.matrix, x.matrix)
                #expect(x.matrix.bits == y.matrix.bits, "\(operation.name), \(length) in place")
                #expect(x.isIntact && y.isIntact, "\(operation.name), \(length)")
                // Where an element stands in a vector doesn't change it.
                for start in [0, 1, length / 2] where start < length {
                    let one = arena.vector(1)
                    operation.run(compute, arena.vector([values[start]]), one)
                    #expect(one.bits == [y.matrix.bits[start]], "\(operation.name) of one")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available, UnaryCase.all)
    func gapsAndThreadsDoNotMatter(_ set: InstructionSet, _ operation: UnaryCase) {
        var numbers = SampleNumbers(seed: 12)
        let (rows, columns) = (700, 61)
        let values = numbers.floats(rows * columns).map { $0 + 1.5 }
        withArena { arena in
            var results: [[UInt32]] = []
            for threads in 1...4 {
                let compute = Compute(threads: threads, instructionSet: set)
                for gap in [0, 3] {
                    let x = Guarded(arena, rows, columns, gap: gap, values)
                    let y = Guarded(arena, rows, columns, gap: 3 - gap)
                    operation.run(compute, x.matrix, y.matrix)
                    #expect(x.isIntact && y.isIntact)
                    results.append(y.matrix.bits)
                }
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    @Test(arguments: InstructionSet.available)
    func extremes(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        func result(_ run: (Matrix, Matrix) -> Void, _ x: Float) -> Float {
            withArena { arena in
                // The last of a vector, a tail of one and the whole of a small row agree.
                let (input, output) = (arena.vector(33), arena.vector(33))
                input.fill(x)
                run(input, output)
                #expect(Set(output.bits.map { Float(bitPattern: $0).isNaN ? 0 : $0 }).count == 1)
                return output[0, 32]
            }
        }
        let huge = Float.greatestFiniteMagnitude
        let exp = { x in result({ compute.exp($0, into: $1) }, x) }
        #expect(exp(.infinity) == .infinity && exp(-.infinity) == 0 && exp(.nan).isNaN)
        #expect(exp(huge) == .infinity && exp(-huge) == 0 && exp(0) == 1 && exp(-0.0) == 1)
        #expect(exp(88.72) < .infinity && exp(88.73) == .infinity)
        #expect(exp(-103.9) == 0x1p-149 && exp(-104) == 0)
        let log = { x in result({ compute.log($0, into: $1) }, x) }
        #expect(log(.infinity) == .infinity && log(.nan).isNaN && log(-.infinity).isNaN)
        #expect(log(0) == -.infinity && log(-0.0) == -.infinity && log(-1).isNaN && log(1) == 0)
        #expect(abs(Double(log(huge)) - Foundation.log(Double(huge))) < 1e-5)
        let least = Float.leastNormalMagnitude
        #expect(abs(Double(log(least)) - Foundation.log(Double(least))) < 1e-5)
        let tanh = { x in result({ compute.tanh($0, into: $1) }, x) }
        #expect(tanh(.infinity) == 1 && tanh(-.infinity) == -1 && tanh(.nan).isNaN)
        #expect(tanh(huge) == 1 && tanh(-huge) == -1 && tanh(0) == 0 && tanh(-0.0) == 0)
        let gelu = { x in result({ compute.gelu($0, into: $1) }, x) }
        #expect(gelu(.infinity) == .infinity && gelu(.nan).isNaN)
        #expect(gelu(huge) == huge && gelu(-huge) == 0 && gelu(-40) == 0 && gelu(40) == 40)
        let relu = { x in result({ compute.relu($0, into: $1) }, x) }
        #expect(relu(.infinity) == .infinity && relu(-.infinity) == 0 && relu(.nan).isNaN)
        let ones = { x in
            result({ compute.geluBackward($0, constant(1, like: $0), into: $1) }, x)
        }
        #expect(ones(1e30) == 1 && ones(-1e30) == 0 && ones(.nan).isNaN && ones(0) == 0.5)
        func constant(_ value: Float, like matrix: Matrix) -> Matrix {
            shared.fill(value)
            return shared.columns(0..<matrix.columns)
        }
    }
    private let arena: Arena
    private let shared: Matrix

    init() {
        arena = Arena()
        shared = arena.vector(64)
    }

    /// An operation of two inputs: (x, y, into z), its reference, and roundings of the result.
    struct BinaryCase: Sendable {
        let name: String
        let run: @Sendable (Compute, Matrix, Matrix, Matrix) -> Void
        let reference: @Sendable (Double, Double) -> Double
        let tolerance: @Sendable (Double, Double) -> Double
    }

    static let binary = [
        BinaryCase(
            name: "add", run: { $0.add($1, $2, into: $3) }, reference: { $0 + $1 },
            tolerance: { unitRoundoff * abs($0 + $1) }),
        BinaryCase(
            name: "multiply", run: { $0.multiply($1, $2, into: $3) }, reference: { $0 * $1 },
            tolerance: { unitRoundoff * abs($0 * $1) }),
        BinaryCase(
            name: "geluBackward", run: { $0.geluBackward($1, $2, into: $3) },
            reference: { $1 * ReferenceOperations.geluDerivative($0) },
            // Phi to 1e-7, the bell to 1e-7 relative, and four roundings of at most 1.13.
            tolerance: { (3e-7 + 4 * unitRoundoff * abs($0) * exp(-$0 * $0 / 2)) * abs($1) }),
        BinaryCase(
            name: "tanhBackward", run: { $0.tanhBackward($1, $2, into: $3) },
            reference: { $1 * ReferenceOperations.tanhDerivative(output: $0) },
            tolerance: { 3 * unitRoundoff * abs($1) * (1 + $0 * $0) }),
        BinaryCase(
            name: "reluBackward", run: { $0.reluBackward($1, $2, into: $3) },
            reference: { $1 * ReferenceOperations.reluDerivative($0) },
            tolerance: { _, _ in 0x1p-149 }),
    ]

    @Test(arguments: InstructionSet.available)
    func twoInputs(_ set: InstructionSet) {
        let contexts = [1, 4].map { Compute(threads: $0, instructionSet: set) }
        var numbers = SampleNumbers(seed: 13)
        for operation in Self.binary {
            for (rows, columns) in [(0, 4), (1, 1), (1, 63), (5, 17), (900, 40)] {
                withArena { arena in
                    let count = rows * columns
                    let x = Guarded(arena, rows, columns, numbers.floats(count, scale: 6))
                    let y = Guarded(arena, rows, columns, gap: 0, numbers.floats(count, scale: 3))
                    let z = Guarded(arena, rows, columns, gap: 2)
                    operation.run(contexts[0], x.matrix, y.matrix, z.matrix)
                    let (a, b) = (ReferenceMatrix(x.matrix), ReferenceMatrix(y.matrix))
                    expectClose(
                        z.matrix.toArray(), a.combined(b, operation.reference).values,
                        a.combined(b, operation.tolerance).values, operation.name)
                    let other = arena.matrix(rows, columns)
                    operation.run(contexts[1], x.matrix, y.matrix, other)
                    #expect(other.bits == z.matrix.bits, "\(operation.name), threads")
                    operation.run(contexts[1], x.matrix, y.matrix, y.matrix)
                    #expect(y.matrix.bits == z.matrix.bits, "\(operation.name) into the second")
                    y.matrix.assign(b.values.map { Float($0) })
                    operation.run(contexts[0], x.matrix, y.matrix, x.matrix)
                    #expect(x.matrix.bits == z.matrix.bits, "\(operation.name) into the first")
                    #expect(x.isIntact && y.isIntact && z.isIntact, "\(operation.name)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func linearCombinations(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 14)
        for (rows, columns) in [(0, 3), (1, 1), (3, 50), (600, 31)] {
            withArena { arena in
                let count = rows * columns
                let x = Guarded(arena, rows, columns, numbers.floats(count))
                let y = Guarded(arena, rows, columns, gap: 1, numbers.floats(count))
                let bias = arena.vector(numbers.floats(columns))
                let (a, b) = (ReferenceMatrix(x.matrix), ReferenceMatrix(y.matrix))
                compute.axpy(-0.7, x.matrix, into: y.matrix)
                expectClose(
                    y.matrix.toArray(),
                    ReferenceOperations.axpy(Double(Float(-0.7)), a, onto: b).values,
                    a.combined(b) { 2 * unitRoundoff * (abs($0) + abs($1)) }.values, "axpy")
                let z = Guarded(arena, rows, columns)
                compute.scale(0.3, x.matrix, into: z.matrix)
                expectClose(
                    z.matrix, a.map { $0 * Double(Float(0.3)) }, relative: unitRoundoff, "scale")
                compute.addRow(x.matrix, bias, into: z.matrix)
                expectClose(
                    z.matrix,
                    ReferenceOperations.addRow(a, bias.toArray().map(Double.init)),
                    relative: unitRoundoff, "addRow")
                compute.addRow(x.matrix, bias, into: x.matrix)
                #expect(x.matrix.bits == z.matrix.bits)
                #expect(x.isIntact && y.isIntact && z.isIntact)
            }
        }
    }
}
