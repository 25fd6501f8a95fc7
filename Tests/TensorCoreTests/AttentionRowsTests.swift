// Blocks of attention rows: the bits of the same steps row by row, which have references of their own.

import Kernels
import TensorCore
import Testing

@Suite struct AttentionRowsTests {
    /// Rows, columns, heads: one row, tails of every vector, several words of mask.
    private static let shapes = [(1, 1, 1), (3, 5, 2), (7, 31, 1), (4, 65, 3), (128, 128, 2)]

    private func dropout(_ mask: DropoutMask, heads: Int) -> RowsDropout {
        RowsDropout(
            probability: 0.3, mask: mask, firstMask: heads - 1, maskStep: heads, seed: 5, step: 6,
            site: 7, sample: 8, position: 9)
    }

    @Test(arguments: InstructionSet.available, [false, true])
    func areTheirStepsRowByRow(_ set: InstructionSet, hasDropout: Bool) {
        let serial = Compute(threads: 1, instructionSet: set).serial
        var numbers = SampleNumbers(seed: 91)
        for (rows, columns, heads) in Self.shapes {
            withArena { arena in
                let scores = numbers.floats(rows * columns, scale: 8)
                let block = Guarded(arena, rows, columns, gap: 0, scores)
                let (maximum, sum) = (arena.matrix(rows, heads), arena.matrix(rows, heads))
                let head = heads - 1..<heads
                let mask = arena.dropoutMask(rows * heads, columns + 3)
                let settings = hasDropout ? dropout(mask, heads: heads) : nil
                serial.attentionRows(
                    block.matrix, maximum: maximum.columns(head), sum: sum.columns(head),
                    dropout: settings)

                let single = arena.matrix(rows, columns, scores)
                let statistics = (0..<rows).map { row in
                    let values = single.row(row)
                    let kept = serial.softmax(values, into: values)
                    guard hasDropout else { return kept }
                    serial.dropout(
                        values, probability: 0.3, seed: 5, step: 6, site: 7, sample: 8,
                        position: UInt32(9 + row), into: values)
                    return kept
                }
                let name = "\(rows) x \(columns), \(heads) heads, dropout \(hasDropout)"
                #expect(block.matrix.bits == single.bits, "\(name)")
                #expect(block.isIntact)
                for (row, kept) in statistics.enumerated() {
                    #expect(maximum[row, heads - 1] == kept.maximum)
                    #expect(sum[row, heads - 1] == kept.sum)
                }

                // The probabilities again are the dropped ones of the forward pass.
                let again = Guarded(arena, rows, columns, gap: 0, scores)
                let dropped = Guarded(arena, rows, columns, gap: 0, scores)
                serial.attentionRowsAgain(
                    again.matrix, dropped: dropped.matrix, maximum: maximum.columns(head),
                    sum: sum.columns(head), dropout: settings)
                let used = hasDropout ? dropped : again
                for (ours, first) in zip(used.matrix.toArray(), single.toArray()) {
                    #expect(abs(ours - first) <= 4e-7 * abs(first), "again, \(name)")
                    #expect((ours == 0) == (first == 0) || !hasDropout)
                }
                #expect(again.isIntact && dropped.isIntact)

                let gradients = numbers.floats(rows * columns)
                let gradient = Guarded(arena, rows, columns, gap: 0, gradients)
                serial.attentionRowsBackward(
                    again.matrix, gradient: gradient.matrix, dropout: settings)
                let expected = arena.matrix(rows, columns, gradients)
                for row in 0..<rows {
                    let values = expected.row(row)
                    if hasDropout {
                        serial.dropout(
                            values, probability: 0.3, mask: mask.row(row * heads + heads - 1),
                            into: values)
                    }
                    serial.softmaxBackward(again.matrix.row(row), values, into: values)
                }
                #expect(gradient.matrix.bits == expected.bits, "backward, \(name)")
                #expect(gradient.isIntact)
            }
        }
    }

    /// A row of minus infinities has nothing to attend to: zeros, forward and again.
    @Test(arguments: InstructionSet.available)
    func nothingToAttendTo(_ set: InstructionSet) {
        let serial = Compute(threads: 1, instructionSet: set).serial
        withArena { arena in
            let scores = arena.matrix(2, 20)
            let statistics = arena.matrix(2, 2)
            scores.fill(-.infinity)
            serial.attentionRows(
                scores, maximum: statistics.columns(0..<1), sum: statistics.columns(1..<2),
                dropout: nil)
            #expect(scores.toArray().allSatisfy { $0 == 0 })
            scores.fill(-.infinity)
            serial.attentionRowsAgain(
                scores, dropped: scores, maximum: statistics.columns(0..<1),
                sum: statistics.columns(1..<2), dropout: nil)
            #expect(scores.toArray().allSatisfy { $0 == 0 })
        }
    }
}
