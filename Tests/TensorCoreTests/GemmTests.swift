// Products against the reference, in every transposition, mode and shape that takes another path.

import Kernels
import TensorCore
import Testing

/// How a product is called.
struct ProductMode: Sendable, CustomStringConvertible {
    var transposeA: Bool
    var transposeB: Bool
    var accumulate = false
    var bias = false
    var scale: Float = 1

    var description: String {
        "A\(transposeA ? "'" : "") B\(transposeB ? "'" : "")\(accumulate ? " accumulated" : "")"
            + "\(bias ? " + bias" : "") * \(scale)"
    }

    /// Four transpositions, each with plain, bias, accumulate, and scaled calls.
    static let all: [ProductMode] = [false, true].flatMap { a in
        [false, true].flatMap { b in
            [
                ProductMode(transposeA: a, transposeB: b),
                ProductMode(transposeA: a, transposeB: b, bias: true),
                ProductMode(transposeA: a, transposeB: b, accumulate: true),
                ProductMode(transposeA: a, transposeB: b, bias: true, scale: -0.5),
                ProductMode(transposeA: a, transposeB: b, accumulate: true, scale: 2),
            ]
        }
    }
}

/// The operands of one product, with canaries around them.
struct ProductCase {
    let m: Int
    let n: Int
    let k: Int
    let mode: ProductMode
    let a: Guarded
    let b: Guarded
    let c: Guarded
    let bias: Guarded
    let reference: ReferenceOperations.Product

    init(
        _ arena: Arena, m: Int, n: Int, k: Int, mode: ProductMode, gap: Int,
        _ draw: (Int) -> [Float]
    ) {
        (self.m, self.n, self.k, self.mode) = (m, n, k, mode)
        let shapeA = mode.transposeA ? (k, m) : (m, k)
        let shapeB = mode.transposeB ? (n, k) : (k, n)
        a = Guarded(arena, shapeA.0, shapeA.1, gap: gap, draw(m * k))
        b = Guarded(arena, shapeB.0, shapeB.1, gap: gap, draw(k * n))
        c = Guarded(arena, m, n, gap: gap, draw(m * n))
        bias = Guarded(arena, 1, n, gap: gap, draw(n))
        reference = ReferenceOperations.gemm(
            ReferenceMatrix(a.matrix), transposed: mode.transposeA, ReferenceMatrix(b.matrix),
            transposed: mode.transposeB, onto: mode.accumulate ? ReferenceMatrix(c.matrix) : nil,
            bias: mode.bias ? ReferenceMatrix(bias.matrix).values : nil,
            scale: Double(mode.scale))
    }

    var name: String { "\(m) x \(k) by \(k) x \(n), \(mode)" }

    func run(_ compute: Compute) {
        compute.gemm(
            a.matrix, transposed: mode.transposeA, b.matrix, transposed: mode.transposeB,
            into: c.matrix, accumulate: mode.accumulate, bias: mode.bias ? bias.matrix : nil,
            scale: mode.scale)
    }

    func expectIntact() {
        #expect(a.isIntact && b.isIntact && c.isIntact && bias.isIntact, "\(name)")
    }
}

@Suite struct GemmTests {
    /// Shapes around the tile of an instruction set, and around its longest run of k.
    static func shapes(_ set: InstructionSet) -> [(m: Int, n: Int, k: Int)] {
        let table = KernelTable(set).functions.pointee
        let (rows, columns, depth) = (table.row_tile, table.column_tile, table.depth_limit)
        return [
            (1, 1, 1), (1, 1, depth + 1), (2, 3, 5), (1, 2 * columns + 1, 7), (17, 1, 9),
            (rows - 1, columns - 1, 8), (rows, columns, 16), (rows + 1, columns + 1, 17),
            (2 * rows + 1, columns / 2, 3), (3 * rows + 2, 3 * columns + 5, depth - 1),
            (rows, columns + 1, depth), (5, columns / 2 + 1, depth + 1), (7, 5, 2 * depth + 13),
            (203, 3, 11), (3, 205, 19), (193, 37, 33),
        ]
    }

    /// Products of small whole numbers are exact in every order, so the result must be as well.
    @Test(arguments: InstructionSet.available)
    func wholeNumbersAreExact(_ set: InstructionSet) {
        let contexts = [1, 3].map { Compute(threads: $0, instructionSet: set) }
        var numbers = SampleNumbers(seed: 1)
        for (index, shape) in Self.shapes(set).enumerated() {
            for (turn, mode) in ProductMode.all.enumerated() {
                withArena { arena in
                    let product = ProductCase(
                        arena, m: shape.m, n: shape.n, k: shape.k, mode: mode,
                        gap: turn % 2 == 0 ? 0 : 5, { numbers.integers($0, limit: 8) })
                    product.run(contexts[(index + turn) % 2])
                    let exact = product.reference.values.values.map { Float($0) }
                    #expect(product.c.matrix.toArray() == exact, "\(product.name)")
                    product.expectIntact()
                }
            }
        }
    }

