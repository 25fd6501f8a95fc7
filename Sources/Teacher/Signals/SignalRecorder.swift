// Records a teacher's scores at every token of given answers, over all ranks: each rank has the model and
// takes leases of the samples. What prompts begin with alike is read once. The scores don't depend on who
// read what together with what.
//
// Shape legend: k tokens kept at a place, V vocabulary.

public import Collectives
import Corpus
import Models
import TensorCore

/// Records scores.
public struct SignalRecorder {
    /// The teacher; the same on all ranks.
    public let model: LocalModel
    /// The folder of ledgers, where signals rest too.
    public let folder: String
    /// The ranks.
    public let communicator: Communicator
    /// Whether this rank was asked to stop.
    public let isStopRequested: () -> Bool

    /// Samples that a rank takes at a time: what a signal or a kill loses.
    private static let leaseSize = 32
    /// Tokens that are read together.
    private static let tokensTogether = 4096

    /// A recorder of its parts.
    public init(
        _ model: LocalModel, folder: String, communicator: Communicator,
        isStopRequested: @escaping () -> Bool
    ) {
        self.model = model
        self.folder = folder
        self.communicator = communicator
        self.isStopRequested = isStopRequested
    }

    /// Records what isn't recorded yet; a collective, with the same samples on all ranks.
    ///
    /// - Parameters:
    ///   - samples: Prompts and answers in the teacher's tokens.
    ///   - count: k; the whole vocabulary where that is smaller.
    ///   - temperature: What scores are divided by before the softmax: as a rule the one that the
    ///     student learns at, at which the kept scores and the rest's mass are then exact.
    ///   - observe: Called on each rank with the samples that all ranks have recorded so far.
    /// - Returns: The signals of all samples, the same at any count of ranks; nil after a signal to stop:
    ///   what was recorded is kept, and the same call goes on.
    /// - Throws: `TeacherError` with `configuration` for samples that the model can't read.
    public func record(
        _ samples: [SignalSample], count: Int = 64, temperature: Double = 1,
        observe: (Int) throws -> Void = { _ in }
    ) throws -> SignalStore? {
        try check(samples)
        let set = SignalSet(teacher: model.identity, count: count, temperature: temperature)
        let file = try SignalFile(folder: folder, rank: communicator.rank)
        defer { file.close() }
        // Opening a file plays back what a killed process left half written.
        for path in try RankFiles.signals.paths(in: folder) {
            guard let other = RankFiles.signals.rank(of: path), other >= communicator.size,
                other % communicator.size == communicator.rank
            else { continue }
            try SignalFile(folder: folder, rank: other).close()
        }
        try communicator.barrier()
        let known = try SignalStore(folder: folder, set: set, samples: samples)
        try communicator.barrier()
        let missing = samples.filter { !known.holds($0.id) }
        guard !missing.isEmpty else { return known }
        let isWhole = try LocalLeases(
            communicator, count: missing.count, leaseSize: Self.leaseSize,
            isStopRequested: isStopRequested
        ).run(observe: { try observe(known.count + $0) }) { lease in
            try file.commit(try entries(Array(missing[lease]), set))
        }
        return isWhole ? try SignalStore(folder: folder, set: set, samples: samples) : nil
    }

    private func check(_ samples: [SignalSample]) throws(TeacherError) {
        var seen: Set<String> = []
        for sample in samples {
            guard seen.insert(sample.id).inserted else {
                throw TeacherError(
                    .configuration,
                    "sample '\(sample.id)' is to be recorded twice; give each sample an id of its own"
                )
            }
            let length = sample.prompt.count + sample.answer.count
            guard !sample.prompt.isEmpty, !sample.answer.isEmpty, length <= model.maximumLength
            else {
                throw TeacherError(
                    .configuration,
                    "sample '\(sample.id)': the teacher takes a prompt and an answer of at least one "
                        + "token each and \(model.maximumLength) together, and these have "
                        + "\(sample.prompt.count) and \(sample.answer.count)")
            }
        }
    }

    private func entries(
        _ samples: [SignalSample], _ set: SignalSet
    ) throws(ModelError) -> [SignalFile.Entry] {
        var entries: [SignalFile.Entry] = []
        let prefix = try model.prefix.shared(by: samples.map(\.prompt))
        var start = 0
        while start < samples.count {
            var end = start
            var tokens = 0
            repeat {
                tokens += samples[end].prompt.count + samples[end].answer.count
                tokens -= prefix?.count ?? 0
                end += 1
            } while end < samples.count && tokens < Self.tokensTogether
            entries += try together(samples[start..<end], prefix, set)
            start = end
        }
        return entries
    }

    private func together(
        _ samples: ArraySlice<SignalSample>,
        _ prefix: (sequence: DecoderSequence, count: Int)?, _ set: SignalSet
    ) throws(ModelError) -> [SignalFile.Entry] {
        let decoder = model.decoder
        let sequences = samples.map { _ in prefix?.sequence.fork() ?? decoder.makeSequence() }
        // The prompt but for its last token, whose state foretells the answer's first.
        let prompts = zip(sequences, samples).map {
            DecoderInput(
                $0, Array($1.prompt.dropFirst(prefix?.count ?? 0).dropLast()), wanted: .none)
        }.filter { !$0.tokens.isEmpty }
        if !prompts.isEmpty { _ = try decoder.read(prompts) }
        let states = try decoder.read(
            zip(sequences, samples).map {
                DecoderInput($0, $1.prompt.suffix(1) + $1.answer.dropLast(), wanted: .all)
            })
        let scores = try decoder.topScores(
            after: states, count: set.count, temperature: set.temperature)
        var first = 0
        return samples.map { sample in
            defer { first += sample.answer.count }
            return SignalFile.Entry(
                key: sample.key(in: set.identity), id: sample.id, set: set.identity,
                places: sample.answer.count,
                data: SignalCodec.bytes(scores, places: first..<first + sample.answer.count))
        }
    }
}
