// Texts of a model in this process over all ranks: each rank has the model, takes leases of the requests,
// and commits a lease's answers before it takes the next.

public import Collectives
import Corpus
import Foundation
import Models

/// Asks a local model for texts, on all ranks together.
public struct LocalTextJob {
    /// The model; the same on all ranks.
    public let model: LocalModel
    /// The folder of ledgers.
    public let folder: String
    /// The ranks.
    public let communicator: Communicator
    /// Whether this rank was asked to stop.
    public let isStopRequested: () -> Bool
    private let writer: TextRequestWriter

    /// A job of its parts.
    public init(
        _ model: LocalModel, folder: String, communicator: Communicator,
        isStopRequested: @escaping () -> Bool
    ) {
        self.model = model
        self.folder = folder
        self.communicator = communicator
        self.isStopRequested = isStopRequested
        writer = TextRequestWriter(
            teacher: model.identity, model: LocalTeacher.modelName,
            route: LocalTeacher.route(for: model.template))
    }

    /// A request's name in the ledger.
    public func key(of text: TextRequest) throws(TeacherError) -> LabelKey {
        let (request, key) = try writer.request(text)
        guard let scored = text.scored else { return key }
        // A server's alternatives answer for any choices; here those that are asked for are scored.
        let choices = scored.parts.map { "\($0.utf8.count):\($0)" }.joined()
        return LabelKey(
            teacher: model.identity, request: request.body + Array("\0\(choices)".utf8))
    }

    /// Answers; every rank calls it with the same requests, none of which has an answer, each once.
    ///
    /// - Parameter observe: Called after each lease with the texts that all ranks have so far.
    /// - Returns: False when a signal stopped it. All answers are in the ledgers then, on all ranks.
    public func ask(_ texts: [TextRequest], observe: (Int) throws -> Void) throws -> Bool {
        // The ledgers may lie on another machine's disk: nobody reads them while some are written.
        try communicator.barrier()
        let ledger = try LabelLedger(folder: folder, rank: communicator.rank)
        defer { ledger.close() }
        return try LocalLeases(
            communicator, count: texts.count, leaseSize: 2 * LocalModel.textsTogether,
            isStopRequested: isStopRequested
        ).run(observe: observe) { lease in
            try ledger.commit(try answered(texts[lease]))
        }
    }

    private func answered(_ texts: ArraySlice<TextRequest>) throws -> LedgerBatch {
        var batch = LedgerBatch()
        try score(texts.filter { $0.scored != nil }, into: &batch)
        var asked: [(text: TextRequest, key: LabelKey, prompt: LocalPrompt)] = []
        for text in texts where text.scored == nil {
            let key = try key(of: text)
            let ids = try model.prompt(text.messages.map(Turn.init))
            guard ids.count < model.maximumLength else {
                batch.failures.append(tooLong(text, key, tokens: ids.count))
                continue
            }
            let sampling = SamplingOptions(
                temperature: text.sampling.temperature, topP: text.sampling.topP ?? 1,
                seed: text.drawnSeed ?? 0)
            asked.append(
                (
                    text, key,
                    LocalPrompt(
                        ids: ids, sampling: sampling, sample: key.fingerprint,
                        maximumTokens: text.maximumTokens)
                ))
        }
        let begun = ContinuousClock.now
        let answers = try model.generate(asked.map(\.prompt))
        let spent = (ContinuousClock.now - begun).components
        let microseconds = spent.seconds * 1_000_000 + spent.attoseconds / 1_000_000_000_000
        batch.responses += zip(asked, answers).map { asked, answer in
            ResponseEntry(
                key: asked.key, recordID: asked.text.recordID, teacher: model.identity,
                response: TeacherResponse(
                    body: LocalAnswer.body([answer]), usage: LocalAnswer.usage(of: [answer]),
                    finishReason: answer.finishReason, server: "",
                    latencyMicroseconds: microseconds / Int64(max(1, answers.count))),
                chargedTokens: 0, priceMicro: 0)
        }
        return batch
    }

    private func tooLong(_ text: TextRequest, _ key: LabelKey, tokens: Int) -> FailureEntry {
        FailureEntry(
            key: key, recordID: text.recordID,
            teacher: TextLedger.failureIdentity(of: model.identity),
            failure: LabelFailure(.refused, model.tooLong(tokens: tokens)))
    }

    /// Scores of choices, kept in the form in which servers tell alternatives.
    private func score(_ texts: [TextRequest], into batch: inout LedgerBatch) throws {
        for (text, outcome) in zip(texts, try model.scored(texts)) {
            let key = try key(of: text)
            switch outcome {
            case .tooLong(let tokens): batch.failures.append(tooLong(text, key, tokens: tokens))
            case .scores(let values, let usage):
                batch.responses.append(
                    ResponseEntry(
                        key: key, recordID: text.recordID, teacher: model.identity,
                        response: TeacherResponse(
                            body: LocalAnswer.body(scores: values, usage: usage), usage: usage,
                            finishReason: "stop", server: "", latencyMicroseconds: 0),
                        chargedTokens: 0, priceMicro: 0))
            }
        }
    }
}
