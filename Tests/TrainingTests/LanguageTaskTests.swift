// Decoders in the data-parallel step: the same bits on any number of ranks and in any passes, with the
// token table by rows or whole, tied or not; the loss by hand.

import Autograd
import Collectives
import Foundation
import Models
import TensorCore
import TestSupport
import Testing
@testable import Training

/// A few steps of a recorded decoder on random texts.
private struct LanguageCase: Sendable {
    let folder: String
    var options: TrainingOptions
    var smallestRowTable = EmbeddingTables.smallestCount

    init(folder: String) {
        self.folder = folder
        options = TrainingOptions()
        options.learningRate = 1e-3
        options.microBatches = 4
    }

    func batch(_ step: Int, vocabulary: Int) -> [LanguageSample] {
        var numbers = SampleNumbers(seed: 7 + UInt64(step))
        return (0..<7).map { place in
            let length = 2 + numbers.below(12)
            let tokens = (0..<length).map { _ in Int32(numbers.below(vocabulary)) }
            let prompt = 1 + numbers.below(length - 1)
            return LanguageSample(
                tokens: tokens,
                labels: tokens.indices.map { $0 < prompt ? DecoderBatch.ignored : tokens[$0] },
                weight: place % 3 == 1 ? 0.5 : 1, sample: UInt32(place))
        }
    }

    func outcome(ranks: Int) throws -> [[UInt64]] {
        try ThreadWorld.run(ranks: ranks) { communicator in
            let model = try DecoderModel(DecoderFolder(path: folder))
            let trainer = ParallelStudent(
                LanguageTask(model, recomputesLayers: options.recomputesLayers),
                options: options, seed: 1, communicator: communicator,
                compute: Compute(threads: 1), appliesDropout: true,
                smallestRowTable: smallestRowTable)
            var bits: [UInt64] = []
            for step in 0..<3 {
                let report = try trainer.train(
                    on: batch(step, vocabulary: model.configuration.vocabularySize), step: step,
                    rate: 1e-3)
                bits += [report.loss.bitPattern, report.gradientNorm.bitPattern]
            }
            return bits + model.parameters.values.toArray().map { UInt64($0.bitPattern) }
        }
    }
}

@Suite(.enabled(if: SharedData.has("reference/golden/llama"), "no recorded values"))
struct LanguageTaskTests {
    private func path(_ name: String) -> String {
        SharedData.path("reference/golden/\(name)")
    }

    @Test(arguments: ["llama", "qwen2", "mistral"])
    func anyRankCountAndPass(_ name: String) throws {
        var usual = LanguageCase(folder: path(name))
        let expected = try usual.outcome(ranks: 1)[0]
        #expect(Set(expected.prefix(6)).count == 6)
        for ranks in [2, 3] {
            for outcome in try usual.outcome(ranks: ranks) { #expect(outcome == expected) }
        }
        usual.options.maximumTokensPerPass = 9
        #expect(try usual.outcome(ranks: 2)[1] == expected)
        usual.options.recomputesLayers = true
        #expect(try usual.outcome(ranks: 1)[0] == expected)
        usual.smallestRowTable = 1
        for ranks in [1, 3] { #expect(try usual.outcome(ranks: ranks)[0] == expected) }
    }

    /// The mean over predicted tokens, with weights, of the model's own scores in double precision.
    @Test func loss() throws {
        let usual = LanguageCase(folder: path("llama"))
        let reported = Double(bitPattern: try usual.outcome(ranks: 1)[0][0])
        let model = try DecoderModel(DecoderFolder(path: usual.folder))
        let decoder = try model.decoder(compute: Compute(threads: 1))
        var (sum, count) = (0.0, 0)
        for sample in usual.batch(0, vocabulary: model.configuration.vocabularySize) {
            let states = try decoder.read([
                DecoderInput(decoder.makeSequence(), sample.tokens, wanted: .all)
            ])
            let scores = decoder.logits(states)
            for (place, label) in sample.labels.enumerated().dropFirst()
            where label != DecoderBatch.ignored {
                let row = scores.row(place - 1).toArray().map(Double.init)
                let largest = row.max() ?? 0
                let total = row.reduce(0) { $0 + exp($1 - largest) }
                sum += Double(sample.weight) * (largest + log(total) - row[Int(label)])
                count += 1
            }
        }
        #expect(abs(reported - sum / Double(count)) <= 2e-6 * reported)
    }
}
