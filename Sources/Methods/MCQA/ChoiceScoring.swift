// The teacher's probabilities of an item's choices: its soft label.
//
//   letters   the choices are listed with letters; log-probability of each letter where the answer begins
//   texts     the question alone; mean log-probability of each choice's tokens
//
//     p_c = exp(s_c) / sum_k exp(s_k)        over the item's choices alone
//
// With cyclic orders p is the mean over all of them, each choice having stood once at each letter. The
// scores as they came stay with the item: another temperature asks nothing again.

import Corpus
import Foundation
import Teacher

/// Counts of the scoring.
struct ScoringTally: Codable, Equatable {
    /// Items that were to be scored.
    var items = 0
    /// Requests.
    var calls = 0
    /// Items without scores: the teacher gave none, or its letters had too little probability.
    var unscored = 0
    var doubtful = 0
    /// Items whose answer isn't the teacher's best choice, and those of them that went.
    var disputed = 0
    var dropped = 0
    /// Of the requests, tokens both ways and money in millionths, as the ledgers say.
    var promptTokens: Int64 = 0
    var completionTokens: Int64 = 0
    var priceMicro: Int64 = 0
}

/// Scores items.
struct ChoiceScoring {
    /// Who scores.
    enum Source {
        /// A teacher that is asked.
        case asked(
            scores: ([TextRequest]) throws -> [ScoredChoices],
            cost: ([TextRequest]) throws -> LedgerTotals)
        /// Probabilities that were recorded, by the items' ids.
        case recorded(RecordedTeacher)
    }

    let options: Recipe.MCQAOptions
    let source: Source

    /// The items with their scores, and counts; a collective.
    func scored(_ items: [ChoiceItem]) throws -> (items: [ScoredItem], tally: ScoringTally) {
        var tally = ScoringTally()
        tally.items = items.count
        var scored: [ScoredItem] = []
        switch source {
        case .recorded(let teacher):
            scored = try recorded(items, teacher)
            tally.unscored = items.count - scored.count
        case .asked(let scores, let cost):
            let requests = items.map(requests)
            tally.calls = requests.reduce(0) { $0 + $1.count }
            var answers = try scores(requests.flatMap { $0 })[...]
            for (item, asked) in zip(items, requests) {
                switch read(Array(answers.prefix(asked.count)), item) {
                case .known(let known): scored.append(known)
                case .missing: tally.unscored += 1
                case .doubtful: tally.doubtful += 1
                }
                answers = answers.dropFirst(asked.count)
            }
            let spent = try cost(requests.flatMap { $0 })
            tally.promptTokens = spent.promptTokens
            tally.completionTokens = spent.completionTokens
            tally.priceMicro = spent.priceMicro
        }
        tally.disputed = scored.count(where: \.isDisputed)
        if options.generation != .none, options.disagreement == .drop {
            scored.removeAll(where: \.isDisputed)
            tally.dropped = tally.disputed
        }
        return (scored, tally)
    }

    // MARK: - Recorded

    /// The items that have an answer; one that can't be theirs is an error.
    private func recorded(
        _ items: [ChoiceItem], _ teacher: RecordedTeacher
    ) throws -> [ScoredItem] {
        try items.compactMap { item in
            guard let answer = teacher.answer(forID: item.id) else { return nil }
            guard let probabilities = answer.choiceProbabilities,
                probabilities.count == item.choices.count
            else {
                throw MethodError(
                    .unusableLabels,
                    "\(teacher.path): id '\(item.id)' has no probabilities of \(item.choices.count) "
                        + "choices; does this file belong to these items?")
            }
            return ScoredItem(item, probabilities: probabilities)
        }
    }

    // MARK: - Asked

    /// The requests of an item: one for each order of its choices.
    private func requests(_ item: ChoiceItem) -> [TextRequest] {
        switch options.scoring {
        case .texts:
            return [
                TextRequest(
                    id: "score/\(item.id)",
                    messages: [
                        .init(.system, "Answer the question in a few words."),
                        .init(.user, "Question: \(item.question)\nAnswer:"),
                    ], scoring: .texts(item.choices))
            ]
        case .letters:
            return rotations(of: item).map { rotation in
                let shown = item.choices.indices.map {
                    item.choices[shownChoice($0, rotation, item)]
                }
                return TextRequest(
                    id: "score/\(item.id)\(rotation > 0 ? "/\(rotation)" : "")",
                    messages: [
                        .init(
                            .system,
                            "Answer the multiple-choice question with the letter of the right choice "
                                + "and nothing else."),
                        .init(
                            .user,
                            "Question: \(item.question)\n\(LLM2LLMTask.listed(shown))\nAnswer:"),
                    ], scoring: .letters(shown.count))
            }
        }
    }

    private func rotations(of item: ChoiceItem) -> Range<Int> {
        0..<(options.cyclesChoices && options.scoring == .letters ? item.choices.count : 1)
    }

    /// The choice that stands at a place in one of the cyclic orders.
    private func shownChoice(_ place: Int, _ rotation: Int, _ item: ChoiceItem) -> Int {
        (place + rotation) % item.choices.count
    }

    private enum Reading {
        case known(ScoredItem)
        case missing
        case doubtful
    }

    /// An item's scores out of the answers for each order.
    private func read(_ answers: [ScoredChoices], _ item: ChoiceItem) -> Reading {
        var mean = [Double](repeating: 0, count: item.choices.count)
        var scores: [[Double?]] = []
        for (rotation, answer) in answers.enumerated() {
            guard case .known(let places) = answer else { return .missing }
            var own = [Double?](repeating: nil, count: item.choices.count)
            for (place, score) in places.enumerated() {
                own[shownChoice(place, rotation, item)] = score
            }
            let mass = own.reduce(0) { $0 + ($1.map { exp($0) } ?? 0) }
            guard options.scoring == .texts || mass >= options.minimumLetterMass else {
                return .doubtful
            }
            for (choice, share) in Self.probabilities(own).enumerated() {
                mean[choice] += share / Double(answers.count)
            }
            scores.append(own)
        }
        return .known(ScoredItem(item, probabilities: mean, logProbabilities: scores))
    }

    /// Log-probabilities among themselves; a letter that wasn't named has none.
    static func probabilities(_ scores: [Double?]) -> [Double] {
        let largest = scores.compactMap { $0 }.max() ?? 0
        let powers = scores.map { score in score.map { exp($0 - largest) } ?? 0 }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
