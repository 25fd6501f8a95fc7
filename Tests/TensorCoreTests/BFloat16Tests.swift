// Bfloat16: conversions to the bit, and products against a plain reference over rounded operands, with
// every path to the same bits.

import Kernels
import TensorCore
import Testing

@Suite struct BFloat16Tests {
    /// Rounding to the nearest, ties to even, done with numbers instead of bits.
    static func rounded(_ x: Float) -> UInt16 {
        if x.isNaN { return UInt16(x.bitPattern >> 16) | 0x40 }
        // A float is 2^16 units of the last place of a bfloat16; the carry may reach infinity.
        let (high, low) = (x.bitPattern >> 16, x.bitPattern & 0xFFFF)
        let up = low > 0x8000 || (low == 0x8000 && high % 2 == 1)
        return UInt16(truncatingIfNeeded: up ? high + 1 : high)
    }

    static func widened(_ x: Float) -> Float { Float(bitPattern: UInt32(rounded(x)) << 16) }

    @Test(arguments: InstructionSet.available)
    func narrowingRoundsToTheNearestEven(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        let chosen: [(UInt32, UInt16)] = [
            (0x3F80_0000, 0x3F80), (0x3F80_8000, 0x3F80), (0x3F81_8000, 0x3F82),
            (0x3F80_7FFF, 0x3F80), (0x3F80_8001, 0x3F81), (0xBF81_8000, 0xBF82),
            (0x7F7F_FFFF, 0x7F80), (0xFF7F_8000, 0xFF80), (0x7F7F_7FFF, 0x7F7F),
            (0x7F80_0000, 0x7F80), (0xFF80_0000, 0xFF80), (0x7F80_0001, 0x7FC0),
            (0x7FFF_FFFF, 0x7FFF), (0xFFC0_0000, 0xFFC0), (0, 0), (0x8000_0000, 0x8000),
            (1, 0), (0x0000_8000, 0), (0x0000_8001, 1), (0x0001_8000, 2), (0x807F_FFFF, 0x8080),
        ]
        var numbers = SampleNumbers(seed: 31)
        withArena { arena in
            for count in [0, 1, 7, 21, 64, 1000, 40_000] {
                let values = (0..<count).map { index -> Float in
                    index < chosen.count
                        ? Float(bitPattern: chosen[index].0)
                        : Float(bitPattern: UInt32(truncatingIfNeeded: numbers.word()))
                }
                let expected = values.enumerated().map {
                    $0.offset < chosen.count ? chosen[$0.offset].1 : Self.rounded($0.element)
                }
                let x = arena.vector(values)
                let (y, z) = (arena.bfloat16Matrix(1, count), arena.vector(count))
                compute.narrow(x, into: y)
                let same = (0..<count).allSatisfy { y[0, $0] == expected[$0] }
                #expect(same, "\(count)")
                compute.widen(y, into: z)
                #expect(z.bits == expected.map { UInt32($0) << 16 })
                let row = arena.bfloat16Matrix(1, count)
                compute.serial.narrow(x, into: row)
                let equal = (0..<count).allSatisfy { row[0, $0] == expected[$0] }
                #expect(equal)
            }
        }
    }

    @Test func viewsAndGaps() {
        let compute = Compute(threads: 2)
        withArena { arena in
            let whole = arena.bfloat16Matrix(6, 50)
            let x = Guarded(arena, 4, 20, (0..<80).map { Float($0) })
            compute.narrow(x.matrix, into: whole.rows(1..<5).columns(10..<30))
            let part = whole.rows(1..<5).columns(10..<30)
            #expect(!part.isContiguous && whole.isContiguous && part.count == 80)
            #expect(whole[2, 11] == Self.rounded(21) && part.row(3)[0, 19] == Self.rounded(79))
            let y = Guarded(arena, 4, 20)
            compute.widen(part, into: y.matrix)
            #expect(y.matrix.toArray() == x.matrix.toArray())
            #expect(x.isIntact && y.isIntact)
            #expect(whole.reshaped(rows: 3, columns: 100)[1, 11] == Self.rounded(21))
        }
    }

