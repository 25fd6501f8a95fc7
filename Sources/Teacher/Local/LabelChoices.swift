// The labels of a task as continuations of a prompt: their tokens as they stand behind it, since a
// tokenizer may join what stands at the seam, and may write a label after a space otherwise than alone.

import Foundation
import Tokenizers

extension LocalModel {
    /// The question whose continuations are the labels.
    ///
    /// Where a label's tokens are the beginning of another's (`pos`, `positive`), the end of the answer
    /// belongs to each: without it the shorter one would have the longer one's probability too.
    func question(_ turns: [Turn], labels: [String]) throws(TokenizerError) -> ChoiceQuestion {
        let prompt = try prompt(turns)
        let answers = try labels.map { label throws(TokenizerError) in
            try answered(turns + [Turn(.assistant, label)])
        }
        var shared = answers.reduce(prompt.count) { count, answer in
            PromptPrefix.common(prompt, answer.ids, limit: min(count, answer.labelEnd - 1))
        }
        // What the labels themselves begin with alike is still the prompt's part for all of them.
        shared = max(1, shared)
        let bare = answers.map { Array($0.ids[shared..<max(shared + 1, $0.labelEnd)]) }
        let isNested = bare.indices.contains { index in
            bare.indices.contains { $0 != index && bare[$0].starts(with: bare[index]) }
        }
        return ChoiceQuestion(
            prompt: Array(prompt[..<shared]),
            continuations: isNested ? answers.map { Array($0.ids[shared...]) } : bare)
    }

    /// A conversation with its answer: all tokens to the answer's end, and where the answer's words end.
    private func answered(
        _ turns: [Turn]
    ) throws(TokenizerError) -> (ids: [Int32], labelEnd: Int) {
        guard let template else {
            let text = RequestWriter.prompt(turns)
            let bare = tokenizer.encodeIDs(text, maximumLength: .max)
            // A text that is continued says its answer and ends the line.
            let ended = tokenizer.encodeIDs(text + "\n", maximumLength: .max)
            let words = PromptPrefix.common(bare, ended, limit: bare.count)
            guard words == bare.count, ended.count > words else { return (bare, bare.count) }
            return (ended, words)
        }
        let (ids, isAnswer) = try template.encodeAnswers(
            turns.map(ChatMessage.init), with: tokenizer)
        // The last token of the answer is the one that ends the turn.
        guard let end = isAnswer.lastIndex(of: true), end > 0,
            let words = isAnswer[..<end].lastIndex(of: true)
        else { return (ids, ids.count) }
        return (Array(ids[...end]), words + 1)
    }
}

/// e to the power of a number.
func exponential(_ value: Double) -> Double { exp(value) }
