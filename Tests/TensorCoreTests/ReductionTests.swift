// Sums and extremes over matrices, sums of columns, and the table look-up with its scatter.

import Kernels
import TensorCore
import Testing

@Suite struct ReductionTests {
    static let shapes = [(0, 3), (1, 0), (1, 1), (1, 16_385), (7, 13), (300, 131), (129, 64)]

    @Test(arguments: InstructionSet.available)
    func wholeMatrices(_ set: InstructionSet) {
        let compute = Compute(threads: 3, instructionSet: set)
        var numbers = SampleNumbers(seed: 51)
        for (rows, columns) in Self.shapes {
            for gap in [0, 3] {
                withArena { arena in
                    let x = Guarded(
                        arena, rows, columns, gap: gap, numbers.floats(rows * columns, scale: 100))
                    let reference = ReferenceMatrix(x.matrix)
                    let name = "\(rows) x \(columns), gap \(gap)"
                    let magnitude = reference.values.reduce(0) { $0 + abs($1) }
                    let squares = ReferenceOperations.sumOfSquares(reference)
                    let roundings = Double(rows * columns) * 0x1p-53
                    let sumError = abs(compute.sum(x.matrix) - ReferenceOperations.sum(reference))
                    #expect(sumError <= 2 * roundings * magnitude, "sum of \(name)")
                    let squareError = abs(compute.sumOfSquares(x.matrix) - squares)
                    #expect(squareError <= 2 * roundings * squares, "squares of \(name)")
                    #expect(
                        Double(compute.maxAbs(x.matrix)) == ReferenceOperations.maxAbs(reference))
                    #expect(compute.allFinite(x.matrix), "\(name)")
                    guard rows * columns > 0 else { return }
                    for stranger in [Float.nan, .infinity, -.infinity] {
                        let place = numbers.below(rows * columns)
                        let before = x.matrix[place / columns, place % columns]
                        x.matrix[place / columns, place % columns] = stranger
                        #expect(!compute.allFinite(x.matrix), "\(stranger) in \(name)")
                        x.matrix[place / columns, place % columns] = before
                    }
                }
            }
        }
    }

    /// Large numbers that cancel: what single precision would lose.
    @Test(arguments: InstructionSet.available)
    func sumsAreInDoublePrecision(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        withArena { arena in
            let x = arena.vector(100_000)
            for index in 0..<50_000 {
                x[0, 2 * index] = 1e6 + 1
                x[0, 2 * index + 1] = -1e6
            }
            #expect(compute.sum(x) == 50_000)
            x.fill(1e30)
            #expect(compute.sumOfSquares(x).isFinite)
        }
    }

    @Test(arguments: InstructionSet.available)
    func threadsDoNotMatter(_ set: InstructionSet) {
        var numbers = SampleNumbers(seed: 52)
        withArena { arena in
            let x = Guarded(arena, 777, 191, numbers.floats(777 * 191))
            let long = arena.vector(numbers.floats(200_001))
            var results: [[UInt64]] = []
            for threads in 1...4 {
                let compute = Compute(threads: threads, instructionSet: set)
                let sums = arena.zeros(1, 191)
                compute.columnSum(x.matrix, into: sums, accumulate: true)
                let doubles = [
                    compute.sum(x.matrix), compute.sum(long), compute.sumOfSquares(x.matrix),
                    compute.sumOfSquares(long),
                ]
                results.append(doubles.map(\.bitPattern) + sums.bits.map { UInt64($0) })
            }
            #expect(results.allSatisfy { $0 == results[0] })
        }
    }

    @Test(arguments: InstructionSet.available)
    func columnSums(_ set: InstructionSet) {
        let compute = Compute(threads: 3, instructionSet: set)
        var numbers = SampleNumbers(seed: 53)
        for (rows, columns) in Self.shapes + [(64, 5), (65, 5), (1000, 70)] {
            withArena { arena in
                let x = Guarded(arena, rows, columns, numbers.floats(rows * columns))
                let sums = Guarded(arena, 1, columns, numbers.floats(columns))
                let before = sums.matrix.toArray()
                let reference = ReferenceMatrix(x.matrix)
                // Runs of 64 rows, then the runs.
                let roundings = Double(min(rows, 64) + rows / 64 + 2) * unitRoundoff
                let magnitudes = ReferenceOperations.columnSum(reference.map { abs($0) })
                compute.columnSum(x.matrix, into: sums.matrix, accumulate: true)
                expectClose(
                    sums.matrix.toArray(),
                    ReferenceOperations.columnSum(reference, onto: before.map(Double.init)),
                    magnitudes.map { ($0 + 1) * roundings }, "accumulated \(rows) x \(columns)")
                sums.matrix.fill(.nan)
                compute.columnSum(x.matrix, into: sums.matrix)
                expectClose(
                    sums.matrix.toArray(), ReferenceOperations.columnSum(reference),
                    magnitudes.map { $0 * roundings }, "\(rows) x \(columns)")
                // A column's sum doesn't depend on the columns around it.
                for column in 0..<min(columns, 80) {
                    let one = arena.vector(1)
                    compute.columnSum(x.matrix.columns(column..<column + 1), into: one)
                    #expect(one.bits == [sums.matrix.bits[column]], "column \(column)")
                }
                #expect(x.isIntact && sums.isIntact)
            }
        }
    }
}

