// What a decoder student says and what it expects: answers to prompts, and its loss on given answers, each
// rank its part. A text depends on its prompt and number alone, so ranks and batches change nothing.

import Autograd
import Collectives
import Corpus
import Foundation
import Models
import TensorCore
import Tokenizers
import Training

/// How answers are made.
struct AnswerOptions {
    /// The most tokens of one.
    var maximumTokens: Int
    /// How tokens are chosen; greedy unless told otherwise.
    var sampling = SamplingOptions()
}

extension GenerativeStudent {
    /// Texts that are generated together: it changes speed and memory, not texts.
    private static var batchLimit: Int { 32 }

    /// The student's answers to prompts, in their order.
    func answers(to prompts: [String], _ options: AnswerOptions) throws -> [String] {
        try session.communicator.inParts(of: prompts.count) { part in
            guard !part.isEmpty else { return [] }
            let decoder = try model.decoder(compute: session.compute)
            let tokenizer = tokenizer
            let generator = Generator(decoder, batchLimit: Self.batchLimit) {
                tokenizer.decode($0)
            }
            let requests = try part.map { index in
                GenerationRequest(
                    sample: UInt64(index), prompt: try format.prompt(prompts[index]),
                    sampling: options.sampling, maximumTokens: options.maximumTokens,
                    stopTokens: format.stopTokens)
            }
            return try session.compute.measured("generate") {
                try generator.generate(requests).map(\.text)
            }
        }
    }

    /// The mean cross-entropy of the answers' tokens, in nats; nil where none is short enough to be read.
    func meanLoss(of examples: [TextExample]) throws -> Double? {
        let losses = try losses(of: examples)
        let count = losses.reduce(0) { $0 + $1.count }
        return count > 0 ? losses.reduce(0) { $0 + $1.sum } / Double(count) : nil
    }

    /// The cross-entropy of each answer, in nats, and its tokens; 0 of 0 where it is too long to be read.
    func losses(of examples: [TextExample]) throws -> [AnswerLoss] {
        try session.communicator.inParts(of: examples.count) { part in
            let memory = TapeMemory()
            return try part.map { index in
                guard let sample = try format.sample(examples[index], index: index) else {
                    return AnswerLoss(sum: 0, count: 0)
                }
                memory.reset()
                let batch = DecoderBatch([sample.tokens], labels: [sample.labels])
                let tape = Tape(
                    compute: session.compute, memory: memory, parameters: model.parameters,
                    layout: batch.layout)
                let loss = model.tokenLoss(tape, batch, gradientScale: 1)
                return AnswerLoss(sum: loss.sum, count: loss.count)
            }
        }
    }

    /// How little the student expects each answer, from 0 to 1.
    ///
    /// Nats a token divided by those of a uniform guess over the vocabulary: what stands for a text where
    /// selection wants the student's uncertainty.
    func surprise(of examples: [TextExample]) throws -> [Double] {
        let uniform = log(Double(folder.configuration.vocabularySize))
        return try losses(of: examples).map { loss in
            loss.count > 0 ? min(1, loss.sum / Double(loss.count) / uniform) : 0
        }
    }

    /// The loss of one answer.
    struct AnswerLoss: Codable {
        /// In nats.
        let sum: Double
        /// Its tokens.
        let count: Int
    }
}
