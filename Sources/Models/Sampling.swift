// How the next token is chosen from scores: greedily, or drawn after temperature, top-k and top-p; and
// the log-probabilities that go with it.
//
// The draw is a function of (seed, sample, place in the text): the same text comes out in any batch, on
// any rank and after a resume. Candidates are ordered by score, and by id where scores are equal.
//
// Shape legend: V vocabulary.

import Foundation
import TensorCore

/// How tokens are chosen.
public struct SamplingOptions: Sendable, Equatable {
    /// Divides the scores; 0 takes the best token, whatever the other options say.
    public var temperature: Double
    /// Keeps only so many of the best tokens; nil for all.
    public var topK: Int?
    /// Then keeps the fewest best tokens whose probabilities reach this sum; 1 for all.
    public var topP: Double
    /// The run's seed.
    public var seed: UInt64

    /// Greedy unless told otherwise.
    public init(
        temperature: Double = 0, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 0
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.seed = seed
    }

    /// Refuses what has no meaning.
    func check() throws(ModelError) {
        guard temperature >= 0, temperature.isFinite else {
            throw ModelError(
                .invalidInput, "temperature \(temperature); give 0 or a positive number")
        }
        guard topK ?? 1 >= 1 else {
            throw ModelError(.invalidInput, "top_k \(topK ?? 0); give at least 1")
        }
        guard topP > 0, topP <= 1 else {
            throw ModelError(.invalidInput, "top_p \(topP); give a number above 0, at most 1")
        }
    }
}

/// A token with the logarithm of its probability.
public struct ScoredToken: Sendable, Equatable {
    /// The token's id.
    public let token: Int32
    /// Natural logarithm of the model's own probability (temperature 1, nothing left out).
    public let logProbability: Double

    /// A token with the logarithm of its probability.
    public init(token: Int32, logProbability: Double) {
        self.token = token
        self.logProbability = logProbability
    }
}

/// The scores of one place of one text.
struct TokenScores {
    private let scores: [Float]
    private let maximum: Double
    /// Logarithm of the sum of all exponentials less their maximum.
    private let logSum: Double

    /// - Parameter row: V scores.
    init(_ row: Matrix, _ kernels: SerialKernels) {
        scores = row.toArray()
        (maximum, logSum) = kernels.logSumExp(row)
    }

    /// Whether there is anything to choose by.
    var areNumbers: Bool { maximum.isFinite && logSum.isFinite }

    /// Natural logarithm of a token's probability.
    func logProbability(_ token: Int32) -> Double {
        (Double(scores[Int(token)]) - maximum) - logSum
    }

    func scored(_ token: Int32) -> ScoredToken {
        ScoredToken(token: token, logProbability: logProbability(token))
    }

    /// The best tokens, best first.
    func best(_ count: Int) -> [Int32] {
        let count = min(count, scores.count)
        guard count > 0 else { return [] }
        if count == 1 {
            var best = 0
            for index in scores.indices where scores[index] > scores[best] { best = index }
            return [Int32(best)]
        }
        if count > Self.fewest { return ordered(Array(scores.indices), count) }
        // Few of many: those above a bar that rises as better ones are found.
        var kept: [Int] = []
        var bar = -Float.infinity
        for index in scores.indices where kept.count < count || scores[index] > bar {
            kept.append(index)
            if kept.count == 2 * count {
                kept = ordered(kept, count).map(Int.init)
                bar = scores[kept[count - 1]]
            }
        }
        return ordered(kept, count)
    }

    /// Up to so many candidates a bar pays.
    private static let fewest = 4096

    private func ordered(_ tokens: [Int], _ count: Int) -> [Int32] {
        tokens.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(count).map { Int32($0) }
    }

    /// The next token.
    ///
    /// - Parameters:
    ///   - options: How it is chosen.
    ///   - uniform: A number in [0, 1) where one is drawn.
    func choose(_ options: SamplingOptions, uniform: () -> Double) -> Int32 {
        guard options.temperature > 0 else { return best(1)[0] }
        let limit = min(options.topK ?? scores.count, scores.count)
        if limit == scores.count, options.topP == 1 {
            return draw(Array(0..<Int32(scores.count)), options, uniform())
        }
        guard options.topP < 1 else { return draw(best(limit), options, uniform()) }
        return draw(nucleus(options, limit), options, uniform())
    }

    /// The fewest best tokens, of the `limit` best, whose probabilities reach `topP` of theirs.
    private func nucleus(_ options: SamplingOptions, _ limit: Int) -> [Int32] {
        // Most nuclei are small: look at a few of the best, and at more only if those don't reach.
        let everything =
            limit < scores.count
            ? weights(best(limit), options).reduce(0, +)
            : weights(Array(0..<Int32(scores.count)), options).reduce(0, +)
        var count = min(256, limit)
        while true {
            let candidates = best(count)
            var sum = 0.0
            for (index, weight) in weights(candidates, options).enumerated() {
                sum += weight
                if sum >= options.topP * everything {
                    return Array(candidates.prefix(index + 1))
                }
            }
            if count == limit { return candidates }
            count = min(16 * count, limit)
        }
    }

    private func weights(_ tokens: [Int32], _ options: SamplingOptions) -> [Double] {
        tokens.map { exp((Double(scores[Int($0)]) - maximum) / options.temperature) }
    }

    private func draw(
        _ tokens: [Int32], _ options: SamplingOptions, _ uniform: Double
    ) -> Int32 {
        let weights = weights(tokens, options)
        let target = uniform * weights.reduce(0, +)
        var sum = 0.0
        for (token, weight) in zip(tokens, weights) {
            sum += weight
            if target < sum { return token }
        }
        // Rounding kept the sum just below the target: the last token that has a chance.
        return weights.lastIndex { $0 > 0 }.map { tokens[$0] } ?? tokens[0]
    }
}
