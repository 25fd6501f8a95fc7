// Products with panels that were packed for others: in both directions and both precisions, held as floats
// and as bfloat16, the bits are those with the plain matrix.

import Kernels
import TensorCore
import Testing

@Suite struct StoredPanelTests {
    /// Few rows and many, shapes that end inside panels and runs, on one thread and three.
    @Test(arguments: InstructionSet.available, [false, true])
    func theBitsOfThePlainProduct(_ set: InstructionSet, isHalved: Bool) {
        var numbers = SampleNumbers(seed: 51)
        let depth = KernelTable(set).functions.pointee.depth_limit
        let shapes = [
            (1, 1), (5, 3), (70, 33), (96, 384), (2 * depth + 9, 40), (40, depth + 13),
            (1100, 700),
        ]
        for (inner, outer) in shapes {
            for rows in [1, 9, 300] {
                withArena { arena in
                    let weight = arena.matrix(outer, inner, numbers.floats(outer * inner))
                    if isHalved {
                        for row in 0..<outer {
                            for column in 0..<inner {
                                weight[row, column] = BFloat16Tests.widened(weight[row, column])
                            }
                        }
                    }
                    let x = arena.matrix(rows, inner, numbers.floats(rows * inner))
                    let dy = arena.matrix(rows, outer, numbers.floats(rows * outer))
                    for threads in [1, 3] {
                        let compute = Compute(threads: threads, instructionSet: set)
                        let packed = PackedMatrix()
                        if isHalved {
                            compute.packHalved(weight, transposed: true, into: packed)
                        } else {
                            compute.pack(weight, transposed: true, into: packed)
                        }
                        for precision in Precision.allCases {
                            check(compute, arena, x, dy, weight, packed, precision)
                        }
                    }
                }
            }
        }
    }

    private func check(
        _ compute: Compute, _ arena: Arena, _ x: Matrix, _ dy: Matrix, _ weight: Matrix,
        _ packed: PackedMatrix, _ precision: Precision
    ) {
        let place = "\(x.rows) x \(weight.columns) x \(weight.rows), \(precision)"
        let (y, again) = (arena.matrix(x.rows, weight.rows), arena.matrix(x.rows, weight.rows))
        compute.gemm(x, transposed: false, weight, transposed: true, into: y, precision: precision)
        again.fill(.nan)
        compute.gemm(x, stored: packed, into: again, precision: precision)
        #expect(again.bits == y.bits, "y = x W^T, \(place)")
        let (dx, repeated) = (
            arena.matrix(x.rows, weight.columns), arena.matrix(x.rows, weight.columns)
        )
        compute.gemm(dy, weight, into: dx, precision: precision)
        repeated.fill(.nan)
        compute.gemm(dy, stored: packed, transposed: true, into: repeated, precision: precision)
        #expect(repeated.bits == dx.bits, "dx = dy W, \(place)")
        // Added to what is there, and an epilogue that sees it.
        dx.fill(1)
        repeated.fill(1)
        compute.gemm(dy, weight, into: dx, accumulate: true, precision: precision)
        compute.scale(2, dx, into: dx)
        compute.gemm(
            dy, stored: packed, transposed: true, into: repeated, accumulate: true,
            precision: precision
        ) { rows in
            for row in rows {
                compute.serial.scale(2, repeated.row(row), into: repeated.row(row))
            }
        }
        #expect(repeated.bits == dx.bits, "dx += dy W, \(place)")
    }
}
