// The speed of the micro-kernel alone, on panels that stay in the first-level cache: what every other
// figure of the matrix product is compared with, measured in the same run.

internal import Kernels

extension Compute {
    /// Floating-point operations a second of one thread's micro-kernel: the best of `repetitions`
    /// timings of about a millisecond.
    public func measuredPeak(
        repetitions: Int = 30, precision: Precision = .float32
    ) -> Double {
        let format = PanelFormat(kernels: kernels, precision: precision)
        let table = kernels.pointee
        let (rows, columns) = (format.rowTile, format.columnTile)
        let depth = format.slots(format.depthLimit)
        let multiply = precision == .float32 ? table.gemm_block : table.gemm_block_bfloat16
        let arena = Arena()
        let a = arena.vector(rows * depth)
        let b = arena.vector(columns * depth)
        let c = arena.matrix(rows, columns)
        let scratch = arena.vector((rows + 1) * columns)
        a.fill(0.5)
        b.fill(0.25)
        c.fill(0)
        let operations = 2 * Double(rows * columns * format.depthLimit)
        let calls = max(1, Int(1e8 / operations))
        let clock = ContinuousClock()
        var best = Double.infinity
        for _ in 0..<repetitions {
            let time = clock.measure {
                for _ in 0..<calls {
                    multiply(
                        a.base, b.base, rows, columns, depth, c.base, columns, 0, nil, 1,
                        scratch.base)
                }
            }
            best = min(best, time / .seconds(1))
        }
        return operations * Double(calls) / best
    }
}
