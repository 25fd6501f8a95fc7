// What a decoder's folder answers to prompts: greedy, each rank its part, in the form in which a run's
// student is taught and asked.

import Collectives
import Models
import TensorCore
import Tokenizers

/// A decoder that is asked.
struct DecoderAnswers {
    private let decoder: Models.Decoder
    private let tokenizer: Tokenizer
    private let format: ExampleFormat
    private let maximumTokens: Int

    /// Texts that are generated together: it changes speed and memory, not texts.
    private static let batchLimit = 32

    init(_ request: EvaluationRequest, compute: Compute) throws {
        let folder = try DecoderFolder(path: request.student.model)
        tokenizer = try Tokenizer(contentsOf: folder.path)
        var options = request.student
        options.maximumLength = folder.configuration.maximumLength
        format = try ExampleFormat(options, folder: folder, tokenizer: tokenizer)
        decoder = try Models.Decoder(folder, compute: compute)
        maximumTokens = request.answerTokens
    }

    /// The answers, in the prompts' order; a collective.
    func answers(to prompts: [String], over communicator: Communicator) throws -> [String] {
        // All ranks look at all prompts, so that none stops alone at one that is too long.
        let asked = try prompts.enumerated().map { index, prompt in
            let ids = try format.prompt(prompt)
            guard ids.count < format.maximumLength else {
                throw MethodError(
                    .invalidRecipe,
                    "text \(index + 1) has \(ids.count) tokens, and the model takes "
                        + "\(format.maximumLength) with its answer")
            }
            return ids
        }
        return try communicator.inParts(of: asked.count) { part in
            guard !part.isEmpty else { return [] }
            let tokenizer = tokenizer
            let generator = Generator(decoder, batchLimit: Self.batchLimit) {
                tokenizer.decode($0)
            }
            let requests = part.map { index in
                GenerationRequest(
                    sample: UInt64(index), prompt: asked[index],
                    maximumTokens: min(maximumTokens, format.maximumLength - asked[index].count),
                    stopTokens: format.stopTokens)
            }
            return try generator.generate(requests).map(\.text)
        }
    }
}
