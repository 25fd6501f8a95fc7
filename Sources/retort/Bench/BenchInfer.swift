// `retort bench infer`: class probabilities of texts over all ranks.

import ArgumentParser
import Collectives
import Foundation
import Kernels
import Methods
import Models
import Reporting
import TensorCore
import Training

/// Times inference.
struct BenchInfer: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infer", abstract: "Time inference over all ranks; one JSON line.")

    @OptionGroup var options: BenchStepOptions

    func run() throws {
        try Launch.onRanks(options.compute) { context in
            let student = try options.student()
            let samples = options.samples(vocabulary: student.configuration.vocabularySize)
            let seconds = try options.inferenceSeconds(
                student, samples, context, steps: options.steps)
            let peak = try options.peak(context)
            let operations = student.configuration.forwardOperations(
                lengths: samples.map(\.tokens.ids.count))
            if context.console.isLeader {
                StandardOutput.write(
                    options.line(
                        context,
                        [
                            .init("step_s", .number(rounded(seconds, 10_000))),
                            .init(
                                "infer_samples_per_s",
                                .number(rounded(Double(options.batch) / seconds, 100))),
                        ] + options.speed(operations: operations, seconds: seconds, peak: peak),
                        tokens: samples.reduce(0) { $0 + $1.tokens.ids.count }))
            }
            return 0
        }
    }
}
