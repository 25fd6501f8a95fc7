// A decoder in this process that labels records: asked with the same templates and examples as one on
// servers. Its confidences are exact: each label's log-probability behind the prompt is known, not only
// those of the likeliest tokens, so they are restricted to the labels and scaled to the sum 1.
//
//     p(label | text) = exp(s_label) / sum_l exp(s_l),   s_l = sum_t log p(l_t | prompt, l_<t)
//
// Where confidences come from elsewhere (votes, a stated number, nowhere) the answers are generated and
// read like any server's.

public import Corpus
import Models
public import Tokenizers

/// A decoder in this process as teacher of labels.
public final class LocalTeacher: Teacher {
    /// The model's identity and the task's fingerprint.
    public let identity: String
    /// The folder and what it is asked for.
    public let description: String
    private let model: LocalModel
    private let task: LabelTask

    /// A teacher of a model and a task; the task's route is `route(for:)`'s.
    ///
    /// - Throws: `TeacherError` with `configuration` for confidences that this teacher hasn't.
    public init(_ model: LocalModel, task: LabelTask) throws(TeacherError) {
        let options = task.options
        guard options.answer != .json || options.confidenceSource != .logprobs else {
            throw TeacherError(
                .configuration,
                "teacher.confidence: logprobs of a local teacher wants teacher.answer: label; for json "
                    + "set it to verbalized, votes or none")
        }
        self.model = model
        self.task = task
        identity = "\(model.identity)/\(task.fingerprint)"
        description = "\(model.description), answer \(options.answer.rawValue)"
    }

    /// The form of prompts that suits a template: without one a model continues plain text.
    public static func route(for template: ChatTemplate?) -> TeacherRequest.Route {
        template == nil ? .completions : .chatCompletions
    }

    /// The model's name in requests: which one it is stands in the identity.
    public static let modelName = "local"

    /// The bytes that a server would be sent.
    public func requestBytes(for record: Record) -> [UInt8] {
        Array(task.firstRequests(for: record).map(\.body).joined(separator: [0]))
    }

    /// A label, or a text, for each record.
    ///
    /// A record whose answer can't be read has neither label nor probabilities, and the reason as text.
    public func label(_ records: [Record]) throws -> [LabelRecord] {
        let options = task.options
        try task.prepare(for: records)
        switch (options.answer, options.confidenceSource) {
        case (.label, .logprobs): return try scored(records)
        case (.text, _): return try texts(of: records)
        default: return try generated(records)
        }
    }

    // MARK: - Labels by their scores

    private func scored(_ records: [Record]) throws -> [LabelRecord] {
        let labels = task.options.labels
        let asked = try records.map { record in
            try fitted(record, room: 0) { turns in
                let question = try model.question(turns, labels: labels)
                let longest = question.continuations.reduce(0) { max($0, $1.count) }
                return (question, question.prompt.count + longest)
            }
        }
        var scores = try model.scores(of: asked.flatMap { $0 })[...]
        return zip(records, asked).map { record, questions in
            let votes = scores.prefix(questions.count).map(vote)
            scores = scores.dropFirst(questions.count)
            return task.answer(id: record.id, votes: votes)
        }
    }

    private func vote(_ scores: [Double]) -> Vote {
        let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
        let mass = scores.reduce(0) { $0 + exponential($1) }
        let isTrusted = mass >= task.options.minimumLabelMass
        return Vote(
            label: best, probabilities: isTrusted ? normalised(scores) : nil,
            text: task.options.labels[best], finishReason: nil)
    }

    // MARK: - Answers in words

    private func texts(of records: [Record]) throws -> [LabelRecord] {
        let prompts = try records.map { record in
            let ids = try fitted(record, room: task.options.answerTokens) { turns in
                let ids = try model.prompt(turns)
                return (ids, ids.count)
            }[0]
            return prompt(ids, sample: Self.sample(requestBytes(for: record)))
        }
        return zip(records, try model.generate(prompts)).map { record, answer in
            LabelRecord(
                id: record.id, text: answer.text, usage: LocalAnswer.usage(of: [answer]),
                finishReason: answer.finishReason)
        }
    }

