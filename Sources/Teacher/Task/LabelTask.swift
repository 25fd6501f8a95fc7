// What a teacher is asked of a record and what its answers mean: the chain from a record over
// requests and answers to a label, as a pure function. It knows no server, no ledger and no money.
// Start reading at `next(for:answer:)`.

public import Corpus
import Crypto

/// A labelling task: prompts compiled, examples read, ready to ask and to read answers.
public struct LabelTask: Sendable {
    /// What it was made of.
    public let options: LabelTaskOptions
    /// Names of the record fields that the templates use beyond text and id, in the order of first
    /// use: what a `CorpusSource` must be told to keep.
    public let usedFields: [String]
    /// Whether a template shows the record's id: then records of the same text ask different things.
    public let showsID: Bool
    /// Whether the form of JSON answers is asked for in several ways.
    let hasFormats: Bool
    /// A short hash of everything that shapes a label apart from the answers: prompts, examples,
    /// labels, how answers are asked for, read and made probabilities.
    public let fingerprint: String
    private let prompts: [CompiledPrompt]
    private let examples: ExampleSet?
    /// One for each form of answers, from the strictest on.
    private let writers: [RequestWriter]
    private let reading: AnswerReading
    private let votes: VoteCount

    /// Reads templates and examples and checks everything that can be wrong before something is sent.
    ///
    /// - Parameters:
    ///   - options: What to ask, and how.
    ///   - embed: Vectors of texts, one each, for examples that are the nearest; called again for
    ///     records, from several threads.
    /// - Throws: `TeacherError` with `configuration`, or what `embed` throws.
    public init(
        _ options: LabelTaskOptions, embed: (@Sendable ([String]) throws -> [[Float]])? = nil
    ) throws {
        try options.validate()
        self.options = options
        let prompts = try options.prompts.enumerated().map { index, prompt in
            try CompiledPrompt(
                prompt,
                name: LabelTaskOptions.name(ofPrompt: index, among: options.prompts.count),
                options: options)
        }
        self.prompts = prompts
        for (index, prompt) in prompts.enumerated()
        where prompts[..<index].contains(where: { $0.isSame(as: prompt) }) {
            throw TeacherError(
                .configuration,
                "teacher.prompts[\(index)] asks what an earlier one asks; the same question twice is "
                    + "one vote")
        }
        var fields: [String] = []
        for field in prompts.flatMap(\.fields) where !fields.contains(field) {
            fields.append(field)
        }
        usedFields = fields
        showsID = prompts.contains(where: \.showsID)
        writers = try RequestWriter.formats(options).map { try RequestWriter(options, $0) }
        hasFormats = writers.count > 1
        examples = try options.examples.map {
            try ExampleSet(
                $0, labels: options.answer == .text ? [] : options.labels, fields: fields,
                embed: embed)
        }
        reading = AnswerReading(options)
        votes = VoteCount(options)
        fingerprint = Self.fingerprint(options, prompts, examples?.records ?? [])
    }

    /// What comes next for a record, given the answers that are there.
    ///
    /// The same record and the same answers give the same step, and requests of the same bytes.
    ///
    /// - Parameters:
    ///   - record: The record; it holds the `usedFields`.
    ///   - format: In which form JSON is asked for, where that isn't settled by the options. Answers to
    ///     requests in the other forms count all the same.
    ///   - answer: The bytes of the answer to a request, where there is one.
    public func next(
        for record: Record, format: AnswerFormat = .schema,
        answer: (TeacherRequest) -> [UInt8]?
    ) -> LabelStep {
        let writer = hasFormats ? format.rawValue : 0
        if let missing = usedFields.first(where: { record.fields[$0] == nil }) {
            return .failed(
                LabelFailure(
                    .refused,
                    "\(record.source): the record has no field '\(missing)', which the prompt uses; "
                        + "keep it with data.fields"))
        }
        let shown: [Record]
        do {
            shown = try examples?.chosen(for: record) ?? []
        } catch {
            return .failed(
                LabelFailure(.refused, "\(record.source): no examples can be chosen: \(error)"))
        }
        var unanswered: [TeacherRequest] = []
        var good: [Vote] = []
        var failures: [LabelFailure] = []
        var usage: LabelRecord.Usage? = LabelRecord.Usage(promptTokens: 0, completionTokens: 0)
        for prompt in prompts {
            let turns = prompt.turns(for: record, examples: shown)
            switch chain(prompt, turns, writer, answer, &usage) {
            case .ask(let request): unanswered.append(request)
            case .votes(let votes): good += votes
            case .failed(let failure): failures.append(failure)
            }
        }
        guard unanswered.isEmpty else { return .ask(unanswered) }
        guard !good.isEmpty else {
            return .failed(failures.first ?? LabelFailure(.empty, "there are no answers"))
        }
        return .label(votes.answer(id: record.id, votes: good, usage: usage))
    }