    static func shapes(_ set: InstructionSet) -> [(m: Int, n: Int, k: Int)] {
        let table = KernelTable(set).functions.pointee
        let (rows, columns) = (table.row_tile, table.column_tile)
        let depth = table.bfloat16_depth_limit
        return [
            (1, 1, 1), (1, 1, 2), (2, 3, 5), (1, 2 * columns + 1, 7), (17, 33, 17), (33, 17, 33),
            (rows, columns, 16), (rows + 1, columns + 1, 31), (rows, columns, depth),
            (5, columns / 2 + 1, depth + 1), (7, 5, 2 * depth + 13), (203, 3, 40),
            (400, 70, depth + 77),
        ]
    }

    /// Against sums in double precision of the rounded operands.
    @Test(arguments: InstructionSet.available)
    func productsLieWithinTheRoundingBound(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        let depth = KernelTable(set).functions.pointee.bfloat16_depth_limit
        var numbers = SampleNumbers(seed: 32)
        for shape in Self.shapes(set) {
            for (turn, mode) in ProductMode.all.enumerated() where shape.m < 100 || turn % 3 == 0 {
                withArena { arena in
                    let exact = ProductCase(
                        arena, m: shape.m, n: shape.n, k: shape.k, mode: mode, gap: turn % 2,
                        { numbers.floats($0) })
                    for matrix in [exact.a.matrix, exact.b.matrix] {
                        let kept = matrix.toArray()
                        matrix.assign(kept.map { Self.widened($0) })
                    }
                    // The reference is made of operands that are rounded already.
                    let reference = ReferenceOperations.gemm(
                        ReferenceMatrix(exact.a.matrix), transposed: mode.transposeA,
                        ReferenceMatrix(exact.b.matrix), transposed: mode.transposeB,
                        onto: mode.accumulate ? ReferenceMatrix(exact.c.matrix) : nil,
                        bias: mode.bias ? ReferenceMatrix(exact.bias.matrix).values : nil,
                        scale: Double(mode.scale))
                    compute.gemm(
                        exact.a.matrix, transposed: mode.transposeA, exact.b.matrix,
                        transposed: mode.transposeB, into: exact.c.matrix,
                        accumulate: mode.accumulate, bias: mode.bias ? exact.bias.matrix : nil,
                        scale: mode.scale, precision: .bfloat16)
                    let roundings = Double(
                        2 * min(shape.k, depth) + 2 * (shape.k / depth + 1) + 2)
                    expectClose(
                        exact.c.matrix.toArray(), reference.values.values,
                        reference.magnitudes.values.map { $0 * roundings * unitRoundoff },
                        exact.name)
                    exact.expectIntact()
                }
            }
        }
    }

