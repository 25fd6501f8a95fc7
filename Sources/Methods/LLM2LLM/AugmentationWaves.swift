// Asking the teacher for new items, in waves: all wrong seeds that still lack items are asked at once,
// the replies are read in the seeds' order, and what is still missing is asked for in the next wave.
//
// All ranks do this together with the same requests and get the same replies, so all hold the same items
// in the same order, whoever asked for which. Every request is another one by its attempt, counted over
// the run, so that a seed that is wrong again gets another reply; asked again after a stop it is the same,
// and is answered by the ledger.

import Teacher

/// Counts of one round's asking.
struct AugmentationTally: Codable, Equatable {
    /// Requests for items, and requests for answers that check them.
    var requests = 0
    var checks = 0
    /// Items that were taken.
    var accepted = 0
    /// Pieces of replies that weren't, by reason.
    var rejected: [String: Int] = [:]
    /// Seeds that had fewer items than wanted when their attempts were used up.
    var unsatisfied = 0

    /// Requests of both kinds.
    var calls: Int { requests + checks }

    mutating func reject(_ reason: ItemRejection) { rejected[reason.rawValue, default: 0] += 1 }

    func count(of reason: ItemRejection) -> Int { rejected[reason.rawValue] ?? 0 }
}

/// A seed that new items are wanted for.
struct WantedSeed {
    let item: LLM2LLMItem
    /// What the student answered; nil where it wasn't asked.
    let said: String?
}

/// Asks for items until each seed has its own, or its attempts are used up.
struct AugmentationWaves {
    let task: LLM2LLMTask
    let options: Recipe.LLM2LLMOptions
    let prompt: LLM2LLMPrompt
    let seed: UInt64
    /// The teacher: all ranks together, answers in the order of the requests.
    let ask: ([TextRequest]) throws -> [TextAnswer]

    /// An item that may be taken, and whose it is.
    private struct Candidate {
        let place: Int
        let draft: GeneratedItems.Draft
    }

    /// New items for wrong seeds.
    ///
    /// - Parameters:
    ///   - wrong: The seeds, in the order of the data set.
    ///   - round: The number of the data set that the items are for, from 1.
    ///   - known: Questions that new ones must differ from besides the wrong seeds' own.
    /// - Returns: The items, those of a seed together in the order of the seeds, and counts.
    func items(
        for wrong: [WantedSeed], round: Int, known: [String]
    ) throws -> (items: [LLM2LLMItem], tally: AugmentationTally) {
        var tally = AugmentationTally()
        var gate = gate(wrong, known)
        var taken = [[GeneratedItems.Draft]](repeating: [], count: wrong.count)
        for wave in 0..<options.attempts {
            let open = wrong.indices.filter { taken[$0].count < options.perSeed }
            if open.isEmpty { break }
            let requests = open.map { place in
                request(
                    wrong[place], count: options.perSeed - taken[place].count,
                    attempt: (round - 1) * options.attempts + wave)
            }
            tally.requests += requests.count
            let replies = try ask(requests)
            var candidates: [Candidate] = []
            for (place, reply) in zip(open, replies) {
                candidates += read(
                    reply, place, atMost: options.perSeed - taken[place].count, &gate, &tally)
            }
            for candidate in try agreed(candidates, &tally) {
                taken[candidate.place].append(candidate.draft)
            }
        }
        tally.unsatisfied = taken.count { $0.count < options.perSeed }
        return (named(taken, wrong, round: round, &tally), tally)
    }

