// Products with a packed right operand: with an epilogue over finished rows, and packed from several
// matrices.

import Kernels
import Synchronization
import TensorCore
import Testing

@Suite struct PackedProductTests {
    /// Every row is given to the epilogue once, finished, and C has the bits of the plain product.
    @Test(arguments: InstructionSet.available)
    func anEpilogueSeesFinishedRows(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 21)
        let depth = KernelTable(set).functions.pointee.depth_limit
        for (m, n, k) in [(1, 5, 3), (17, 384, 384), (700, 96, 2 * depth + 9), (900, 40, 200)] {
            for threads in [1, 3] {
                let compute = Compute(threads: threads, instructionSet: set)
                withArena { arena in
                    let a = arena.matrix(m, k, numbers.floats(m * k))
                    let b = arena.matrix(k, n, numbers.floats(k * n))
                    let bias = arena.vector(numbers.floats(n))
                    let expected = arena.matrix(m, n)
                    compute.gemm(a, b, into: expected, bias: bias)
                    compute.scale(2, expected, into: expected)
                    let packed = PackedMatrix()
                    compute.pack(b, into: packed)
                    let c = arena.matrix(m, n)
                    let seen = Mutex([Range<Int>]())
                    compute.gemm(a, packed, into: c, bias: bias) { rows in
                        seen.withLock { $0.append(rows) }
                        for row in rows { compute.serial.scale(2, c.row(row), into: c.row(row)) }
                    }
                    let same = c.bits == expected.bits
                    #expect(same, "\(m) x \(n) x \(k), \(threads) threads")
                    let rows = seen.withLock { $0.flatMap { Array($0) }.sorted() }
                    #expect(rows == Array(0..<m))
                }
            }
        }
    }

    /// The epilogue runs where there is nothing to multiply, too.
    @Test func anEpilogueOfEmptySums() {
        let compute = Compute(threads: 2)
        withArena { arena in
            let packed = PackedMatrix()
            compute.pack(arena.matrix(0, 4), into: packed)
            let c = arena.matrix(3, 4)
            let count = Atomic(0)
            compute.gemm(arena.matrix(3, 0), packed, into: c) { rows in
                count.add(rows.count, ordering: .relaxed)
            }
            #expect(c.toArray().allSatisfy { $0 == 0 })
            #expect(count.load(ordering: .relaxed) == 3)
        }
    }

    /// Parts of any widths, which begin and end inside panels and runs, against one matrix of all.
    @Test(arguments: InstructionSet.available)
    func partsGiveTheBitsOfTheWhole(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 22)
        let compute = Compute(threads: 2, instructionSet: set)
        for widths in [[64, 64, 64], [5], [33, 1, 70], [200, 200], [384, 384, 384]] {
            let (n, k, m) = (widths.reduce(0, +), 300, 19)
            withArena { arena in
                let whole = arena.matrix(n, k, numbers.floats(n * k))
                var parts: [Matrix] = []
                var start = 0
                for width in widths {
                    parts.append(whole.rows(start..<start + width))
                    start += width
                }
                let (one, several) = (PackedMatrix(), PackedMatrix())
                func expectSame(_ name: String, k: Int, n: Int) {
                    #expect(several.rows == k && several.columns == n)
                    let a = arena.matrix(m, k, numbers.floats(m * k))
                    let (x, y) = (arena.matrix(m, n), arena.matrix(m, n))
                    compute.gemm(a, one, into: x)
                    compute.gemm(a, several, into: y)
                    let same = x.bits == y.bits
                    #expect(same, "\(name) \(widths)")
                }
                compute.pack(whole, transposed: true, into: one)
                compute.pack(parts, transposed: true, into: several)
                expectSame("transposed", k: k, n: n)
                compute.pack(whole, into: one)
                compute.pack(stacked: parts, into: several)
                expectSame("stacked", k: n, n: k)
                let turned = arena.matrix(k, n, numbers.floats(n * k))
                start = 0
                let columns = widths.map { width in
                    defer { start += width }
                    return turned.columns(start..<start + width)
                }
                compute.pack(turned, into: one)
                compute.pack(columns, into: several)
                expectSame("side by side", k: k, n: n)
            }
        }
    }
}
