// What a decoder's scores say of given tokens: the log-probabilities that scoring wants, computed over rows
// of states a few at a time, so that scores of long texts never lie in memory whole.
//
// Shape legend: M rows of states, V vocabulary.

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
