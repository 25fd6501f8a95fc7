// Texts that are generated together, a token each a step. A text may join or leave between steps: what it
// becomes depends neither on the others nor on when it joined.

import Synchronization
import TensorCore

/// A batch of texts that grow by one token a step.
///
/// One caller at a time.
public final class GenerationBatch {
    private let decoder: Decoder
    private let decode: (@Sendable ([Int32]) -> String)?
    private var running: [RunningText] = []
    private var nextName = 0

    /// An empty batch.
    ///
    /// - Parameters:
    ///   - decoder: The model.
    ///   - decode: Tokens to text; without it stop texts can't be had.
    public init(_ decoder: Decoder, decode: (@Sendable ([Int32]) -> String)? = nil) {
        self.decoder = decoder
        self.decode = decode
    }

    /// The count of texts that are not finished.
    public var count: Int { running.count }

    /// Adds a text; the next step reads its prompt and chooses its first token.
    ///
    /// - Parameters:
    ///   - request: What is asked.
    ///   - prefix: What stands before the prompt and was read already; it is left as it is, and its
    ///     memory is shared.
    /// - Returns: The name under which events tell of it.
    /// - Throws: `ModelError.invalidInput` for a prompt that the model can't read or options that have
    ///   no meaning.
    public func add(
        _ request: GenerationRequest, after prefix: DecoderSequence? = nil
    ) throws(ModelError) -> Int {
        try request.check(decoder.configuration)
        let seen = prefix?.count ?? 0
        try decoder.configuration.check(request.prompt, after: seen)
        let room = decoder.configuration.maximumLength - seen - request.prompt.count
        guard !request.prompt.isEmpty, room > 0 else {
            throw ModelError(
                .invalidInput,
                "a prompt of \(seen + request.prompt.count) tokens; the model takes at most "
                    + "\(decoder.configuration.maximumLength) with what it adds, and at least 1")
        }
        guard request.stopTexts.isEmpty || decode != nil else {
            throw ModelError(.invalidInput, "stop texts without a tokenizer; give stop tokens")
        }
        nextName += 1
        running.append(
            RunningText(
                name: nextName, request: request, budget: min(request.maximumTokens, room),
                sequence: prefix?.fork() ?? decoder.makeSequence(), decode: decode))
        return nextName
    }

    /// Gives up a text and its memory; one that is finished or unknown is no error.
    public func remove(_ text: Int) { running.removeAll { $0.name == text } }

    /// Chooses one token for every text.
    ///
    /// - Returns: An event for each text, in the order in which they were added; finished ones have left.
    /// - Throws: `ModelError.malformed` where the model's scores are no numbers.
    public func step() throws(ModelError) -> [GenerationEvent] {
        guard !running.isEmpty else { return [] }
        let states = try decoder.read(
            running.map { DecoderInput($0.sequence, $0.unread) })
        let tokens = try choose(decoder.logits(states))
        var events: [GenerationEvent] = []
        for (index, token) in tokens.enumerated() { events.append(running[index].take(token)) }
        running = zip(running, events).filter { $0.1.finished == nil }.map { $0.0 }
        return events
    }

    /// The tokens that the rows of scores give to the running texts.
    private func choose(_ logits: Matrix) throws(ModelError) -> [GeneratedToken] {
        let chosen = Mutex([GeneratedToken?](repeating: nil, count: running.count))
        let (compute, texts) = (decoder.compute, running)
        compute.measured("choose") {
            compute.parallelFor(texts.count) { range in
                for row in range {
                    let token = texts[row].choose(
                        TokenScores(logits.row(row), compute.serial))
                    chosen.withLock { $0[row] = token }
                }
            }
        }
        let tokens = chosen.withLock { $0 }.compactMap { $0 }
        guard tokens.count == running.count else {
            throw ModelError(
                .malformed, "the model's scores are not numbers; are its weights whole?")
        }
        return tokens
    }
}

/// A text between two steps.
private struct RunningText {
    let name: Int
    let request: GenerationRequest
    let budget: Int
    let sequence: DecoderSequence
    /// What the model reads in the next step: the prompt, or the last token.
    private(set) var unread: [Int32]
    private var tokens: [GeneratedToken] = []
    private var pieces: IncrementalText?
    private var stops: StopTexts
    private var text = ""

    init(
        name: Int, request: GenerationRequest, budget: Int, sequence: DecoderSequence,
        decode: (@Sendable ([Int32]) -> String)?
    ) {
        self.name = name
        self.request = request
        self.budget = budget
        self.sequence = sequence
        unread = request.prompt
        pieces = decode.map { IncrementalText($0) }
        stops = StopTexts(request.stopTexts)
    }

    /// The next token; nil where the scores are no numbers.
    func choose(_ scores: TokenScores) -> GeneratedToken? {
        guard scores.areNumbers else { return nil }
        let token = scores.choose(request.sampling) {
            Philox4x32(seed: request.sampling.seed).uniform(
                UInt64(tokens.count), stream: request.sample)
        }
        return GeneratedToken(
            chosen: scores.scored(token),
            alternatives: scores.best(request.alternatives).map(scores.scored))
    }

    /// Takes the token of this step.
    mutating func take(_ token: GeneratedToken) -> GenerationEvent {
        if request.stopTokens.contains(token.chosen.token) {
            return end(.stopToken, nil, rest: (pieces?.finish() ?? ""))
        }
        tokens.append(token)
        unread = [token.chosen.token]
        let piece = stops.append(pieces?.append(token.chosen.token) ?? "")
        text += piece.certain
        if piece.isStopped { return end(.stopText, token, piece: piece.certain) }
        if tokens.count == budget {
            return end(.length, token, piece: piece.certain, rest: pieces?.finish() ?? "")
        }
        return GenerationEvent(text: name, token: token, piece: piece.certain, finished: nil)
    }

    private mutating func end(
        _ reason: FinishReason, _ token: GeneratedToken?, piece: String = "", rest: String = ""
    ) -> GenerationEvent {
        // The rest may complete a stop text, or show that what was held back was none.
        let last = stops.append(rest)
        let tail = last.certain + (last.isStopped ? "" : stops.finish())
        text += tail
        return GenerationEvent(
            text: name, token: token, piece: piece + tail,
            finished: Generation(
                sample: request.sample, tokens: tokens, text: text,
                finish: last.isStopped ? .stopText : reason))
    }
}
