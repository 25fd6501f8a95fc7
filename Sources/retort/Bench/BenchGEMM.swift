// `retort bench gemm`: matrix products of the shapes of small transformers, on one thread unless told
// otherwise, beside the peak of this machine measured in the same run.

import ArgumentParser
import Foundation
import Kernels
import Reporting
import TensorCore
import Training

/// Times matrix products.
struct BenchGEMM: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gemm",
        abstract: "Time y = x W^T; a JSON line a shape: gflops, peak_gflops, share.")

    @Option(
        help: ArgumentHelp(
            "Shapes m,n,k; x is m x k, W n x k.", valueName: "m,n,k"))
    var shape: [String] = []

    @Option(help: "Timed products a shape; the best counts.")
    var repetitions = 15

    @Option(help: "Threads.")
    var threads = 1

    @Option(
        help: "Precision of the operands: float32 or bfloat16.",
        transform: Precision.init(argument:))
    var dtype = Precision.float32

    @Flag(help: "JSON lines; the only form there is.")
    var json = false

    /// The shapes of a 6-layer BERT of width 384 at 4,096 tokens, of a 1B Llama block, and squares.
    private static let shapes = [
        (4096, 384, 384), (4096, 1536, 384), (4096, 384, 1536), (384, 384, 4096),
        (384, 1536, 4096), (512, 2048, 2048), (512, 8192, 2048), (1024, 1024, 1024),
        (2048, 2048, 2048), (128, 384, 384), (17, 384, 384),
    ]

    func run() throws {
        let compute = Compute(threads: threads)
        for (m, n, k) in try parsedShapes() {
            let peak = compute.measuredPeak(precision: dtype) / 1e9
            let gflops = best(compute, m, n, k)
            StandardOutput.write(
                ReportValue.object([
                    .init("peer", "retort"), .init("dtype", .text(dtype.rawValue)),
                    .init("m", .integer(m)), .init("n", .integer(n)), .init("k", .integer(k)),
                    .init("gflops", .number(rounded(gflops))),
                    .init("peak_gflops", .number(rounded(peak))),
                    .init("share", .number(rounded(gflops / peak, 1000))),
                    .init("instruction_set", .text(compute.instructionSet.description)),
                    .init("threads", .integer(compute.threadCount)),
                ]).json + "\n")
        }
    }

    private func parsedShapes() throws -> [(Int, Int, Int)] {
        if shape.isEmpty { return Self.shapes }
        return try shape.map { text in
            let numbers = text.split(separator: ",").compactMap { Int($0) }
            guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 }) else {
                throw ValidationError("--shape \(text): give three numbers, as 1024,1024,1024")
            }
            return (numbers[0], numbers[1], numbers[2])
        }
    }

    private func best(
        _ compute: Compute, _ m: Int, _ n: Int, _ k: Int
    ) -> Double {
        let memory = Arena()
        let (x, weight, y) = (memory.matrix(m, k), memory.matrix(n, k), memory.matrix(m, n))
        let random = Philox4x32(seed: 1)
        x.assign((0..<(m * k)).map { Float(random.uniform(UInt64($0)) - 0.5) })
        weight.assign((0..<(n * k)).map { Float(random.uniform(UInt64($0), stream: 1) - 0.5) })
        compute.gemm(
            x, transposed: false, weight, transposed: true, into: y, precision: dtype)
        var seconds = Double.infinity
        for _ in 0..<max(1, repetitions) {
            let start = ContinuousClock.now
            compute.gemm(
                x, transposed: false, weight, transposed: true, into: y, precision: dtype)
            seconds = min(seconds, (ContinuousClock.now - start).inSeconds)
        }
        return 2 * Double(m) * Double(n) * Double(k) / seconds / 1e9
    }
}

/// A number rounded to one decimal, or to `steps` parts of one.
func rounded(_ value: Double, _ steps: Double = 10) -> Double {
    (value * steps).rounded() / steps
}