    /// Rounding: a chain of min(k, depth) fused or unfused steps, then one more sum a run.
    @Test(arguments: InstructionSet.available)
    func randomNumbersLieWithinTheRoundingBound(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        let depth = KernelTable(set).functions.pointee.depth_limit
        var numbers = SampleNumbers(seed: 2)
        for shape in Self.shapes(set) + [(64, 96, 1000), (130, 70, 64)] {
            let mode = ProductMode.all[numbers.below(ProductMode.all.count)]
            withArena { arena in
                let product = ProductCase(
                    arena, m: shape.m, n: shape.n, k: shape.k, mode: mode, gap: 1,
                    { numbers.floats($0) })
                product.run(compute)
                // Two roundings a step without fused multiply-add, scale, and the sum over runs.
                let roundings = Double(2 * min(shape.k, depth) + 2 * (shape.k / depth + 1) + 2)
                expectClose(
                    product.c.matrix.toArray(), product.reference.values.values,
                    product.reference.magnitudes.values.map { $0 * roundings * unitRoundoff },
                    product.name)
                product.expectIntact()
            }
        }
    }

    /// Within one run of k an element is one chain of multiply-adds in ascending k, then
    /// scale * chain + (C, bias or 0): to the bit.
    @Test(arguments: InstructionSet.available)
    func anElementIsOneChain(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        #if arch(x86_64)
            let fused = set != .baseline
        #else
            let fused = true
        #endif
        func step(_ a: Float, _ b: Float, _ c: Float) -> Float {
            fused ? c.addingProduct(a, b) : a * b + c
        }
        var numbers = SampleNumbers(seed: 3)
        for mode in ProductMode.all {
            withArena { arena in
                let (m, n, k) = (29, 71, KernelTable(set).functions.pointee.depth_limit)
                let product = ProductCase(
                    arena, m: m, n: n, k: k, mode: mode, gap: 2, { numbers.floats($0) })
                let before = product.c.matrix.toArray()
                product.run(compute)
                var expected: [Float] = []
                for row in 0..<m {
                    for column in 0..<n {
                        var chain: Float = 0
                        for index in 0..<k {
                            let left =
                                mode.transposeA
                                ? product.a.matrix[index, row] : product.a.matrix[row, index]
                            let right =
                                mode.transposeB
                                ? product.b.matrix[column, index] : product.b.matrix[index, column]
                            chain = step(left, right, chain)
                        }
                        let start =
                            mode.accumulate
                            ? before[row * n + column]
                            : mode.bias ? product.bias.matrix[0, column] : 0
                        expected.append(step(chain, mode.scale, start))
                    }
                }
                #expect(product.c.matrix.toArray() == expected, "\(product.name)")
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func emptyShapes(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        for mode in ProductMode.all {
            for (m, n, k) in [(0, 5, 3), (4, 0, 3), (0, 0, 0), (3, 37, 0)] {
                withArena { arena in
                    let product = ProductCase(
                        arena, m: m, n: n, k: k, mode: mode, gap: 3,
                        { Array(repeating: 1.5, count: $0) })
                    product.run(compute)
                    let expected = product.reference.values.values.map { Float($0) }
                    #expect(product.c.matrix.toArray() == expected, "\(product.name)")
                    product.expectIntact()
                }
            }
        }
    }

    /// NaN and infinity stay in their row and column: padding is never multiplied into a result.
    @Test(arguments: InstructionSet.available)
    func strangersStayInTheirRowAndColumn(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        for mode in ProductMode.all.prefix(4) + ProductMode.all.suffix(5) {
            withArena { arena in
                let (m, n, k) = (13, 35, 21)
                let product = ProductCase(
                    arena, m: m, n: n, k: k, mode: mode, gap: 1,
                    { Array(repeating: 0.25, count: $0) })
                if mode.transposeA {
                    product.a.matrix[k - 1, m - 1] = .nan
                } else {
                    product.a.matrix[m - 1, k - 1] = .nan
                }
                if mode.transposeB {
                    product.b.matrix[n - 1, 0] = .infinity
                } else {
                    product.b.matrix[0, n - 1] = .infinity
                }
                product.run(compute)
                for row in 0..<m {
                    for column in 0..<n {
                        let value = product.c.matrix[row, column]
                        if row == m - 1 {
                            #expect(value.isNaN, "\(product.name) (\(row), \(column))")
                        } else if column == n - 1 {
                            #expect(value.isInfinite, "\(product.name) (\(row), \(column))")
                        } else {
                            #expect(value.isFinite, "\(product.name) (\(row), \(column))")
                        }
                    }
                }
            }
        }
    }
}
