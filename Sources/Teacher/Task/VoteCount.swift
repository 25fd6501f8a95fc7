// Votes to one answer. A failed vote is no vote: it counts for no label, and not in the whole.

import Corpus

/// Brings votes together.
struct VoteCount: Sendable {
    private let options: LabelTaskOptions

    init(_ options: LabelTaskOptions) {
        self.options = options
    }

    /// The answer of at least one vote.
    func answer(id: String, votes: [Vote], usage: LabelRecord.Usage?) -> LabelRecord {
        var answer = LabelRecord(
            id: id, usage: usage, finishReason: votes.first?.finishReason)
        guard options.answer != .text else {
            answer.text = votes.first?.text
            return answer
        }
        var counts = [Int](repeating: 0, count: options.labels.count)
        for vote in votes { if let label = vote.label { counts[label] += 1 } }
        let probabilities: [Double]?
        switch options.confidenceSource {
        case .votes:
            probabilities = counts.map { Double($0) / Double(votes.count) }
            answer.confidenceMethod = "vote_share"
        case .logprobs:
            probabilities = mean(of: votes)
            answer.confidenceMethod = "label_logprob"
        case .verbalized:
            probabilities = mean(of: votes)
            answer.confidenceMethod = "verbalized"
        case .none: probabilities = nil
        }
        // One vote names its label itself; of several, the mean does, or else the count. Of equals
        // the first in the order of the labels.
        let scores = votes.count > 1 ? probabilities ?? counts.map(Double.init) : nil
        let index = scores.map(Self.largest) ?? votes.first?.label
        answer.label = index.map { options.labels[$0] }
        answer.labelProbabilities = probabilities.map {
            Dictionary(uniqueKeysWithValues: zip(options.labels, $0))
        }
        return answer
    }

    /// The mean of the votes' distributions; unknown if one of them is, since the votes that we know
    /// are the surer ones.
    private func mean(of votes: [Vote]) -> [Double]? {
        var sums = [Double](repeating: 0, count: options.labels.count)
        for vote in votes {
            guard let probabilities = vote.probabilities else { return nil }
            for (index, value) in probabilities.enumerated() { sums[index] += value }
        }
        return sums.map { $0 / Double(votes.count) }
    }

    private static func largest(_ scores: [Double]) -> Int {
        scores.indices.reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    }
}