    /// The chain that servers' answers go through, with answers that are generated here.
    private func generated(_ records: [Record]) throws -> [LabelRecord] {
        var fitting: [Record] = []
        for record in records {
            var cut = record
            // A question that is asked again is longer by the answer and the note.
            let room = 3 * task.options.answerTokens + 128
            _ = try fitted(record, room: room, used: { cut = $0 }) { turns in
                let ids = try model.prompt(turns)
                return (ids, ids.count)
            }
            fitting.append(cut)
        }
        var answers: [[UInt8]: [UInt8]] = [:]
        while true {
            let steps = fitting.map { task.next(for: $0) { answers[$0.body] } }
            var wanted: [TeacherRequest] = []
            var seen: Set<[UInt8]> = []
            for case .ask(let requests) in steps {
                wanted += requests.filter { seen.insert($0.body).inserted }
            }
            guard !wanted.isEmpty else {
                return zip(records, steps).map { Self.record($0, $1) }
            }
            for (request, body) in zip(wanted, try bodies(of: wanted)) {
                answers[request.body] = body
            }
        }
    }

    private static func record(_ record: Record, _ step: LabelStep) -> LabelRecord {
        switch step {
        case .label(let label): label
        case .failed(let failure):
            LabelRecord(
                id: record.id, text: failure.reason, finishReason: failure.kind.rawValue)
        case .ask: LabelRecord(id: record.id, text: "")
        }
    }

    private func bodies(of requests: [TeacherRequest]) throws -> [[UInt8]] {
        let samples = task.options.samples
        let prompts = try requests.flatMap { request in
            let ids = try model.prompt(RequestReader.turns(of: request))
            let first = Self.sample(request.body)
            return (0..<samples).map { choice in
                prompt(ids, sample: CounterRandom(seed: first, UInt64(choice))[0])
            }
        }
        let answers = try model.generate(prompts)
        return requests.indices.map { index in
            LocalAnswer.body(Array(answers[index * samples..<(index + 1) * samples]))
        }
    }

    private func prompt(_ ids: [Int32], sample: UInt64) -> LocalPrompt {
        let options = task.options
        return LocalPrompt(
            ids: ids,
            sampling: SamplingOptions(
                temperature: options.temperature, topP: options.topP ?? 1,
                seed: UInt64(bitPattern: Int64(options.seed ?? 0))),
            sample: sample, maximumTokens: options.answerTokens,
            stopTexts: options.answer == .label && model.template == nil ? ["\n"] : [])
    }

    /// What a request's draws are keyed by: its own bytes, so that records that ask the same get the same.
    private static func sample(_ bytes: [UInt8]) -> UInt64 {
        LabelKey(teacher: modelName, request: bytes).fingerprint
    }

    // MARK: - Texts that are too long

    /// What `make` makes of each prompt of a record, whose text is cut at its end until all fit.
    private func fitted<Value>(
        _ record: Record, room: Int, used: (Record) -> Void = { _ in },
        _ make: ([Turn]) throws -> (Value, length: Int)
    ) throws -> [Value] {
        var cut = record
        // A prompt of examples alone may be longer than what an answer leaves.
        let limit = max(model.maximumLength - room, model.maximumLength / 2)
        while true {
            let made = try task.conversations(for: cut).map(make)
            let excess = made.reduce(0) { max($0, $1.length - limit) }
            guard excess > 0 else {
                used(cut)
                return made.map(\.0)
            }
            guard !cut.text.isEmpty else {
                throw TeacherError(
                    .configuration,
                    "\(record.source): the prompt has \(limit + excess) tokens without any text of the "
                        + "record, and \(limit) fit; shorten the templates or show fewer examples")
            }
            let tokens = model.tokenizer.encodeIDs(cut.text, maximumLength: .max).count
            let share = Double(max(0, tokens - excess)) / Double(max(1, tokens))
            let kept = min(Int(Double(cut.text.count) * share), cut.text.count - 1)
            cut = Record(
                id: record.id, text: String(cut.text.prefix(kept)), label: record.label,
                fields: record.fields, source: record.source)
        }
    }
}
