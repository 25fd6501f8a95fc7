// A decoder that learns from another one's recorded top scores: the same bits on any number of ranks and
// threads, a loss that falls, and the refusals.

import Autograd
import Collectives
import Foundation
import Models
import TensorCore
import TestSupport
import Testing
import Tokenizers
import Training

private let student = SharedData.path("reference/golden/llama")
private let teacher = SharedData.path("reference/golden/mistral")
private let haveFolders =
    SharedData.has("reference/golden/llama/model.safetensors")
    && SharedData.has("reference/golden/mistral/model.safetensors")

/// Some texts and a teacher's top scores of them.
private struct Lesson: Sendable {
    let samples: [LanguageSample]
    let signals: RecordedSignals

    init(temperature: Double) throws {
        var numbers = SampleNumbers(seed: 61)
        let samples = (0..<9).map { sample in
            let tokens = (0..<(4 + sample)).map { _ in Int32(numbers.below(128)) }
            let labels = tokens.enumerated().map { $0 < 3 ? DecoderBatch.ignored : $1 }
            return LanguageSample(
                tokens: tokens, labels: labels, weight: Float(1 + sample % 2),
                sample: UInt32(70 + sample))
        }
        let decoder = try Decoder(DecoderFolder(path: teacher), compute: Compute(threads: 1))
        var signals = RecordedSignals()
        for sample in samples {
            let states = try decoder.read([
                DecoderInput(decoder.makeSequence(), sample.tokens, wanted: .all)
            ])
            let scores = decoder.logits(states)
            var top = TopScores(temperature: temperature)
            for row in 2..<sample.tokens.count - 1 {
                try top.append(scores.row(row).toArray(), at: temperature, k: 8)
            }
            try signals.add(top, for: sample, vocabulary: 128)
        }
        self.samples = samples
        self.signals = signals
    }

    /// The weights' bits and the losses after some steps on all samples.
    func train(
        _ loss: DistillationLoss, ranks: Int, threads: Int = 1
    ) async throws -> (weights: [UInt32], losses: [Double]) {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try ThreadWorld.run(ranks: ranks) {
                            try steps(loss, $0, threads)
                        }[ranks - 1]
                    })
            }
        }
    }

    private func steps(
        _ loss: DistillationLoss, _ communicator: Communicator, _ threads: Int
    ) throws -> (weights: [UInt32], losses: [Double]) {
        let options = TrainingOptions()
        let model = try DecoderModel(DecoderFolder(path: student))
        let trainer = ParallelStudent(
            LanguageTask(model, rule: try DistillationRule(loss, signals: signals)),
            options: options, seed: 1, communicator: communicator,
            compute: Compute(threads: threads))
        let losses = try (0..<6).map { try trainer.train(on: samples, step: $0, rate: 5e-4).loss }
        return (model.parameters.values.toArray().map(\.bitPattern), losses)
    }
}

extension TopScores {
    /// The k largest of a row of scores.
    fileprivate mutating func append(_ scores: [Float], at temperature: Double, k: Int) throws {
        let exponentials = scores.map { exp(Double($0) / temperature) }
        let sum = exponentials.reduce(0, +)
        let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
        let ids = order.prefix(k).sorted()
        try append(
            ids: ids.map { Int32($0) },
            logProbabilities: ids.map { Float(log(exponentials[$0] / sum)) },
            restMass: Float(order.dropFirst(k).reduce(0) { $0 + exponentials[$1] } / sum))
    }
}

@Suite struct DistillationRuleTests {
    static let losses = [
        DistillationLoss(.forwardKL, temperature: 2, alpha: 0.25),
        DistillationLoss(.reverseKL), DistillationLoss(.jensenShannon, beta: 0.1),
    ]

    @Test(
        .enabled(if: haveFolders, "no recorded decoders in ../shared/reference"), arguments: losses)
    func anyRankAndThreadCount(_ loss: DistillationLoss) async throws {
        let lesson = try Lesson(temperature: loss.temperature)
        let one = try await lesson.train(loss, ranks: 1)
        #expect(one.losses[5] < 0.9 * one.losses[0], "\(one.losses)")
        for (ranks, threads) in [(1, 3), (2, 1), (3, 1), (4, 2)] {
            let other = try await lesson.train(loss, ranks: ranks, threads: threads)
            #expect(other.losses == one.losses, "\(ranks) ranks of \(threads) threads")
            #expect(other.weights == one.weights, "\(ranks) ranks of \(threads) threads")
        }
    }

    private func message(_ body: () throws(TrainingError) -> Void) -> String? {
        do throws(TrainingError) {
            try body()
            return nil
        } catch {
            #expect(error.code == .invalidOptions)
            return error.message
        }
    }

    @Test func refusedOptions() {
        for (loss, name) in [
            (DistillationLoss(beta: -0.1), "beta"), (DistillationLoss(beta: .nan), "beta"),
            (DistillationLoss(temperature: 0), "temperature"),
            (DistillationLoss(temperature: .infinity), "temperature"),
            (DistillationLoss(alpha: 1.5), "alpha"),
        ] {
            #expect(
                message { () throws(TrainingError) in try loss.check() }?.hasPrefix(name) == true)
        }
    }

    @Test func refusedSignals() throws {
        let sample = LanguageSample(tokens: [1, 2, 3], labels: [-100, 2, 3], sample: 5)
        func add(_ places: [(Int32, Double)]) throws -> [String?] {
            var signals = RecordedSignals()
            return try places.map { id, temperature in
                var top = TopScores(temperature: temperature)
                for _ in 0..<(id == 0 ? 1 : 2) {
                    try top.append(ids: [id], logProbabilities: [0], restMass: 0)
                }
                return message { () throws(TrainingError) in
                    try signals.add(top, for: sample, vocabulary: 10)
                }
            }
        }
        #expect(try add([(9, 1), (8, 1)]) == [nil, nil])
        #expect(try add([(0, 1)])[0]?.contains("of 1 tokens and the student's of 2") == true)
        #expect(
            try add([(10, 1)])[0]?.contains("token 10, the student's vocabulary has 10") == true)
        #expect(try add([(9, 1), (9, 2)])[1]?.contains("temperature 2.0, others at 1.0") == true)
    }

    @Test func refusedVocabulary() throws {
        func tokenizer(_ word: String) throws -> Tokenizer {
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/vocab.txt"
            try "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\(word)".write(
                toFile: path, atomically: true, encoding: .utf8)
            return try Tokenizer(contentsOf: folder.path)
        }
        let (a, b) = (try tokenizer("a"), try tokenizer("b"))
        #expect(
            message { () throws(TrainingError) in
                try VocabularyMatch(teacher: a, student: a).check()
            } == nil)
        #expect(
            message { () throws(TrainingError) in
                try VocabularyMatch(teacher: a, student: b).check()
            } == """
                teacher and student have different vocabularies: 1 of 6 token ids differ \
                (id 5: "a" against "b"), the teacher's first; take a teacher with the student's \
                tokenizer, or distil its texts
                """)
    }
}
