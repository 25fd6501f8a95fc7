// Answers of a local model in words: prompts continued together, each drawn by its own seed and sample, so
// that an answer doesn't depend on the others, on the batch, or on the rank.

import Corpus
import Models
import Tokenizers

/// A prompt to be answered.
struct LocalPrompt: Sendable {
    var ids: [Int32]
    var sampling: SamplingOptions
    /// What draws are keyed by besides the seed.
    var sample: UInt64
    var maximumTokens: Int
    var stopTexts: [String] = []
}

/// An answer in words.
struct LocalAnswer: Sendable, Equatable {
    let text: String
    /// Whether the limit of tokens ended it.
    let isCut: Bool
    let promptTokens: Int
    let completionTokens: Int

    /// As a server says it.
    var finishReason: String { isCut ? "length" : "stop" }
}

extension LocalModel {
    /// Texts that grow together; it changes speed and memory alone.
    static let textsTogether = 16

    /// Answers prompts; each leaves room for a token.
    func generate(
        _ prompts: [LocalPrompt], together: Int = LocalModel.textsTogether
    ) throws(ModelError) -> [LocalAnswer] {
        let shared = try prefix.shared(by: prompts.map(\.ids))
        let tokenizer = tokenizer
        let batch = GenerationBatch(decoder) { tokenizer.decode($0) }
        var answers = [LocalAnswer?](repeating: nil, count: prompts.count)
        var names: [Int: Int] = [:]
        var next = 0
        while true {
            while next < prompts.count, batch.count < together {
                names[try add(prompts[next], after: shared, to: batch)] = next
                next += 1
            }
            if batch.count == 0 { break }
            for event in try batch.step() {
                guard let result = event.finished, let index = names[event.text] else { continue }
                answers[index] = LocalAnswer(
                    text: result.text, isCut: result.finish == .length,
                    promptTokens: prompts[index].ids.count,
                    completionTokens: result.tokens.count)
            }
        }
        return answers.compactMap { $0 }
    }

    private func add(
        _ prompt: LocalPrompt, after shared: (sequence: DecoderSequence, count: Int)?,
        to batch: GenerationBatch
    ) throws(ModelError) -> Int {
        let room = maximumLength - prompt.ids.count
        return try batch.add(
            GenerationRequest(
                sample: prompt.sample, prompt: Array(prompt.ids.dropFirst(shared?.count ?? 0)),
                sampling: prompt.sampling, maximumTokens: max(1, min(prompt.maximumTokens, room)),
                stopTokens: stopTokens, stopTexts: prompt.stopTexts),
            after: shared?.sequence)
    }
}

extension LocalAnswer {
    /// Answers of one request in the form in which servers answer, so that one reader reads all.
    static func body(_ answers: [LocalAnswer]) -> [UInt8] {
        let choices = answers.enumerated().map { index, answer in
            "{\"index\":\(index),\"message\":{\"role\":\"assistant\",\"content\":"
                + "\(JSONText.quoted(answer.text))},\"finish_reason\":\"\(answer.finishReason)\"}"
        }
        let usage = usage(of: answers)
        return Array(
            ("{\"choices\":[\(choices.joined(separator: ","))],\"usage\":{\"prompt_tokens\":"
                + "\(usage.promptTokens),\"completion_tokens\":\(usage.completionTokens)}}").utf8)
    }

    /// Scores of choices, each under its letter, in the form in which servers tell alternatives.
    static func body(scores: [Double], usage: LabelRecord.Usage) -> [UInt8] {
        let letters = ScoredChoices.letters(scores.count)
        let entries = zip(letters, scores).map {
            "\"token\":\"\($0)\",\"logprob\":\(JSONText.number($1))"
        }
        let best = scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
        let alternatives = entries.map { "{\($0)}" }.joined(separator: ",")
        return Array(
            ("{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":"
                + "\"\(letters[best])\"},\"logprobs\":{\"content\":[{\(entries[best]),"
                + "\"top_logprobs\":[\(alternatives)]}]},\"finish_reason\":\"stop\"}],"
                + "\"usage\":{\"prompt_tokens\":\(usage.promptTokens),"
                + "\"completion_tokens\":\(usage.completionTokens)}}").utf8)
    }

    /// The tokens of one request: the prompt counts once.
    static func usage(of answers: [LocalAnswer]) -> LabelRecord.Usage {
        LabelRecord.Usage(
            promptTokens: answers.first?.promptTokens ?? 0,
            completionTokens: answers.reduce(0) { $0 + $1.completionTokens })
    }
}
