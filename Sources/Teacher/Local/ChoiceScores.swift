// How likely each of some given continuations of a prompt is: the sum of its tokens' log-probabilities.
// Many prompts are read together; what they share is read once, and a prompt once for all its
// continuations.
//
//     score(c) = sum_t  log p(c_t | prompt, c_1 .. c_{t-1})
//
// Shape legend: V vocabulary.

import Models
import TensorCore

/// A prompt and what might follow it, as tokens.
struct ChoiceQuestion: Sendable, Equatable {
    /// What all continuations stand behind; at least one token.
    var prompt: [Int32]
    /// The continuations, each of at least one token.
    var continuations: [[Int32]]
}

extension LocalModel {
    /// Tokens that are read together, and kept in memory with their keys and values.
    private static let tokensTogether = 4096

    /// The log-probability of each continuation of each question.
    ///
    /// The same bits however the questions are put together.
    func scores(of questions: [ChoiceQuestion]) throws(ModelError) -> [[Double]] {
        var scores: [[Double]] = []
        var start = 0
        let prefix = try prefix.shared(by: questions.map(\.prompt))
        while start < questions.count {
            var end = start
            var tokens = 0
            repeat {
                tokens += questions[end].prompt.count - (prefix?.count ?? 0)
                tokens += questions[end].continuations.reduce(0) { $0 + $1.count - 1 }
                end += 1
            } while end < questions.count && tokens < Self.tokensTogether
            scores += try together(Array(questions[start..<end]), prefix)
            start = end
        }
        return scores
    }

    private func together(
        _ questions: [ChoiceQuestion], _ prefix: (sequence: DecoderSequence, count: Int)?
    ) throws(ModelError) -> [[Double]] {
        let sequences = questions.map { _ in prefix?.sequence.fork() ?? decoder.makeSequence() }
        var states = try decoder.read(
            zip(sequences, questions).map {
                DecoderInput($0, Array($1.prompt.dropFirst(prefix?.count ?? 0)))
            })
        var scores = try decoder.logProbabilities(
            of: questions.map { $0.continuations.map { $0[0] } }, after: states)
        // The further tokens of those that have some.
        var longer: [(question: Int, choice: Int)] = []
        var inputs: [DecoderInput] = []
        var next: [[Int32]] = []
        for (index, question) in questions.enumerated() {
            for (choice, tokens) in question.continuations.enumerated() where tokens.count > 1 {
                longer.append((index, choice))
                inputs.append(
                    DecoderInput(sequences[index].fork(), tokens.dropLast(), wanted: .all))
                next += tokens.dropFirst().map { [$0] }
            }
        }
        guard !inputs.isEmpty else { return scores }
        states = try decoder.read(inputs)
        var rest = try decoder.logProbabilities(of: next, after: states)[...]
        for (place, input) in zip(longer, inputs) {
            for value in rest.prefix(input.tokens.count) {
                scores[place.question][place.choice] += value[0]
            }
            rest = rest.dropFirst(input.tokens.count)
        }
        return scores
    }
}

/// Log-probabilities made probabilities among themselves.
func normalised(_ scores: [Double]) -> [Double] {
    let largest = scores.max() ?? 0
    let powers = scores.map { exponential($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}
