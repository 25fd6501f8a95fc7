// `retort bench lora`: training steps of adapters beside a frozen decoder, on one rank: forward, loss of every
// next token, backward, clipping, AdamW. `deploy/bench/peer_lora.py` does the same with peft.

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

/// Times steps of adapters.
struct BenchLoRA: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lora",
        abstract: "Time training steps of adapters beside a frozen decoder; one JSON line.")

    @Option(help: "The decoder's folder.")
    var model: String

    @Option(help: "Rank of the adapters.")
    var rank = 8

    @Option(help: "Layers with adapters, by commas.")
    var targets = "all-linear"

    @Option(help: "Dropout on the adapters' input.")
    var dropout: Float = 0

    @Option(help: "Texts of a step.")
    var batch = 2

    @Option(help: "Tokens of each text.")
    var length = 128

    @Option(
        help: "Precision of products: float32 or bfloat16.", transform: Precision.init(argument:))
    var dtype = Precision.float32

    @Option(help: "Timed steps; the median counts.")
    var steps = 5

    @Flag(help: "Holds base weights that aren't bfloat16 rounded to it.")
    var halves = false

    @Flag(help: "Runs each layer again in the backward pass.")
    var recompute = false

    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        guard batch > 0, length > 1, steps > 0 else {
            throw ValidationError("--batch and --steps are positive, --length is above 1")
        }
    }

    func run() throws {
        try Launch.onRanks(compute) { context in
            let student = try LoRAModel(
                base: DecoderFolder(path: model),
                options: LoRAOptions(
                    rank: rank, alpha: Double(2 * rank), dropout: dropout,
                    targets: LoRATargets(targets.split(separator: ",").map(String.init))),
                seed: 1, holdsHalves: halves)
            let line = try line(student, context.compute)
            if context.console.isLeader { StandardOutput.write(line.json + "\n") }
            return 0
        }
    }

    private func line(_ student: LoRAModel, _ context: Compute) throws -> ReportValue {
        let vocabulary = student.configuration.vocabularySize
        // The peer's texts: numbers that need no generator in common.
        let texts = (0..<batch).map { row in
            (0..<length).map { Int32(((row * length + $0) * 7919 + 13) % vocabulary) }
        }
        try student.check(texts, labels: texts)
        let step = LoRAStep(student, context, texts, dtype, recomputes: recompute)
        var seconds: [Double] = []
        var losses: [Double] = []
        for index in 0..<(steps + 2) {
            let start = ContinuousClock.now
            losses.append(step.run(index))
            seconds.append((ContinuousClock.now - start).inSeconds)
        }
        // The first step packs the weights, the first two take memory from the system.
        let median = seconds.dropFirst(2).sorted()[steps / 2]
        return ReportValue.object([
            .init("peer", "retort"), .init("dtype", .text(dtype.rawValue)),
            .init("threads", .integer(context.threadCount)), .init("batch", .integer(batch)),
            .init("length", .integer(length)), .init("rank", .integer(rank)),
            .init("targets", .text(targets)),
            .init("weights", .integer(student.configuration.weightCount)),
            .init("trained", .integer(student.parameters.weightCount)),
            .init("step_s", .number(rounded(median, 10_000))),
            .init("tokens_per_s", .number(rounded(Double(batch * length) / median))),
            .init("first_loss", .number(rounded(losses[0], 1_000_000))),
            .init("last_loss", .number(rounded(losses[losses.count - 1], 1_000_000))),
            .init("peak_rss_mib", .integer(Memory.peakResidentBytes >> 20)),
            .init("instruction_set", .text("\(context.instructionSet)")),
        ])
    }
}

/// One training step of adapters on one rank.
private final class LoRAStep {
    private let student: LoRAModel
    private let compute: Compute
    private let batch: DecoderBatch
    private let precision: Precision
    private let recomputes: Bool
    private let memory = TapeMemory()
    private let storage = Arena()
    private let gradients: Matrix
    private let moments: (first: Matrix, second: Matrix)

    init(
        _ student: LoRAModel, _ compute: Compute, _ texts: [[Int32]], _ precision: Precision,
        recomputes: Bool
    ) {
        self.student = student
        self.compute = compute
        self.precision = precision
        self.recomputes = recomputes
        batch = DecoderBatch(texts, labels: texts)
        let count = student.parameters.elementCount
        gradients = storage.zeros(1, count)
        moments = (storage.zeros(1, count), storage.zeros(1, count))
    }

    /// The mean loss before the step.
    func run(_ index: Int) -> Double {
        memory.reset()
        let tape = Tape(
            compute: compute, memory: memory, parameters: student.parameters,
            layout: batch.layout, precision: precision,
            sink: GradientSink(nodes: [.init(leaves: 0..<1, gradients: gradients)]))
        let count = batch.predicting.count
        let loss = student.tokenLoss(
            tape, batch, gradientScale: 1 / Float(count), recomputesLayers: recomputes,
            dropout: DropoutPlan(seed: 1, step: UInt64(index)))
        let norm = compute.sumOfSquares(gradients).squareRoot()
        compute.adamW(
            parameters: student.parameters.values, gradients: gradients,
            firstMoment: moments.first, secondMoment: moments.second, step: index + 1,
            learningRate: 1e-4, weightDecay: 0, gradientScale: Float(min(1, 1 / (norm + 1e-6))))
        student.parameters.noteChange()
        return loss.sum / Double(count)
    }
}
