// What `retort bench train` and `bench infer` share: random rows, the same on all ranks, and the way of
// timing them, which is that of the PyTorch script that is run beside them.

import ArgumentParser
import Autograd
import Collectives
import Foundation
import Kernels
import Methods
import Models
import Reporting
import TensorCore
import Training

/// What both benchmarks are told.
struct BenchStepOptions: ParsableArguments {
    @Option(help: "The model folder.")
    var model: String

    @Option(help: "Samples of a step, over all ranks.")
    var batch = 32

    @Option(help: "Tokens of each sample.")
    var length = 128

    @Option(help: "Lengths drawn from this to --length instead of full ones.")
    var shortest: Int?

    @Option(help: "Mean of the lengths from --shortest to --length; without it they are even.")
    var meanLength: Int?

    @Option(
        help: "Precision of products: float32 or bfloat16.", transform: Precision.init(argument:))
    var dtype = Precision.float32

    @Option(help: "Timed steps; the median counts.")
    var steps = 12

    @Option(help: "Pieces of the global batch, a power of two.")
    var microBatches = 8

    @Flag(help: "JSON lines; the only form there is.")
    var json = false

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        if let meanLength, !((shortest ?? length) + 1..<length).contains(meanLength) {
            throw ValidationError(
                "--mean-length \(meanLength): give one between --shortest and --length")
        }
        guard batch > 0, length > 1, steps > 0, (shortest ?? 2) > 1, (shortest ?? 2) <= length,
            microBatches > 0, microBatches & (microBatches - 1) == 0
        else {
            throw ValidationError(
                "--batch, --length, --steps are positive, --micro-batches is a power of two")
        }
    }

    /// The classes of the PyTorch script's task.
    static let labels = (0..<6).map { "class \($0)" }

    func student() throws -> EncoderClassifier {
        try EncoderClassifier(ModelFolder(path: model), labels: Self.labels, newHead: true)
    }

    /// Random samples, the same on all ranks.
    func samples(vocabulary: Int) -> [TrainingSample] {
        let random = Philox4x32(seed: 7)
        let lengths = sampleLengths(random)
        return (0..<batch).map { row in
            let stream = UInt64(row) + 1
            let count = lengths[row]
            let first = min(1000, vocabulary / 2)
            let ids = (0..<count).map {
                Int32(first)
                    + Int32(
                        random.integer(
                            below: UInt64(vocabulary - first), UInt64($0) + 1, stream: stream))
            }
            let label = Int(random.integer(below: 6, 0, stream: stream << 32))
            return TrainingSample(
                tokens: TokenSequence(ids: ids), target: (0..<6).map { $0 == label ? 1 : 0 },
                weight: 1, sample: UInt32(row))
        }
    }

    /// Lengths even between the shortest and the longest, or skewed to a mean.
    ///
    /// The mean of u^k over 0..1 is 1 / (k + 1); the u are evenly spaced, in random order.
    private func sampleLengths(_ random: Philox4x32) -> [Int] {
        let shortest = shortest ?? length
        let exponent =
            meanLength.map { Double(length - shortest) / Double($0 - shortest) - 1 } ?? 1
        let keys = (0..<batch).map { random.uniform(0, stream: UInt64($0) + 1) }
        let order = keys.indices.sorted { keys[$0] < keys[$1] }
        return order.map { place in
            let share = pow((Double(place) + 0.5) / Double(batch), exponent)
            return shortest + Int((Double(length - shortest) * share).rounded())
        }
    }

    /// Operations a second that all ranks' threads could do together: the micro-kernel's, measured on
    /// all ranks at once.
    func peak(_ context: RankContext) throws -> Double {
        try context.communicator.barrier()
        let own =
            context.compute.measuredPeak(precision: dtype) * Double(context.compute.threadCount)
        return try context.communicator.allReduce([own], .sum)[0]
    }

    /// What was reached of the peak, as members of the JSON line.
    func speed(operations: Double, seconds: Double, peak: Double) -> [ReportValue.Member] {
        [
            .init("gflops", .number(rounded(operations / seconds / 1e9))),
            .init("peak_gflops", .number(rounded(peak / 1e9))),
            .init("share", .number(rounded(operations / seconds / peak, 1000))),
        ]
    }

    /// The median seconds of a body that all ranks run together.
    func median(
        _ communicator: Communicator, steps: Int, _ body: (Int) throws -> Void
    ) throws -> Double {
        var seconds: [Double] = []
        for step in 0..<(steps + 2) {
            try communicator.barrier()
            let start = ContinuousClock.now
            try body(step)
            seconds.append((ContinuousClock.now - start).inSeconds)
        }
        // The first two steps take memory from the system.
        return seconds.dropFirst(2).sorted()[steps / 2]
    }

    /// The median seconds of a batch of inference over all ranks.
    func inferenceSeconds(
        _ student: EncoderClassifier, _ samples: [TrainingSample], _ context: RankContext,
        steps: Int, memory: TapeMemory = TapeMemory()
    ) throws -> Double {
        let inference = Inference(
            student, compute: context.compute, memory: memory, precision: dtype)
        return try median(context.communicator, steps: steps) { _ in
            _ = try inference.probabilities(of: samples.count, over: context.communicator) {
                part in
                samples[part].map(\.tokens)
            }
        }
    }

    /// One JSON line with the keys of the PyTorch script and more.
    func line(
        _ context: RankContext, _ values: [ReportValue.Member], tokens: Int
    ) -> String {
        let head: [ReportValue.Member] = [
            .init("peer", "retort"), .init("ranks", .integer(context.communicator.size)),
            .init("threads", .integer(context.compute.threadCount)),
            .init("dtype", .text(dtype.rawValue)), .init("compile", false),
            .init("batch", .integer(batch)),
            .init("length", .integer(length)), .init("tokens", .integer(tokens)),
            .init("instruction_set", .text("\(context.compute.instructionSet.description)")),
        ]
        return ReportValue.object(head + values).json + "\n"
    }
}
