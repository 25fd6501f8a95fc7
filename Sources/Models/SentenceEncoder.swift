// A sentence encoder in the sentence-transformers form: an encoder, the mean of the token rows, length 1.
// Reference: sentence-transformers, `Pooling` and `Normalize`.
//
// Shape legend: S texts, D width.

import Autograd
import Foundation
public import TensorCore

/// How a sentence-transformers folder makes one vector of a text.
public enum SentencePooling: Sendable {
    /// The mean over all tokens, special ones included.
    case mean
    /// The first token's row.
    case firstToken

    /// Reads `1_Pooling/config.json`; nil when the folder has none.
    init?(folder: String) throws(ModelError) {
        let path = "\(folder)/1_Pooling/config.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let json = try JSONFields(path: path)
        let modes = json.members.keys.sorted().filter {
            $0.hasPrefix("pooling_mode_") && (json.members[$0] as? Bool) == true
        }
        switch modes {
        case ["pooling_mode_mean_tokens"]: self = .mean
        case ["pooling_mode_cls_token"]: self = .firstToken
        default:
            throw ModelError(.unsupported, "\(path): pooling \(modes) is not supported")
        }
    }
}

/// An encoder that gives one vector of length 1 a text.
public final class SentenceEncoder: @unchecked Sendable {
    /// What the folder's `config.json` says.
    public let configuration: EncoderConfiguration
    private let parameters: ParameterSet
    private let encoder: Encoder
    private let pooling: SentencePooling
    private let compute: Compute
    private let memory = TapeMemory()

    /// Loads the encoder of a folder; a folder that doesn't say how it pools is averaged.
    public init(_ folder: ModelFolder, compute: Compute) throws(ModelError) {
        configuration = folder.configuration
        pooling = folder.sentencePooling ?? .mean
        let prefix = configuration.family.prefix
        parameters = ParameterSet(
            Encoder.layout(configuration, prefix: prefix),
            joined: Encoder.joined(configuration, prefix: prefix))
        encoder = Encoder(configuration, prefix: prefix, in: parameters)
        self.compute = compute
        try folder.load(parameters, bare: prefix)
    }

    /// One vector of length 1 for each text, each D numbers.
    public func encode(_ texts: [TokenSequence]) throws(ModelError) -> [[Float]] {
        if texts.isEmpty { return [] }
        try configuration.check(texts)
        memory.reset()
        let batch = TokenBatch(texts)
        let tape = Tape(
            compute: compute, memory: memory, parameters: parameters, layout: batch.layout)
        let last = encoder.lastState(tape, batch, nil)
        let pooled = pooling == .mean ? tape.meanPool(last) : tape.firstToken(last)
        return (0..<texts.count).map { text in
            let vector = pooled.value.row(text).toArray()
            let squares = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
            // The floor is torch.nn.functional.normalize's.
            let scale = 1 / max(squares.squareRoot(), 1e-12)
            return vector.map { Float(Double($0) * scale) }
        }
    }
}

extension EncoderConfiguration {
    /// Refuses input that the tables have no rows for.
    public func check(_ sequences: [TokenSequence]) throws(ModelError) {
        for sequence in sequences {
            guard !sequence.ids.isEmpty, sequence.ids.count <= maximumLength else {
                throw ModelError(
                    .invalidInput,
                    "a text of \(sequence.ids.count) tokens; the model takes 1 to \(maximumLength)")
            }
            if let id = sequence.ids.first(where: { $0 < 0 || $0 >= vocabularySize }) {
                throw ModelError(
                    .invalidInput,
                    "token id \(id) is not in the model's vocabulary of \(vocabularySize); "
                        + "does the tokenizer belong to the model?")
            }
            // A model without a table of types doesn't read them.
            if typeCount > 0,
                let type = sequence.typeIDs.first(where: { $0 < 0 || $0 >= typeCount })
            {
                throw ModelError(
                    .invalidInput, "token type \(type); the model knows \(typeCount) types")
            }
        }
    }
}