    /// New items for all seeds alike, by so many requests at once: the one-shot baseline.
    func bulk(
        _ seeds: [WantedSeed], requests count: Int
    ) throws -> (items: [LLM2LLMItem], tally: AugmentationTally) {
        var tally = AugmentationTally()
        var gate = gate(seeds, [])
        let places = (0..<count).map { $0 % seeds.count }
        let requests = places.enumerated().map { number, place in
            request(seeds[place], count: options.perSeed, attempt: number / seeds.count)
        }
        tally.requests = count
        var candidates: [Candidate] = []
        for (place, reply) in zip(places, try ask(requests)) {
            candidates += read(reply, place, atMost: options.perSeed, &gate, &tally)
        }
        var taken = [[GeneratedItems.Draft]](repeating: [], count: seeds.count)
        for candidate in try agreed(candidates, &tally) {
            taken[candidate.place].append(candidate.draft)
        }
        return (named(taken, seeds, round: 1, &tally), tally)
    }

    private func gate(_ seeds: [WantedSeed], _ known: [String]) -> SimilarityGate {
        var gate = SimilarityGate(threshold: options.similarity)
        for seed in seeds { gate.add(seed.item.question) }
        for question in known { gate.add(question) }
        return gate
    }

    private func request(_ seed: WantedSeed, count: Int, attempt: Int) -> TextRequest {
        TextRequest(
            id: seed.item.id,
            messages: prompt.generation(of: seed.item, said: seed.said, count: count),
            sampling: .init(
                temperature: options.temperature, topP: options.topP < 1 ? options.topP : nil,
                seed: self.seed), maximumTokens: options.maximumTokens, attempt: attempt)
    }

    /// The items of a reply that are unlike all that is there.
    private func read(
        _ reply: TextAnswer, _ place: Int, atMost wanted: Int, _ gate: inout SimilarityGate,
        _ tally: inout AugmentationTally
    ) -> [Candidate] {
        let read: GeneratedItems
        switch reply {
        case .text(let text, _) where !text.trimmed.isEmpty:
            read = GeneratedItems(text, isCut: false, task: task)
        case .cut(let text): read = GeneratedItems(text, isCut: true, task: task)
        case .text, .failed:
            tally.reject(.noReply)
            return []
        }
        for reason in read.rejections { tally.reject(reason) }
        var candidates: [Candidate] = []
        for draft in read.drafts where candidates.count < wanted {
            guard !gate.refuses(draft.question) else {
                tally.reject(.similar)
                continue
            }
            gate.add(draft.question)
            candidates.append(Candidate(place: place, draft: draft))
        }
        return candidates
    }

    /// The items whose answers the teacher itself finds again, where that is asked for.
    private func agreed(
        _ candidates: [Candidate], _ tally: inout AugmentationTally
    ) throws -> [Candidate] {
        let samples = options.agreementSamples
        guard samples > 0, !candidates.isEmpty else { return candidates }
        let requests = candidates.flatMap { candidate in
            TextRequest(
                id: "check", messages: prompt.check(of: candidate.draft),
                sampling: .init(temperature: samples > 1 ? options.temperature : 0, seed: seed),
                maximumTokens: options.maximumTokens
            ).repeated(samples)
        }
        tally.checks += requests.count
        let answers = try ask(requests)
        return candidates.enumerated().compactMap { number, candidate in
            let item = LLM2LLMItem(
                id: "", question: candidate.draft.question, choices: candidate.draft.choices,
                answer: candidate.draft.answer)
            let right = answers[(number * samples)..<((number + 1) * samples)].count { answer in
                guard case .text(let text, _) = answer else { return false }
                return task.isRight(text, item)
            }
            guard right >= options.agreementCount else {
                tally.reject(.disagreement)
                return nil
            }
            return candidate
        }
    }

    private func named(
        _ taken: [[GeneratedItems.Draft]], _ seeds: [WantedSeed], round: Int,
        _ tally: inout AugmentationTally
    ) -> [LLM2LLMItem] {
        var items: [LLM2LLMItem] = []
        for (seed, drafts) in zip(seeds, taken) {
            for (number, draft) in drafts.enumerated() {
                items.append(
                    LLM2LLMItem(
                        id: "\(seed.item.id)+\(round).\(number + 1)", question: draft.question,
                        choices: draft.choices, answer: draft.answer, seed: seed.item.id,
                        round: round))
            }
        }
        tally.accepted = items.count
        return items
    }
}
