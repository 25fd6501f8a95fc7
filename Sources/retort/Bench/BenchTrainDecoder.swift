// `retort bench train` on a decoder's folder: the same steps, on texts of which every token but the first is
// predicted.

import Collectives
import Foundation
import Kernels
import Methods
import Models
import Reporting
import TensorCore
import Training

extension BenchTrain {
    /// Times training steps of a decoder over all ranks; the leader writes one JSON line.
    func timeDecoder(_ context: RankContext) throws {
        let student = try DecoderModel(DecoderFolder(path: options.model))
        let samples = options.samples(vocabulary: student.configuration.vocabularySize).map {
            LanguageSample(tokens: $0.tokens.ids, labels: $0.tokens.ids, sample: $0.sample)
        }
        var training = TrainingOptions()
        training.microBatches = options.microBatches
        training.precision = options.dtype
        let trainer = ParallelStudent(
            LanguageTask(student), options: training, seed: 1,
            communicator: context.communicator, compute: context.compute)
        var loss = 0.0
        let seconds = try options.median(context.communicator, steps: options.steps) { step in
            loss = try trainer.train(on: samples, step: step, rate: 2e-5).loss
        }
        let resident = try context.communicator.allReduce(
            [Int64(Memory.peakResidentBytes)], .maximum)[0]
        let peak = try options.peak(context)
        let lengths = samples.map(\.tokens.count)
        let tokens = lengths.reduce(0, +)
        guard context.console.isLeader else { return }
        let values: [ReportValue.Member] = [
            .init("weights", .integer(student.weightCount)),
            .init("step_s", .number(rounded(seconds, 10_000))),
            .init("train_tokens_per_s", .number(rounded(Double(tokens) / seconds))),
            .init("loss", .number(rounded(loss, 10_000))),
            .init("peak_rss_mib", .integer(Int(resident >> 20))),
        ]
        // The backward pass has two products for each one of the forward pass.
        let operations = 3 * student.configuration.forwardOperations(lengths: lengths)
        let speed = options.speed(operations: operations, seconds: seconds, peak: peak)
        StandardOutput.write(options.line(context, values + speed, tokens: tokens))
    }
}

extension DecoderConfiguration {
    /// Multiplications and additions of the forward pass over texts, with scores for every token but the
    /// last of each; attention to the tokens before, windows not regarded.
    fileprivate func forwardOperations(lengths: [Int]) -> Double {
        let (width, inner) = (Double(hiddenSize), Double(intermediateSize))
        let (queries, keys) = (Double(queryWidth), Double(keyWidth))
        let perToken = 2 * width * (2 * queries + 2 * keys + 3 * inner)
        return lengths.reduce(0) { sum, length in
            let tokens = Double(length)
            let attention = 2 * queries * (tokens + 1)
            let head = 2 * width * Double(vocabularySize) * (tokens - 1)
            return sum + Double(layerCount) * tokens * (perToken + attention) + head
        }
    }
}
