// Asking the teacher for new items in one of the two ways, in waves: what all subjects lack is asked for at
// once, the replies are read in the order of subjects and numbers, and what is still missing is asked
// for in the next wave, `attempts` times at most.
//
//   direct       one call      {"question", "choices", "answer"}
//   decomposed   three calls   the question; its right answer; wrong but plausible answers
//
// All ranks do this together with the same requests and get the same replies. An item's number over its
// subject and way is part of its requests, so that each is another one; asked again after a stop they are the
// same, and are answered by the ledger.

import Corpus
import Teacher

/// Counts of one way's asking.
struct GenerationTally: Codable, Equatable {
    let way: GenerationWay
    /// Items wanted, over all subjects.
    var wanted = 0
    /// Items that were begun: a request of the direct way, up to three of the decomposed.
    var begun = 0
    /// Requests.
    var calls = 0
    /// Items that were taken.
    var accepted = 0
    /// Items that weren't, by reason.
    var refused: [String: Int] = [:]
    /// Of the requests, tokens both ways and money in millionths, as the ledgers say.
    var promptTokens: Int64 = 0
    var completionTokens: Int64 = 0
    var priceMicro: Int64 = 0

    init(_ way: GenerationWay) { self.way = way }

    mutating func refuse(_ fault: ItemFault) { refused[fault.rawValue, default: 0] += 1 }

    func count(of fault: ItemFault) -> Int { refused[fault.rawValue] ?? 0 }

    /// Items that were lost because a reply couldn't be read.
    var parseFailures: Int {
        ItemFault.allCases.filter(\.isParseFailure).reduce(0) { $0 + count(of: $1) }
    }

    /// Something by accepted item; nil where there is none.
    func perAccepted(_ amount: Double) -> Double? {
        accepted > 0 ? amount / Double(accepted) : nil
    }
}

/// Writes new items from a few real ones.
struct ItemGeneration {
    let options: Recipe.MCQAOptions
    let seed: UInt64
    /// The real examples of each subject, the subjects in their order.
    let subjects: [(name: String, examples: [ChoiceItem])]
    /// What new items must differ from.
    let examples: OverlapGate
    let test: OverlapGate
    /// The teacher's texts, in the order of the requests; a collective.
    let ask: ([TextRequest]) throws -> [TextAnswer]
    /// What requests have cost.
    let cost: ([TextRequest]) throws -> LedgerTotals

    /// An item that is being written: the subject's place and its number there.
    private struct Slot {
        let subject: Int
        let number: Int
    }

    /// New items of one way, and counts.
    func items(_ way: GenerationWay) throws -> (items: [ChoiceItem], tally: GenerationTally) {
        var tally = GenerationTally(way)
        tally.wanted = subjects.count * options.perSubject
        var gates = Gates(
            examples: examples, test: test,
            taken: OverlapGate(
                similarity: options.similarity, wordsOf: subjects.flatMap(\.examples)))
        var taken = [[ChoiceItem]](repeating: [], count: subjects.count)
        var begun = [Int](repeating: 0, count: subjects.count)
        var asked: [TextRequest] = []
        for _ in 0..<options.attempts {
            let slots = subjects.indices.flatMap { subject in
                (0..<(options.perSubject - taken[subject].count)).map {
                    Slot(subject: subject, number: begun[subject] + $0)
                }
            }
            if slots.isEmpty { break }
            for slot in slots { begun[slot.subject] += 1 }
            tally.begun += slots.count
            let drafts =
                switch way {
                case .direct: try direct(slots, &asked)
                case .decomposed: try decomposed(slots, &asked)
                }
            for (slot, draft) in zip(slots, drafts) {
                switch draft {
                case .success(let draft):
                    let item = named(draft, slot, way)
                    if let fault = gates.fault(of: item) {
                        tally.refuse(fault)
                    } else {
                        taken[slot.subject].append(item)
                    }
                case .failure(let fault): tally.refuse(fault)
                }
            }
        }
        let items = taken.flatMap { $0 }
        tally.accepted = items.count
        tally.calls = asked.count
        let spent = try cost(asked)
        tally.promptTokens = spent.promptTokens
        tally.completionTokens = spent.completionTokens
        tally.priceMicro = spent.priceMicro
        return (items, tally)
    }

    private struct Gates {
        var examples: OverlapGate
        var test: OverlapGate
        var taken: OverlapGate

