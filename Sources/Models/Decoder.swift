// A decoder that reads tokens and remembers them: inference with cached keys and values (Touvron et al.
// 2023, arXiv 2307.09288; Jiang et al. 2023, arXiv 2310.06825).
//
// Tokens of all sequences of a call are packed one behind another: prompts of any lengths and single
// tokens cost what they hold, there is no padding. A token's result depends on its sequence's tokens
// alone, to the bit: not on the others of the call, on how a sequence was cut into calls, on threads.
// Not here: choosing tokens (GenerationBatch.swift), gradients.
//
// Shape legend: N tokens of a pass, D width, H query heads, K head width, F inner width, V vocabulary.
// Reference: transformers, models/llama/modeling_llama.py.

public import TensorCore

/// What a decoder remembers of one sequence; it belongs to the decoder that made it.
public final class DecoderSequence: @unchecked Sendable {
    let cache: KeyValueCache

    init(_ cache: KeyValueCache) { self.cache = cache }

    /// Tokens read so far.
    public var count: Int { cache.count }

    /// A sequence that begins with this one's tokens, and shares the memory of what it can.
    public func fork() -> DecoderSequence { DecoderSequence(cache.fork()) }

    /// Forgets the tokens from `length` on.
    public func truncate(to length: Int) { cache.truncate(to: length) }
}

/// Tokens that a sequence is to read.
public struct DecoderInput {
    /// Whose last states are wanted.
    public enum Wanted: Sendable {
        /// None: the tokens are only remembered.
        case none
        /// The last token's.
        case last
        /// Every token's.
        case all
    }

    /// The sequence that reads.
    public let sequence: DecoderSequence
    /// What it reads next.
    public let tokens: [Int32]
    /// Whose states are wanted.
    public let wanted: Wanted

    /// Tokens for a sequence; one sequence may occur once in a call.
    public init(_ sequence: DecoderSequence, _ tokens: [Int32], wanted: Wanted = .last) {
        self.sequence = sequence
        self.tokens = tokens
        self.wanted = wanted
    }
}

/// A decoder for inference.
///
/// One caller at a time.
public final class Decoder: @unchecked Sendable {
    /// What the folder's `config.json` says.
    public let configuration: DecoderConfiguration
    /// Where the arithmetic runs.
    public let compute: Compute
    let panels: DecoderPanels
    /// The memory of keys and values.
    public let pool: KeyValuePool
    let rotary: RotaryTable
    let source: any DecoderWeightSource
    /// Of the source when it was packed.
    private let revision: Int
    private let activations = Arena()
    private let results = Arena()
    private let scores = Arena()
    /// Called with the token rows after the embeddings (0) and each layer (1...), pass by pass; the
    /// last layer's come normalised, as transformers records them.
    var observer: ((_ index: Int, _ rows: Matrix) -> Void)?
    /// Called in each layer with the pass's queries and keys as attention takes them, side by side.
    var attentionObserver: ((_ layer: Int, _ projections: Matrix) -> Void)?

    /// Tokens of one pass: what it needs besides weights and cache grows with it.
    static let passLimit = 1024

    /// Reads a folder's weights and packs them; float32 copies are not kept.
    ///
    /// - Parameters:
    ///   - folder: An opened folder; rows of its token table are read from the file as they are needed.
    ///   - compute: Where the arithmetic runs.
    /// - Throws: `ModelError` where a tensor can't be read.
    public convenience init(_ folder: DecoderFolder, compute: Compute) throws(ModelError) {
        try self.init(folder, folder.configuration, compute)
    }

    /// Packs the weights of a model as they are now; it is of no use when they have changed.
    ///
    /// - Throws: `ModelError` never in fact.
    public convenience init(_ model: DecoderModel, compute: Compute) throws(ModelError) {
        try self.init(model, model.configuration, compute)
    }

    init(
        _ source: any DecoderWeightSource, _ configuration: DecoderConfiguration,
        _ compute: Compute
    ) throws(ModelError) {
        self.configuration = configuration
        self.compute = compute
        self.source = source
        revision = source.revision
        panels = try DecoderPanels(source, configuration, compute)
        pool = KeyValuePool(
            compute, layers: configuration.layerCount, heads: configuration.keyHeadCount,
            headWidth: configuration.headWidth)
        rotary = RotaryTable(
            frequencies: configuration.rotaryScaling.frequencies(
                headWidth: configuration.headWidth, base: configuration.rotaryBase))
    }

    /// A sequence that has read nothing.
    public func makeSequence() -> DecoderSequence { DecoderSequence(KeyValueCache(pool)) }

    /// Bytes of keys and values of so many tokens, in whole pages.
    public func cacheBytes(tokens: Int) -> Int {
        (tokens + KeyValuePool.tokensPerPage - 1) / KeyValuePool.tokensPerPage * pool.pageBytes
    }

