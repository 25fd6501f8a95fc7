// An element of a product has the same bits whatever surrounds it: rows, columns, position, threads,
// packing, storage order. Batches of another layout then train the same model.

import Kernels
import TensorCore
import Testing

@Suite struct GemmBitsTests {
    /// Depths inside one run, at its end and across several.
    static func depths(_ set: InstructionSet) -> [Int] {
        let limit = KernelTable(set).functions.pointee.depth_limit
        return [5, limit, limit + 1, 2 * limit + 77]
    }

    @Test(arguments: InstructionSet.available)
    func aRowDoesNotDependOnItsMatrix(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 4)
        let compute = Compute(threads: 1, instructionSet: set)
        let (m, n) = (211, 83)
        for k in Self.depths(set) {
            withArena { arena in
                let a = arena.matrix(m, k, numbers.floats(m * k))
                let b = arena.matrix(k, n, numbers.floats(k * n))
                let bias = arena.vector(numbers.floats(n))
                let whole = arena.matrix(m, n)
                compute.gemm(a, b, into: whole, bias: bias)
                for count in [1, 2, 5, 12, 13, 17, 100] {
                    for start in [0, 1, 6, m - count] {
                        let part = Guarded(arena, count, n)
                        compute.gemm(
                            a.rows(start..<start + count), b, into: part.matrix, bias: bias)
                        #expect(
                            part.matrix.bits == whole.rows(start..<start + count).bits,
                            "rows \(start)..<\(start + count) of \(m), k \(k)")
                    }
                }
                for (start, count) in [(0, 1), (3, 7), (31, 33), (n - 9, 9)] {
                    let part = Guarded(arena, m, count)
                    let columns = start..<start + count
                    compute.gemm(
                        a, b.columns(columns), into: part.matrix, bias: bias.columns(columns))
                    #expect(
                        part.matrix.bits == whole.columns(columns).bits,
                        "columns \(columns) of \(n), k \(k)")
                }
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func threadsPackingAndStorageDoNotMatter(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 5)
        let contexts = (1...4).map { Compute(threads: $0, instructionSet: set) }
        let scratch = GEMMScratch()
        for (m, n) in [(1, 40), (17, 384), (130, 65), (400, 33)] {
            for k in Self.depths(set) {
                withArena { arena in
                    let a = arena.matrix(m, k, numbers.floats(m * k))
                    let b = arena.matrix(k, n, numbers.floats(k * n))
                    let turnedA = arena.matrix(k, m, transposed(a))
                    let turnedB = arena.matrix(n, k, transposed(b))
                    let start = numbers.floats(m * n)
                    var results: [(String, [UInt32])] = []
                    func record(_ name: String, _ run: (Matrix) -> Void) {
                        let c = arena.matrix(m, n, start)
                        run(c)
                        results.append((name, c.bits))
                    }
                    for compute in contexts {
                        let name = "\(m) x \(k) x \(n), \(compute.threadCount) threads"
                        let packed = PackedMatrix()
                        let packedTurned = PackedMatrix()
                        compute.pack(b, into: packed)
                        compute.pack(turnedB, transposed: true, into: packedTurned)
                        record("\(name)") {
                            compute.gemm(a, b, into: $0, accumulate: true, scale: 0.3)
                        }
                        record("\(name), A transposed") {
                            compute.gemm(
                                turnedA, transposed: true, b, into: $0, accumulate: true,
                                scale: 0.3)
                        }
                        record("\(name), B transposed") {
                            compute.gemm(
                                a, transposed: false, turnedB, transposed: true, into: $0,
                                accumulate: true, scale: 0.3)
                        }
                        record("\(name), packed") {
                            compute.gemm(a, packed, into: $0, accumulate: true, scale: 0.3)
                        }
                        record("\(name), both transposed and packed") {
                            compute.gemm(
                                turnedA, transposed: true, packedTurned, into: $0,
                                accumulate: true, scale: 0.3)
                        }
                        record("\(name), serial") {
                            compute.serial.gemm(
                                a, b, into: $0, accumulate: true, scale: 0.3, scratch: scratch)
                        }
                    }
                    for (name, bits) in results { #expect(bits == results[0].1, "\(name)") }
                }
            }
        }
    }

    /// Products inside the bodies of `parallelFor`, serial and whole, several at once.
    @Test(arguments: InstructionSet.available)
    func productsInsideParallelBodies(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 6)
        let compute = Compute(threads: 3, instructionSet: set)
        let (m, n, k, count) = (65, 70, 40, 24)
        withArena { arena in
            let a = arena.matrix(count * m, k, numbers.floats(count * m * k))
            let b = arena.matrix(k, n, numbers.floats(k * n))
            let expected = arena.matrix(count * m, n)
            compute.gemm(a, b, into: expected)
            let serial = arena.matrix(count * m, n)
            let nested = arena.matrix(count * m, n)
            let scratches = (0..<count).map { _ in GEMMScratch() }
            compute.parallelFor(count) { range in
                for index in range {
                    let rows = index * m..<(index + 1) * m
                    compute.serial.gemm(
                        a.rows(rows), b, into: serial.rows(rows), scratch: scratches[index])
                    compute.gemm(a.rows(rows), b, into: nested.rows(rows))
                }
            }
            #expect(serial.bits == expected.bits)
            #expect(nested.bits == expected.bits)
        }
    }

    /// A packed matrix is refilled with other shapes, and scratch shrinks and grows with them.
    @Test(arguments: InstructionSet.available)
    func packedMemoryIsReused(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 7)
        let compute = Compute(threads: 2, instructionSet: set)
        let packed = PackedMatrix()
        for (k, n) in [(300, 100), (7, 3), (515, 130), (1, 1), (64, 64)] {
            withArena { arena in
                let b = arena.matrix(k, n, numbers.floats(k * n))
                let a = arena.matrix(9, k, numbers.floats(9 * k))
                let (plain, other) = (arena.matrix(9, n), arena.matrix(9, n))
                compute.pack(b, into: packed)
                #expect(packed.rows == k && packed.columns == n)
                compute.gemm(a, b, into: plain)
                compute.gemm(a, packed, into: other)
                #expect(plain.bits == other.bits, "\(k) x \(n)")
            }
        }
    }

    private func transposed(_ matrix: Matrix) -> [Float] {
        (0..<matrix.columns).flatMap { column in
            (0..<matrix.rows).map { matrix[$0, column] }
        }
    }
}
