// Choices scored by a local model behind conversations: letters by their log-probability, texts by the mean
// log-probability of their tokens, so that long ones aren't less likely for their length.

import Corpus
import Models

/// What became of a request that scores.
enum ScoredRequest {
    /// The choices' scores in their order, and the tokens that were read.
    case scores([Double], LabelRecord.Usage)
    /// The prompt has so many tokens, and there is no room for the longest choice.
    case tooLong(tokens: Int)
}

extension LocalModel {
    /// The scores of each request's choices; all of them ask for scores.
    public func scores(of requests: [TextRequest]) throws -> [ScoredChoices] {
        try scored(requests).map { outcome in
            switch outcome {
            case .scores(let scores, _): .known(scores)
            case .tooLong(let tokens): .failed(tooLong(tokens: tokens))
            }
        }
    }

    /// The same with what it took.
    func scored(_ requests: [TextRequest]) throws -> [ScoredRequest] {
        var questions: [ChoiceQuestion] = []
        var outcomes = try requests.map { request -> ScoredRequest? in
            let answers =
                switch request.scored {
                case .letters(let count)?: ScoredChoices.letters(count)
                case .texts(let texts)?: texts
                case nil: preconditionFailure("request \(request.id) scores nothing")
                }
            let question = try question(request.messages.map(Turn.init), labels: answers)
            let longest = question.continuations.reduce(0) { max($0, $1.count) }
            guard question.prompt.count + longest <= maximumLength else {
                return .tooLong(tokens: question.prompt.count)
            }
            questions.append(question)
            return nil
        }
        var sums = zip(questions, try scores(of: questions)).makeIterator()
        for index in outcomes.indices where outcomes[index] == nil {
            guard let (question, scores) = sums.next() else { break }
            var values = scores
            if case .texts = requests[index].scored {
                values = zip(scores, question.continuations).map { $0 / Double($1.count) }
            }
            outcomes[index] = .scores(
                values,
                LabelRecord.Usage(
                    promptTokens: question.prompt.count,
                    completionTokens: question.continuations.reduce(0) { $0 + $1.count }))
        }
        return outcomes.compactMap { $0 }
    }

    /// Why a prompt isn't answered.
    func tooLong(tokens: Int) -> String {
        "the prompt has \(tokens) tokens, and the model takes \(maximumLength) with its answer"
    }
}