    /// Lets sequences read tokens.
    ///
    /// - Parameter inputs: What each reads; no sequence twice, none without tokens.
    /// - Returns: The wanted tokens' states after the last normalisation, a row of D each, in the order
    ///   of the inputs; valid until the next call. `logits(_:)` makes scores of them.
    /// - Throws: `ModelError.invalidInput`, before anything is read, for a token that isn't in the
    ///   vocabulary or a sequence that grows too long.
    public func read(_ inputs: [DecoderInput]) throws(ModelError) -> Matrix {
        precondition(source.revision == revision, "a decoder of weights that have changed")
        for input in inputs {
            guard !input.tokens.isEmpty else {
                throw ModelError(.invalidInput, "a text of 0 tokens; give at least the begin token")
            }
            try configuration.check(input.tokens, after: input.sequence.count)
        }
        results.reset()
        let passes = DecoderPass.passes(inputs, limit: Self.passLimit)
        let states = results.matrix(
            passes.reduce(0) { $0 + $1.wantedRows.count }, configuration.hiddenSize)
        rotary.reserve(
            inputs.reduce(0) { max($0, $1.sequence.count + $1.tokens.count) })
        var row = 0
        for pass in passes {
            let last = try run(pass)
            for wanted in pass.wantedRows {
                states.row(row).copy(from: last.row(wanted))
                row += 1
            }
        }
        return states
    }

    /// The scores of the next token, a row of V for each row of states; valid until the next call.
    public func logits(_ states: Matrix) -> Matrix {
        scores.reset()
        let logits = scores.matrix(states.rows, configuration.vocabularySize)
        compute.measured("head") { compute.gemm(states, panels.head.weight, into: logits) }
        return logits
    }

    /// As `logits(_:)`, some rows at a time, so that scores of long texts never lie in memory whole.
    ///
    /// - Parameters:
    ///   - states: Rows of `read(_:)`.
    ///   - chunk: The most rows at a time.
    ///   - body: Called with the rows that are done and their scores, in ascending order.
    public func logits<Failure: Error>(
        _ states: Matrix, chunk: Int = 64,
        _ body: (_ rows: Range<Int>, _ logits: Matrix) throws(Failure) -> Void
    ) throws(Failure) {
        for start in stride(from: 0, to: states.rows, by: chunk) {
            let rows = start..<min(states.rows, start + chunk)
            try body(rows, logits(states.rows(rows)))
        }
    }

    // MARK: - One pass

    private func run(_ pass: DecoderPass) throws(ModelError) -> Matrix {
        activations.reset()
        let jobs = pass.extendCaches()
        let count = pass.tokens.count
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let state = activations.matrix(count, width)
        let normalised = activations.matrix(count, width)
        let projections = activations.matrix(
            count, configuration.queryWidth + 2 * configuration.keyWidth)
        let context = activations.matrix(count, configuration.queryWidth)
        let gateAndUp = activations.matrix(count, 2 * inner)
        let gated = activations.matrix(count, inner)
        try embed(pass.tokens, into: state)
        observer?(0, state)
        for (index, layer) in panels.layers.enumerated() {
            norm(state, layer.attentionNorm, into: normalised)
            linear(normalised, layer.projections, into: projections)
            compute.measured("attention") {
                rotateAndRemember(projections, layer: index, jobs)
                attentionObserver?(index, projections)
                compute.cachedAttention(
                    jobs, queries: projections.columns(0..<configuration.queryWidth), pool: pool,
                    layer: index, window: layer.window,
                    scale: 1 / Float(configuration.headWidth).squareRoot(), into: context)
            }
            add(context, layer.attentionOutput, to: state)
            norm(state, layer.feedForwardNorm, into: normalised)
            linear(normalised, layer.gateAndUp, into: gateAndUp)
            compute.measured("gated unit") { compute.gatedUnit(gateAndUp, into: gated) }
            add(gated, layer.down, to: state)
            if index + 1 < panels.layers.count { observer?(index + 1, state) }
        }
        norm(state, panels.lastNorm, into: normalised)
        observer?(panels.layers.count, normalised)
        return normalised
    }

    private func embed(_ tokens: [Int32], into state: Matrix) throws(ModelError) {
        let shape = [configuration.vocabularySize, configuration.hiddenSize]
        for (row, token) in tokens.enumerated() {
            try source.copy(
                [DecoderLayout.tokens], shapes: [shape], rows: Int(token)..<Int(token) + 1,
                into: state.row(row))
        }
    }

    private func norm(_ x: Matrix, _ gamma: Matrix, into y: Matrix) {
        compute.measured("norm") {
            compute.rootMeanSquareNorm(
                x, gamma: gamma, epsilon: configuration.normEpsilon, into: y)
        }
    }

    private func linear(_ x: Matrix, _ layer: PackedLinear, into y: Matrix) {
        compute.measured("linear") { compute.gemm(x, layer.weight, into: y, bias: layer.bias) }
    }

    /// y += the layer's output: the residual connection.
    private func add(_ x: Matrix, _ layer: PackedLinear, to y: Matrix) {
        compute.measured("linear") {
            if let bias = layer.bias { compute.addRow(y, bias, into: y) }
            compute.gemm(x, layer.weight, into: y, accumulate: true)
        }
    }

    /// Turns queries and keys by their positions and puts keys and values into the caches.
    private func rotateAndRemember(
        _ projections: Matrix, layer: Int, _ jobs: [CachedAttentionJob]
    ) {
        let (query, key) = (configuration.queryWidth, configuration.keyWidth)
        for job in jobs {
            compute.parallelFor(job.rows.count, grain: 8) { range in
                for index in range {
                    let row = projections.row(job.rows.lowerBound + index)
                    let position = job.firstPosition + index
                    compute.serial.rotate(
                        row.columns(0..<query + key), position: position, rotary)
                    job.cache.write(
                        layer: layer, token: position, keys: row.columns(query..<query + key),
                        values: row.columns(query + key..<query + 2 * key))
                }
            }
        }
    }
}