    /// Floats rounded on the way, bfloat16 operands, packed ahead, serial, any storage order, any
    /// number of threads, any place in a batch.
    @Test(arguments: InstructionSet.available)
    func everyPathGivesTheSameBits(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 33)
        let contexts = [1, 3].map { Compute(threads: $0, instructionSet: set) }
        let scratch = GEMMScratch()
        for (m, n, k) in Self.shapes(set) {
            withArena { arena in
                let a = arena.matrix(m, k, numbers.floats(m * k))
                let b = arena.matrix(k, n, numbers.floats(k * n))
                let turnedA = arena.matrix(k, m, transposed(a))
                let turnedB = arena.matrix(n, k, transposed(b))
                func half(_ x: Matrix) -> BFloat16Matrix {
                    let y = arena.bfloat16Matrix(x.rows, x.columns + 3).columns(1..<x.columns + 1)
                    contexts[0].narrow(x, into: y)
                    return y
                }
                let (halfA, halfB) = (half(a), half(b))
                let (halfTurnedA, halfTurnedB) = (half(turnedA), half(turnedB))
                let bias = arena.vector(numbers.floats(n))
                var first: [UInt32]?
                func check(_ name: String, _ run: (Matrix) -> Void) {
                    let c = arena.matrix(m, n)
                    run(c)
                    let bits = c.bits
                    let same = bits == first ?? bits
                    #expect(same, "\(m) x \(n) x \(k), \(name)")
                    first = bits
                }
                for compute in contexts {
                    func plain(
                        _ name: String, _ a: some ProductOperand, _ turnA: Bool,
                        _ b: some ProductOperand, _ turnB: Bool
                    ) {
                        check(name) {
                            compute.gemm(
                                a, transposed: turnA, b, transposed: turnB, into: $0, bias: bias,
                                precision: .bfloat16)
                        }
                        check("\(name), serial") {
                            compute.serial.gemm(
                                a, transposed: turnA, b, transposed: turnB, into: $0, bias: bias,
                                precision: .bfloat16, scratch: scratch)
                        }
                        let packed = PackedMatrix()
                        compute.pack(b, transposed: turnB, into: packed, precision: .bfloat16)
                        check("\(name), packed") {
                            compute.gemm(a, transposed: turnA, packed, into: $0, bias: bias)
                        }
                        check("\(name), packed, with an epilogue") {
                            compute.gemm(a, transposed: turnA, packed, into: $0, bias: bias) { _ in
                            }
                        }
                    }
                    plain("plain", a, false, b, false)
                    plain("A'", turnedA, true, b, false)
                    plain("B'", a, false, turnedB, true)
                    plain("A half", halfA, false, b, false)
                    plain("A' half", halfTurnedA, true, turnedB, true)
                    plain("both half", halfA, false, halfB, false)
                    plain("both half, turned", halfTurnedA, true, halfTurnedB, true)
                }
                let row = m / 2
                let alone = arena.matrix(1, n)
                contexts[0].gemm(
                    halfA.rows(row..<row + 1), b, into: alone, bias: bias)
                let width = n
                let same = alone.bits == Array(first?[(row * width)..<((row + 1) * width)] ?? [])
                #expect(same, "row \(row) alone of \(m) x \(n) x \(k)")
            }
        }
    }

    /// Infinities and NaN survive the packers, and padding is never multiplied into a result.
    @Test(arguments: InstructionSet.available)
    func strangersStayInTheirRowAndColumn(_ set: InstructionSet) {
        let compute = Compute(threads: 1, instructionSet: set)
        for k in [1, 8, 21, 40] {
            withArena { arena in
                let (m, n) = (13, 35)
                let a = arena.matrix(m, k, Array(repeating: 0.25, count: m * k))
                let b = arena.matrix(k, n, Array(repeating: 0.25, count: n * k))
                a[m - 1, k - 1] = .nan
                b[0, n - 1] = .infinity
                let c = arena.matrix(m, n)
                compute.gemm(a, b, into: c, precision: .bfloat16)
                for row in 0..<m {
                    for column in 0..<n {
                        let value = c[row, column]
                        #expect(value.isNaN == (row == m - 1), "(\(row), \(column)) of \(k)")
                        #expect(value.isInfinite == (row < m - 1 && column == n - 1))
                    }
                }
            }
        }
    }

    /// Several matrices packed as one, where parts end inside a pair of k.
    @Test(arguments: InstructionSet.available)
    func partsGiveTheBitsOfTheWhole(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 34)
        let compute = Compute(threads: 2, instructionSet: set)
        let (widths, k, m) = ([33, 1, 301, 40], 70, 9)
        let n = widths.reduce(0, +)
        withArena { arena in
            let whole = arena.matrix(n, k, numbers.floats(n * k))
            var parts: [Matrix] = []
            for width in widths {
                let start = parts.reduce(0) { $0 + $1.rows }
                parts.append(whole.rows(start..<start + width))
            }
            let (one, several) = (PackedMatrix(), PackedMatrix())
            func expectSame(k: Int, n: Int) {
                let a = arena.matrix(m, k, numbers.floats(m * k))
                let (x, y) = (arena.matrix(m, n), arena.matrix(m, n))
                compute.gemm(a, one, into: x)
                compute.gemm(a, several, into: y)
                #expect(several.precision == .bfloat16 && x.bits == y.bits)
            }
            compute.pack(whole, transposed: true, into: one, precision: .bfloat16)
            compute.pack(parts, transposed: true, into: several, precision: .bfloat16)
            expectSame(k: k, n: n)
            compute.pack(whole, into: one, precision: .bfloat16)
            compute.pack(stacked: parts, into: several, precision: .bfloat16)
            expectSame(k: n, n: k)
        }
    }

    private func transposed(_ matrix: Matrix) -> [Float] {
        (0..<matrix.columns).flatMap { column in
            (0..<matrix.rows).map { matrix[$0, column] }
        }
    }
}
