// What a decoder's scores say of given tokens: the log-probabilities that scoring wants, computed over rows
// of states a few at a time, so that scores of long texts never lie in memory whole.
//
// Shape legend: M rows of states, V vocabulary.

import Foundation
import Synchronization
public import TensorCore

extension Decoder {
    /// The log-probabilities of tokens that are named for each row.
    ///
    /// - Parameters:
    ///   - tokens: For each of M rows, the tokens that might follow there.
    ///   - states: Rows of `read(_:)`.
    ///   - chunk: The most rows whose scores are in memory.
    /// - Returns: For each row, natural logarithms of its tokens' probabilities, in their order.
    /// - Throws: `ModelError.malformed` where the model's scores are no numbers.
    public func logProbabilities(
        of tokens: [[Int32]], after states: Matrix, chunk: Int = 64
    ) throws(ModelError) -> [[Double]] {
        precondition(tokens.count == states.rows, "\(tokens.count) lists, \(states.rows) rows")
        return try scored(states, chunk: chunk) { row, scores, kernels in
            let (maximum, logSum) = kernels.logSumExp(scores)
            guard maximum.isFinite, logSum.isFinite else { return nil }
            return tokens[row].map { (Double(scores[0, Int($0)]) - maximum) - logSum }
        }
    }

    /// The best tokens behind each row with their log-probabilities, and the rest's mass: what is kept of a
    /// teacher's scores.
    ///
    /// - Parameters:
    ///   - states: M rows of `read(_:)`.
    ///   - count: k, the tokens kept at a place; all where the vocabulary is smaller.
    ///   - temperature: What scores are divided by before the softmax.
    ///   - chunk: The most rows whose scores are in memory.
    /// - Returns: M places.
    /// - Throws: `ModelError.malformed` where the model's scores are no numbers, `invalidInput` for
    ///   numbers that have no meaning.
    public func topScores(
        after states: Matrix, count: Int, temperature: Double = 1, chunk: Int = 64
    ) throws(ModelError) -> TopScores {
        guard count >= 1, temperature > 0, temperature.isFinite else {
            throw ModelError(
                .invalidInput,
                "the best \(count) tokens at temperature \(temperature); give at least 1, and a "
                    + "positive number")
        }
        let places = try scored(states, chunk: chunk) { _, scores, kernels -> TopPlace? in
            if temperature != 1 { kernels.scale(Float(1 / temperature), scores, into: scores) }
            let scored = TokenScores(scores, kernels)
            guard scored.areNumbers else { return nil }
            let ids = scored.best(count).sorted()
            let values = ids.map(scored.logProbability)
            let kept = values.reduce(0) { $0 + exp($1) }
            return TopPlace(
                ids: ids, logProbabilities: values.map { Float(min(0, $0)) },
                restMass: ids.count == scores.columns ? 0 : Float(min(1, max(0, 1 - kept))))
        }
        var top = TopScores(temperature: temperature)
        for place in places {
            try top.append(
                ids: place.ids, logProbabilities: place.logProbabilities, restMass: place.restMass)
        }
        return top
    }

    private struct TopPlace {
        let ids: [Int32]
        let logProbabilities: [Float]
        let restMass: Float
    }

    /// Runs a function of each row's scores, in parallel; nil from it means scores that are no numbers.
    func scored<Value: Sendable>(
        _ states: Matrix, chunk: Int,
        _ value: (_ row: Int, _ scores: Matrix, _ kernels: SerialKernels) -> Value?
    ) throws(ModelError) -> [Value] {
        let values = Mutex([Value?](repeating: nil, count: states.rows))
        let compute = compute
        logits(states, chunk: chunk) { rows, scores in
            compute.measured("choose") {
                compute.parallelFor(rows.count) { range in
                    for index in range {
                        let row = rows.lowerBound + index
                        let found = value(row, scores.row(index), compute.serial)
                        values.withLock { $0[row] = found }
                    }
                }
            }
        }
        let found = values.withLock { $0 }.compactMap { $0 }
        guard found.count == states.rows else {
            throw ModelError(
                .malformed, "the model's scores are not numbers; are its weights whole?")
        }
        return found
    }
}
