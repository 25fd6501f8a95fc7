// Dropout: the mask is its definition, word by word, wherever a row lies.

import Kernels
import TensorCore
import Testing

@Suite struct DropoutTests {
    static func stream(_ rows: Int, seed: UInt64 = 1, step: UInt64 = 2) -> DropoutStream {
        DropoutStream(
            seed: seed, step: step, site: 3, sample: (0..<rows).map { UInt32($0 / 5 + 1000) },
            position: (0..<rows).map { UInt32($0 % 5) })
    }

    @Test(arguments: InstructionSet.available)
    func theMaskIsItsDefinition(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 61)
        for (rows, columns) in [(0, 4), (1, 1), (12, 3), (9, 30), (7, 65), (3, 1029)] {
            for probability: Float in [0, 0.1, 0.5, 0.999] {
                withArena { arena in
                    // Never 0, so that a dropped element can be told.
                    let x = Guarded(
                        arena, rows, columns, numbers.floats(rows * columns, scale: 0.5, around: 1))
                    let y = Guarded(arena, rows, columns, gap: 1)
                    let stream = Self.stream(rows)
                    compute.dropout(
                        x.matrix, probability: probability, stream: stream, into: y.matrix)
                    let expected = ReferenceOperations.dropout(
                        ReferenceMatrix(x.matrix), probability: probability, stream: stream)
                    let name = "\(rows) x \(columns), \(probability)"
                    expectClose(y.matrix, expected, relative: 2 * unitRoundoff, name)
                    #expect(
                        zip(y.matrix.toArray(), expected.values).allSatisfy {
                            ($0 == 0) == ($1 == 0)
                        }, "mask of \(name)")
                    if probability == 0 { #expect(y.matrix.bits == x.matrix.bits) }
                    let serial = arena.matrix(rows, columns)
                    for row in 0..<rows {
                        compute.serial.dropout(
                            x.matrix.row(row), probability: probability, stream: stream, row: row,
                            into: serial.row(row))
                    }
                    #expect(serial.bits == y.matrix.bits, "serial, \(name)")
                    compute.dropout(
                        x.matrix, probability: probability, stream: stream, into: x.matrix)
                    #expect(x.matrix.bits == y.matrix.bits, "in place, \(name)")
                    #expect(x.isIntact && y.isIntact)
                }
            }
        }
    }

    /// A kept mask says what was kept, and with it the same elements are dropped again.
    @Test(arguments: InstructionSet.available)
    func aKeptMaskDropsTheSame(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 63)
        for (rows, columns) in [(1, 1), (5, 8), (12, 30), (9, 33), (7, 65), (3, 1029)] {
            withArena { arena in
                let x = arena.matrix(rows, columns, numbers.floats(rows * columns))
                let (plain, y) = (arena.matrix(rows, columns), arena.matrix(rows, columns))
                let (stream, mask) = (Self.stream(rows), arena.dropoutMask(rows, columns))
                compute.dropout(x, probability: 0.3, stream: stream, into: plain)
                compute.dropout(x, probability: 0.3, stream: stream, into: y, keeping: mask)
                #expect(y.bits == plain.bits)
                for row in 0..<rows {
                    for column in 0..<columns {
                        #expect(
                            mask.row(row).keeps(column)
                                == stream.keeps(row: row, column: column, probability: 0.3))
                    }
                }
                let again = Guarded(arena, rows, columns, gap: 2, x.toArray())
                compute.dropout(
                    again.matrix, probability: 0.3, mask: mask, into: again.matrix)
                #expect(again.matrix.bits == plain.bits)
                #expect(again.isIntact)
            }
        }
    }

    @Test(arguments: InstructionSet.available)
    func keepRate(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        let (rows, columns) = (400, 1001)
        withArena { arena in
            let (x, y) = (arena.matrix(rows, columns), arena.matrix(rows, columns))
            x.fill(1)
            for probability: Float in [0.01, 0.1, 0.5, 0.9] {
                compute.dropout(x, probability: probability, stream: Self.stream(rows), into: y)
                let kept = Double(y.toArray().count { $0 != 0 })
                let (count, keep) = (Double(rows * columns), 1 - Double(probability))
                let deviation = (count * keep * (1 - keep)).squareRoot()
                #expect(abs(kept - count * keep) < 5 * deviation, "\(kept) of \(count) kept")
                // The expectation of an element is kept.
                #expect(abs(compute.sum(y) / count - 1) < 5 * deviation / keep / count)
            }
        }
    }

    /// Backward is the same call: with the gradient of y it gives that of x.
    @Test(arguments: InstructionSet.available)
    func backwardIsTheSameCall(_ set: InstructionSet) {
        let compute = Compute(threads: 2, instructionSet: set)
        var numbers = SampleNumbers(seed: 62)
        let (rows, columns) = (31, 67)
        withArena { arena in
            let x = arena.matrix(rows, columns, numbers.floats(rows * columns))
            let dy = arena.matrix(rows, columns, numbers.floats(rows * columns))
            let (y, dx) = (arena.matrix(rows, columns), arena.matrix(rows, columns))
            compute.dropout(x, probability: 0.3, stream: Self.stream(rows), into: y)
            compute.dropout(dy, probability: 0.3, stream: Self.stream(rows), into: dx)
            // <dropout(x), dy> = <x, dropout(dy)>: the operation is its own transpose.
            let left = zip(y.toArray(), dy.toArray()).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            let right = zip(x.toArray(), dx.toArray()).reduce(0) {
                $0 + Double($1.0) * Double($1.1)
            }
            #expect(abs(left - right) < Double(rows * columns) * 4 * unitRoundoff)
        }
    }

    @Test(arguments: InstructionSet.available)
    func layoutAndThreadsDoNotMatter(_ set: InstructionSet) {
        let (rows, columns) = (500, 77)
        withArena { arena in
            let x = arena.matrix(rows, columns)
            x.fill(1)
            let stream = Self.stream(rows)
            var results: [[UInt32]] = []
            for threads in 1...4 {
                let y = arena.matrix(rows, columns)
                Compute(threads: threads, instructionSet: set)
                    .dropout(x, probability: 0.4, stream: stream, into: y)
                results.append(y.bits)
            }
            #expect(results.allSatisfy { $0 == results[0] }, "threads")
            // The rows in another order, and a part of the columns.
            let compute = Compute(threads: 2, instructionSet: set)
            let order = (0..<rows).map { ($0 * 377 + 11) % rows }
            let moved = DropoutStream(
                seed: stream.seed, step: stream.step, site: stream.site,
                sample: order.map { stream.sample[$0] }, position: order.map { stream.position[$0] }
            )
            let y = arena.matrix(rows, columns)
            compute.dropout(x, probability: 0.4, stream: moved, into: y)
            for (row, source) in order.enumerated() {
                let due = Array(results[0][source * columns..<(source + 1) * columns])
                #expect(y.row(row).bits == due, "row \(source) at \(row)")
            }
            let narrow = arena.matrix(rows, 13)
            compute.dropout(
                x.columns(0..<13), probability: 0.4, stream: stream, into: narrow)
            #expect(narrow.row(3).bits == Array(results[0][3 * columns..<3 * columns + 13]))
        }
    }

    /// Everything that names a row changes its mask.
    @Test func everyNameCounts() {
        let base = Self.stream(1)
        var others = Array(repeating: base, count: 5)
        others[0].seed += 1
        others[1].step += 1
        others[2].site += 1
        others[3].sample[0] += 1
        others[4].position[0] += 1
        func mask(_ stream: DropoutStream) -> [Bool] {
            (0..<256).map { stream.keeps(row: 0, column: $0, probability: 0.5) }
        }
        let masks = ([base] + others).map(mask)
        for left in 0..<masks.count {
            for right in 0..<left {
                let equal = zip(masks[left], masks[right]).count { $0 == $1 }
                #expect(abs(equal - 128) < 48, "masks \(left) and \(right) agree in \(equal)")
            }
        }
    }
}