@Suite struct EmbeddingTests {
    @Test(arguments: InstructionSet.available)
    func lookUp(_ set: InstructionSet) {
        let compute = Compute(threads: 3, instructionSet: set)
        var numbers = SampleNumbers(seed: 54)
        for (count, vocabulary, width) in [(0, 3, 4), (1, 1, 1), (70, 11, 5), (500, 40, 130)] {
            withArena { arena in
                let table = Guarded(
                    arena, vocabulary, width, numbers.floats(vocabulary * width))
                let ids = numbers.ids(count, below: vocabulary)
                let y = Guarded(arena, count, width)
                compute.embedding(table.matrix, ids: ids, into: y.matrix)
                #expect(
                    ReferenceMatrix(y.matrix)
                        == ReferenceOperations.embedding(ReferenceMatrix(table.matrix), ids: ids))
                #expect(table.isIntact && y.isIntact)
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func gradient(_ set: InstructionSet) {
        let contexts = (1...4).map { Compute(threads: $0, instructionSet: set) }
        var numbers = SampleNumbers(seed: 55)
        for (count, vocabulary, width) in [(0, 3, 4), (1, 1, 1), (70, 11, 5), (900, 7, 130)] {
            withArena { arena in
                let dy = Guarded(arena, count, width, numbers.floats(count * width))
                let start = numbers.floats(vocabulary * width)
                let ids = numbers.ids(count, below: vocabulary)
                let tables = contexts.map { compute in
                    let table = Guarded(arena, vocabulary, width, start)
                    compute.embeddingBackward(dy.matrix, ids: ids, into: table.matrix)
                    #expect(table.isIntact && dy.isIntact)
                    return table.matrix.bits
                }
                #expect(tables.allSatisfy { $0 == tables[0] }, "threads")
                let before = ReferenceMatrix(
                    rows: vocabulary, columns: width, values: start.map(Double.init))
                let reference = ReferenceMatrix(dy.matrix)
                let magnitudes = ReferenceOperations.embeddingBackward(
                    reference.map { abs($0) }, ids: ids, onto: before.map { abs($0) })
                expectClose(
                    tables[0].map { Float(bitPattern: $0) },
                    ReferenceOperations.embeddingBackward(reference, ids: ids, onto: before).values,
                    magnitudes.values.map { $0 * Double(count + 1) * unitRoundoff },
                    "\(count) ids into \(vocabulary) x \(width)")
            }
        }
    }

    /// An id outside the table stops the program instead of reading other memory.
    @Test func idsOutsideTheTable() async {
        await #expect(processExitsWith: .failure) {
            let arena = Arena()
            let (table, y) = (arena.zeros(4, 8), arena.zeros(1, 8))
            Compute(threads: 1).embedding(table, ids: [4], into: y)
        }
        await #expect(processExitsWith: .failure) {
            let arena = Arena()
            let (table, dy) = (arena.zeros(4, 8), arena.zeros(1, 8))
            Compute(threads: 1).embeddingBackward(dy, ids: [-1], into: table)
        }
    }
}
