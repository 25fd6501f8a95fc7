// One answer judged: a vote, or why it is none. What was cut, filtered or empty is never a vote.

import Corpus

/// What one answer says.
struct Vote: Sendable, Equatable {
    /// The label that it names; nil where text was asked for.
    var label: Int?
    /// The probability of each label, where the answer lets us know.
    var probabilities: [Double]?
    /// Its words.
    var text: String
    /// Why it ended, as the server says.
    var finishReason: String?
}

/// An answer that is no vote.
struct UnusableAnswer: Error, Sendable, Equatable {
    let kind: LabelFailure.Kind
    /// What was wrong, in words that the teacher can be shown.
    let reason: String
    /// What the teacher said.
    let words: String

    init(_ kind: LabelFailure.Kind, _ reason: String, _ words: String = "") {
        self.kind = kind
        self.reason = reason
        self.words = words
    }

    /// For people: with the beginning of the words.
    var failure: LabelFailure {
        LabelFailure(kind, words.isEmpty ? reason : "\(reason): \(LabelFailure.excerpt(words))")
    }
}

/// Reads answers for a task.
struct AnswerReading: Sendable {
    /// Counts changes of reading that change labels; part of a task's fingerprint.
    static let version = 1

    private let options: LabelTaskOptions
    private let matcher: LabelMatcher
    private let walk: LabelWalk

    init(_ options: LabelTaskOptions) {
        self.options = options
        matcher = LabelMatcher(labels: options.labels)
        walk = LabelWalk(labels: options.labels)
    }

    /// An answer's vote.
    func vote(_ choice: ResponseBody.Choice) throws(UnusableAnswer) -> Vote {
        let content = choice.content ?? ""
        let isCut = try Self.isCut(choice)
        guard !isBlank(content) else {
            throw isCut
                ? UnusableAnswer(.cut, "it was cut at the token limit before it said anything")
                : UnusableAnswer(.empty, "it was empty")
        }
        var vote = Vote(text: content, finishReason: choice.finishReason)
        switch options.answer {
        case .text:
            if isCut { throw Self.cut(content) }
        case .label:
            switch matcher.match(content) {
            case .label(let label, let start, let isWhole):
                // At the limit, a label alone is whole if no longer one begins like it.
                if isCut, !isWhole { throw Self.cut(content) }
                vote.label = label
                vote.probabilities = probabilities(choice, from: start)
            case .unclear(let reason):
                if isCut { throw Self.cut(content) }
                throw UnusableAnswer(.unparsable, reason, content)
            }
        case .json:
            if isCut { throw Self.cut(content) }
            let states = options.confidenceSource == .verbalized
            do throws(AnswerJSON.Fault) {
                let answer = try AnswerJSON(content, matcher: matcher, wantsConfidence: states)
                vote.label = answer.label
                vote.probabilities =
                    states
                    ? stated(answer.confidence, of: answer.label)
                    : probabilities(choice, from: answer.start)
            } catch {
                throw UnusableAnswer(.unparsable, error.reason, content)
            }
        }
        return vote
    }

    /// Probabilities from the tokens, if they are asked for and enough of them is known.
    private func probabilities(_ choice: ResponseBody.Choice, from start: Int?) -> [Double]? {
        guard options.confidenceSource == .logprobs, let start, let tokens = choice.tokens,
            let content = choice.content,
            let masses = walk.masses(
                of: tokens, content: content, from: start,
                isEnded: choice.finishReason != "length")
        else { return nil }
        let sum = masses.reduce(0, +)
        guard sum > 0, sum >= options.minimumLabelMass, sum <= 1 + LabelRecord.sumTolerance else {
            return nil
        }
        return masses.map { $0 / sum }
    }

    /// Only the stated label's confidence is known; what is left is shared out evenly.
    private func stated(_ confidence: Double?, of label: Int) -> [Double]? {
        guard let confidence else { return nil }
        let count = options.labels.count
        var shares = [Double](repeating: (1 - confidence) / Double(count - 1), count: count)
        shares[label] = confidence
        return shares
    }

    /// Whether an answer ended at the token limit; throws where it ended as none should.
    private static func isCut(_ choice: ResponseBody.Choice) throws(UnusableAnswer) -> Bool {
        if choice.content == nil, let refusal = choice.refusal {
            throw UnusableAnswer(.filtered, "the model refused", refusal)
        }
        switch choice.finishReason {
        case nil, "", "stop", "eos", "eos_token", "stop_sequence", "end_turn": return false
        case "length", "max_tokens": return true
        case "content_filter":
            throw UnusableAnswer(.filtered, "the server's content filter took the answer")
        case let reason?:
            throw UnusableAnswer(
                .unparsable,
                "it ended with '\(LabelFailure.excerpt(reason))' instead of an answer")
        }
    }

    private static func cut(_ content: String) -> UnusableAnswer {
        UnusableAnswer(.cut, "it was cut at the token limit", content)
    }

    private func isBlank(_ text: String) -> Bool {
        text.utf8.dropFirst(LabelText.behindThinking(text)).allSatisfy {
            $0 == 0x20 || 0x09...0x0D ~= $0
        }
    }
}