        /// Why an item isn't taken; one that is will be known from now on.
        mutating func fault(of item: ChoiceItem) -> ItemFault? {
            if examples.overlap(of: item) != nil { return .exampleOverlap }
            if test.overlap(of: item) != nil { return .testOverlap }
            if taken.overlap(of: item) != nil { return .duplicate }
            taken.add(item)
            return nil
        }
    }

    // MARK: - The two ways

    private func direct(
        _ slots: [Slot], _ asked: inout [TextRequest]
    ) throws -> [Result<DraftItem, ItemFault>] {
        let requests = slots.map { request("direct", $0, prompt($0).wholeItem) }
        asked += requests
        return try ask(requests).map { reply in
            Self.words(of: reply).flatMap { words in
                Result { () throws(ItemFault) in
                    try DraftItem(json: words, most: options.choices)
                }
            }
        }
    }

    private func decomposed(
        _ slots: [Slot], _ asked: inout [TextRequest]
    ) throws -> [Result<DraftItem, ItemFault>] {
        let none = [Result<String, ItemFault>](repeating: .success(""), count: slots.count)
        let questions = try step("question", slots, after: none, &asked) { place in
            prompt(slots[place]).question
        } read: { reply throws(ItemFault) in
            try DecomposedReply.question(reply)
        }
        let answers = try step("answer", slots, after: questions, &asked) { place in
            prompt(slots[place]).answer(to: questions[place].value)
        } read: { reply throws(ItemFault) in
            try DecomposedReply.answer(reply)
        }
        let wrong = try step("distractors", slots, after: answers, &asked) { place in
            prompt(slots[place]).distractors(
                of: questions[place].value, answer: answers[place].value)
        } read: { reply throws(ItemFault) in
            try DecomposedReply.distractors(reply, count: options.choices - 1)
        }
        return slots.indices.map { place in
            wrong[place].flatMap { wrong in
                Result { () throws(ItemFault) in
                    try DraftItem(
                        question: questions[place].value, choices: [answers[place].value] + wrong,
                        answer: 0, most: options.choices)
                }
            }
        }
    }

    /// One of the three calls, for items that got so far.
    private func step<Before, Value>(
        _ name: String, _ slots: [Slot], after before: [Result<Before, ItemFault>],
        _ asked: inout [TextRequest], messages: (Int) -> [TextRequest.Message],
        read: (String) throws(ItemFault) -> Value
    ) throws -> [Result<Value, ItemFault>] {
        let open = slots.indices.filter { if case .success = before[$0] { true } else { false } }
        let requests = open.map { request(name, slots[$0], messages($0)) }
        asked += requests
        var results = before.map { result in
            result.flatMap { _ in Result<Value, ItemFault>.failure(.noReply) }
        }
        for (place, reply) in zip(open, try ask(requests)) {
            results[place] = Self.words(of: reply).flatMap { words in
                Result { () throws(ItemFault) in try read(words) }
            }
        }
        return results
    }

    private func prompt(_ slot: Slot) -> GenerationPrompt {
        let subject = subjects[slot.subject]
        let order = Permutation(count: subject.examples.count, seed: seed, epoch: slot.number)
        return GenerationPrompt(
            subject: subject.name, examples: (0..<order.count).map { subject.examples[order[$0]] },
            choices: options.choices)
    }

    private func request(
        _ call: String, _ slot: Slot, _ messages: [TextRequest.Message]
    ) -> TextRequest {
        TextRequest(
            id: "\(call)/\(subjects[slot.subject].name)", messages: messages,
            sampling: .init(
                temperature: options.samplingTemperature,
                topP: options.topP < 1 ? options.topP : nil, seed: seed),
            maximumTokens: options.maximumTokens, attempt: slot.number)
    }

    private static func words(of reply: TextAnswer) -> Result<String, ItemFault> {
        switch reply {
        case .text(let text, _): text.trimmed.isEmpty ? .failure(.noReply) : .success(text)
        case .cut: .failure(.cut)
        case .failed: .failure(.noReply)
        }
    }

    /// The item, its choices shuffled: in the decomposed way the right one stands first until here.
    private func named(_ draft: DraftItem, _ slot: Slot, _ way: GenerationWay) -> ChoiceItem {
        let subject = subjects[slot.subject].name
        return ChoiceItem(
            id: "\(subject)/\(way.rawValue)-\(slot.number)", subject: subject,
            question: draft.question, choices: draft.choices, answer: draft.answer
        ).shuffled(seed: seed)
    }
}

extension Result where Failure == ItemFault {
    /// What succeeded; asked for only where it did.
    fileprivate var value: Success {
        guard case .success(let value) = self else { preconditionFailure("asked after a failure") }
        return value
    }
}
