// Figures, not checks: what a step of a student of MiniLM's shape sends and how long it takes, with its
// word table kept by rows and in buffers. Printed when RETORT_MEASURE is set.

import Collectives
import Foundation
import Models
import TestSupport
import Testing

@testable import Training

@Suite(
    .serialized,
    .enabled(
        if: ProcessInfo.processInfo.environment["RETORT_MEASURE"] != nil, "needs RETORT_MEASURE"))
struct RowTableMeasurements {
    static let vocabularyCount = 30_522

    /// Ids as rare as words are: the k-th most frequent one in proportion to 1 / k.
    private func batch(_ step: Int, samples: Int, tokens: Int) -> [TrainingSample] {
        var numbers = SampleNumbers(seed: UInt64(step))
        return (0..<samples).map { place in
            TrainingSample(
                tokens: TokenSequence(
                    ids: (0..<tokens).map { _ in
                        let chance = (numbers.signed() + 1) / 2
                        return Int32(pow(Double(Self.vocabularyCount), chance)) - 1
                    }),
                target: [1, 0, 0], weight: 1, sample: UInt32(place))
        }
    }

    @Test(arguments: [1, 2, 4]) func step(ranks: Int) throws {
        let folder = try TemporaryFolder()
        var model = TinyBert(
            seed: 1, width: 384, layers: 6, heads: 12, inner: 1536, maximumLength: 512)
        var numbers = SampleNumbers(seed: 2)
        model.configuration["vocab_size"] = Self.vocabularyCount
        model.tensors[0].shape = [Self.vocabularyCount, 384]
        model.tensors[0].values = numbers.floats(Self.vocabularyCount * 384, scale: 0.05)
        let path = try model.write(to: folder.path)
        for (samples, tokens) in [(32, 16), (32, 64)] {
            for (name, smallest) in [
                ("buffers", Int.max), ("rows", EmbeddingTables.smallestCount),
            ] {
                var training = TrainingCase(folder: path)
                training.smallestRowTable = smallest
                let (run, batches) = (
                    training, (0..<5).map { batch($0, samples: samples, tokens: tokens) }
                )
                let results = try ThreadWorld.run(ranks: ranks) { communicator in
                    let trainer = try run.trainer(communicator)
                    var times: [Duration] = []
                    var bytes = 0
                    for (step, batch) in batches.enumerated() {
                        let before = communicator.trafficSoFar
                        times.append(
                            try ContinuousClock().measure {
                                _ = try trainer.train(on: batch, step: step, rate: 1e-5)
                            })
                        bytes = communicator.trafficSoFar.since(before).bytesSent
                    }
                    return (bytes, times.dropFirst().min() ?? .zero)
                }
                let touched = Set(batches[4].flatMap(\.tokens.ids)).count
                print(
                    "\(ranks) ranks, \(samples) x \(tokens) tokens, \(touched) rows touched, "
                        + "\(name): \(results.map(\.0)) bytes a rank, best step \(results[0].1)")
            }
        }
    }
}
