// `retort bench train`: steps of a classifier, or of a decoder, over all ranks: forward, backward, gradient
// sum, clipping, AdamW.

import ArgumentParser
import Collectives
import Foundation
import Kernels
import Methods
import Models
import Reporting
import TensorCore
import Training

/// Times training steps.
struct BenchTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Time training steps over all ranks; one JSON line.")

    @OptionGroup var options: BenchStepOptions

    func run() throws {
        try Launch.onRanks(options.compute) { context in
            if try DecoderFolder.isDecoder(options.model) {
                try timeDecoder(context)
                return 0
            }
            let student = try options.student()
            let samples = options.samples(vocabulary: student.configuration.vocabularySize)
            var training = TrainingOptions()
            training.microBatches = options.microBatches
            training.precision = options.dtype
            let trainer = ParallelStudent(
                ClassificationTask(student), options: training, seed: 1,
                communicator: context.communicator, compute: context.compute)
            let seconds = try options.median(
                context.communicator, steps: options.steps
            ) { step in
                _ = try trainer.train(on: samples, step: step, rate: 2e-5)
            }
            let traffic = context.communicator.trafficSoFar
            let inference = try options.inferenceSeconds(
                student, samples, context, steps: max(4, options.steps / 2),
                memory: trainer.memory)
            let resident = try context.communicator.allReduce(
                [Int64(Memory.peakResidentBytes)], .maximum)[0]
            let peak = try options.peak(context)
            // The backward pass has two products for each one of the forward pass.
            let operations =
                3
                * student.configuration.forwardOperations(
                    lengths: samples.map(\.tokens.ids.count))
            if context.console.isLeader {
                StandardOutput.write(
                    options.line(
                        context,
                        [
                            .init("step_s", .number(rounded(seconds, 10_000))),
                            .init(
                                "train_samples_per_s",
                                .number(rounded(Double(options.batch) / seconds, 100))),
                            .init(
                                "infer_samples_per_s",
                                .number(rounded(Double(options.batch) / inference, 100))),
                            .init("peak_rss_mib", .integer(Int(resident >> 20))),
                            .init(
                                "communication_s",
                                .number(
                                    rounded(
                                        traffic.secondsWaited / Double(options.steps + 2), 10_000))),
                        ] + options.speed(operations: operations, seconds: seconds, peak: peak),
                        tokens: samples.reduce(0) { $0 + $1.tokens.ids.count }))
            }
            return 0
        }
    }
}
