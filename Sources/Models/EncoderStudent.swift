// What training, inference and export need of an encoder with a head, whichever both are.
//
// Shape legend: S sequences, C scores of a sequence.

public import Autograd

/// An encoder with a head: token ids in, scores of each sequence out.
public protocol EncoderStudent: AnyObject, Sendable {
    /// What the folder's `config.json` says.
    var configuration: EncoderConfiguration { get }
    /// All weights.
    var parameters: ParameterSet { get }
    /// The folder that the weights came from.
    var folder: ModelFolder { get }

    /// The scores of a batch, `S x C`.
    func logits(_ tape: Tape, _ batch: TokenBatch, dropout: DropoutPlan?) -> Variable

    /// As `logits(_:_:dropout:)` without dropout, with the token rows after the embeddings and every
    /// layer.
    func logitsAndHiddenStates(
        _ tape: Tape, _ batch: TokenBatch
    ) -> (logits: Variable, hiddenStates: [Variable])
}

extension EncoderStudent {
    /// The count of weights.
    public var weightCount: Int { parameters.weightCount }

    /// The tables of which a batch touches some rows: words, positions and types.
    public var rowTables: [String] {
        configuration.tables.map { configuration.family.prefix + $0.name }
    }
}

/// An encoder and its head in one parameter set.
struct HeadedEncoder: @unchecked Sendable {
    let configuration: EncoderConfiguration
    let folder: ModelFolder
    let parameters: ParameterSet
    private let encoder: Encoder
    private let head: EncoderHead

    /// Loads both from a folder; what the folder lacks of the head is drawn anew.
    ///
    /// - Parameters:
    ///   - folder: An opened model folder.
    ///   - task: What the head is for.
    ///   - seed: Seed of new weights.
    ///   - newHead: Draws the layer that gives the scores anew even if the folder has one.
    init(
        _ folder: ModelFolder, task: EncoderTask, seed: UInt64, newHead: Bool
    ) throws(ModelError) {
        let configuration = folder.configuration
        let form = EncoderHead.form(configuration, task)
        let prefix = configuration.family.prefix
        let heads = EncoderHead.layout(form, width: configuration.hiddenSize)
        parameters = ParameterSet(
            Encoder.layout(configuration, prefix: prefix) + heads,
            joined: Encoder.joined(configuration, prefix: prefix))
        encoder = Encoder(configuration, prefix: prefix, in: parameters)
        head = EncoderHead(form, in: parameters)
        self.configuration = configuration
        self.folder = folder
        try folder.load(
            parameters, bare: prefix, optional: [form.dense, form.output].compactMap { $0 },
            fresh: newHead ? ["classifier"] : [],
            initializer: FreshWeights(
                seed: seed, deviation: configuration.initializerRange))
    }

    func logits(_ tape: Tape, _ batch: TokenBatch, dropout: DropoutPlan?) -> Variable {
        head.scores(
            encoder.lastState(tape, batch, dropout), tape, dropout, site: encoder.headSite)
    }

    func logitsAndHiddenStates(
        _ tape: Tape, _ batch: TokenBatch
    ) -> (logits: Variable, hiddenStates: [Variable]) {
        let states = encoder.hiddenStates(tape, batch, nil)
        return (
            head.scores(states[states.count - 1], tape, nil, site: encoder.headSite), states
        )
    }
}
