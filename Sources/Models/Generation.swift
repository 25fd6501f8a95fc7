// What is asked of a generation, and what comes of it.

/// One text to be continued.
public struct GenerationRequest: Sendable {
    /// What random draws are keyed by, with the seed: a number of the sample, not of the rank or batch.
    public var sample: UInt64
    /// What the model reads first.
    public var prompt: [Int32]
    /// How tokens are chosen.
    public var sampling: SamplingOptions
    /// The most tokens that are generated; the model's longest text bounds it too.
    public var maximumTokens: Int
    /// Tokens that end the text, as a rule `DecoderConfiguration.endTokens`.
    public var stopTokens: [Int32]
    /// Texts that end it.
    public var stopTexts: [String]
    /// How many of the best tokens are reported at each place.
    public var alternatives: Int

    /// A text to be continued.
    public init(
        sample: UInt64, prompt: [Int32], sampling: SamplingOptions = SamplingOptions(),
        maximumTokens: Int, stopTokens: [Int32] = [], stopTexts: [String] = [],
        alternatives: Int = 0
    ) {
        self.sample = sample
        self.prompt = prompt
        self.sampling = sampling
        self.maximumTokens = maximumTokens
        self.stopTokens = stopTokens
        self.stopTexts = stopTexts
        self.alternatives = alternatives
    }

    func check(_ configuration: DecoderConfiguration) throws(ModelError) {
        try sampling.check()
        guard maximumTokens >= 1, alternatives >= 0 else {
            throw ModelError(
                .invalidInput,
                "\(maximumTokens) tokens with \(alternatives) alternatives; give at least 1 and 0")
        }
    }
}

/// One generated token.
public struct GeneratedToken: Sendable, Equatable {
    /// The token, with its probability.
    public let chosen: ScoredToken
    /// The best tokens of that place, best first.
    public let alternatives: [ScoredToken]
}

/// Why a text ended.
public enum FinishReason: String, Sendable {
    /// A stop token came; it isn't part of the result.
    case stopToken
    /// A stop text came; the text ends before it, the tokens with it.
    case stopText
    /// The budget or the model's longest text is reached.
    case length
}

/// A finished text.
public struct Generation: Sendable, Equatable {
    /// The request's sample.
    public let sample: UInt64
    /// What was generated; the prompt isn't part of it.
    public let tokens: [GeneratedToken]
    /// The tokens' text up to a stop text; empty without a decoding closure.
    public let text: String
    /// Why it ended.
    public let finish: FinishReason

    /// The ids of the tokens.
    public var ids: [Int32] { tokens.map(\.chosen.token) }
}

/// What a step did for one text.
public struct GenerationEvent: Sendable {
    /// Which text, as `GenerationBatch.add` named it.
    public let text: Int
    /// The token that was chosen; nil where it was a stop token.
    public let token: GeneratedToken?
    /// Text that is now sure to be part of the result; pieces of whole characters.
    public let piece: String
    /// The whole result, if this was its end.
    public let finished: Generation?
}