    /// The requests that are asked first for a record, one a prompt; none where the record lacks a
    /// field.
    public func firstRequests(for record: Record) -> [TeacherRequest] {
        guard case .ask(let requests) = next(for: record, answer: { _ in nil }) else { return [] }
        return requests
    }

    /// The questions on a record as conversations, one a prompt: for a teacher that is handed words and
    /// not bytes.
    ///
    /// - Throws: `TeacherError` with `configuration` where the record lacks a field that a prompt uses.
    func conversations(for record: Record) throws -> [[Turn]] {
        if let missing = usedFields.first(where: { record.fields[$0] == nil }) {
            throw TeacherError(
                .configuration,
                "\(record.source): the record has no field '\(missing)', which the prompt uses; keep "
                    + "it with data.fields")
        }
        let shown = try examples?.chosen(for: record) ?? []
        return prompts.map { $0.turns(for: record, examples: shown) }
    }

    /// The answer that votes give, one of each prompt.
    func answer(id: String, votes: [Vote]) -> LabelRecord {
        self.votes.answer(id: id, votes: votes, usage: nil)
    }

    /// Makes ready for records that come next.
    ///
    /// Texts whose nearest examples are wanted are embedded together; that changes no answer, only
    /// the time.
    public func prepare(for records: [Record]) throws {
        try examples?.prepare(for: records.map(\.text))
    }

    private enum Chain {
        case ask(TeacherRequest)
        case votes([Vote])
        case failed(LabelFailure)
    }

    /// One prompt's way: asked, and asked again as long as nothing can be used and it may help.
    private func chain(
        _ prompt: CompiledPrompt, _ question: [Turn], _ writer: Int,
        _ answer: (TeacherRequest) -> [UInt8]?, _ usage: inout LabelRecord.Usage?
    ) -> Chain {
        var turns = question
        var asked = 0
        while true {
            let request = writers[writer].request(turns)
            guard let bytes = answer(request) ?? otherwise(turns, writer, answer) else {
                return .ask(request)
            }
            let body: ResponseBody
            do throws(LabelFailure) { body = try ResponseBody(bytes) } catch {
                return .failed(error)
            }
            usage = usage.flatMap { sum in
                body.usage.map {
                    LabelRecord.Usage(
                        promptTokens: sum.promptTokens + $0.promptTokens,
                        completionTokens: sum.completionTokens + $0.completionTokens)
                }
            }
            var good: [Vote] = []
            var unusable: UnusableAnswer?
            for choice in body.choices.prefix(options.samples) {
                do throws(UnusableAnswer) { good.append(try reading.vote(choice)) } catch {
                    if unusable == nil { unusable = error }
                }
            }
            if !good.isEmpty { return .votes(good) }
            guard let unusable else {
                return .failed(LabelFailure(.malformed, "the answer has no choices"))
            }
            // A filter takes the next answer too.
            guard asked < options.reAsk, unusable.kind != .filtered else {
                return .failed(unusable.failure)
            }
            asked += 1
            turns += prompt.correction(of: unusable)
        }
    }

    /// The answer to the same question in another form, from a call that had to ask so.
    private func otherwise(
        _ turns: [Turn], _ writer: Int, _ answer: (TeacherRequest) -> [UInt8]?
    ) -> [UInt8]? {
        for index in writers.indices where index != writer {
            if let bytes = answer(writers[index].request(turns)) { return bytes }
        }
        return nil
    }

    private static func fingerprint(
        _ options: LabelTaskOptions, _ prompts: [CompiledPrompt], _ examples: [Record]
    ) -> String {
        var parts = [
            "retort label task", "\(AnswerReading.version)", options.model,
            options.route.rawValue, options.answer.rawValue, options.confidenceSource.rawValue,
            options.jsonSchema.rawValue, "\(options.topLogprobs)",
            JSONText.number(options.minimumLabelMass), "\(options.samples)", "\(options.reAsk)",
            "\(options.answerTokens)", JSONText.number(options.temperature),
            options.topP.map(JSONText.number) ?? "", options.seed.map(String.init) ?? "",
            options.extraBody ?? "", "\(options.labels.count)",
        ]
        parts += options.labels
        for prompt in prompts { parts += [prompt.system?.source ?? "", prompt.user.source] }
        if let choice = options.examples {
            parts += ["\(choice.count)", choice.choose.rawValue, "\(choice.seed)"]
        }
        for example in examples {
            parts += [example.id, example.text, example.label ?? ""]
            // Dictionaries have no order of their own.
            for name in example.fields.keys.sorted(by: JSONText.precedes) {
                parts += [name, example.fields[name] ?? ""]
            }
        }
        var hash = SHA256()
        for part in parts { hash.update(data: Array("\(part.utf8.count):\(part)".utf8)) }
        return ContentHash.hexadecimal(hash.finalize().prefix(8))
    }
}
