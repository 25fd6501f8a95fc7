// A student without dropout: the scores of texts, on one rank and over all ranks, as probabilities of
// classes or of choices.
//
// A row's arithmetic doesn't depend on the batch it is in, so neither do results on how texts are cut
// into batches or over ranks.

public import Autograd
public import Collectives
import Foundation
public import Models
public import TensorCore

/// Runs a student forward.
public final class Inference<Student: EncoderStudent> {
    private let student: Student
    private let compute: Compute
    private let maximumTokens: Int
    private let memory: TapeMemory
    private let precision: Precision

    /// A runner that takes at most so many tokens through the student at once.
    ///
    /// - Parameters:
    ///   - student: The student, with its present weights in each call.
    ///   - compute: The rank's arithmetic.
    ///   - maximumTokensPerPass: What bounds the memory.
    ///   - precision: In what precision products take their operands.
    ///   - memory: Memory that no other pass uses at the same time, the trainer's for one.
    public init(
        _ student: Student, compute: Compute, maximumTokensPerPass: Int = 8_192,
        memory: TapeMemory = TapeMemory(), precision: Precision = .float32
    ) {
        self.student = student
        self.compute = compute
        self.memory = memory
        self.precision = precision
        maximumTokens = maximumTokensPerPass
    }

    /// The scores of each text.
    private func scores(_ texts: [TokenSequence]) throws -> [[Float]] {
        try student.configuration.check(texts)
        var results: [[Float]] = []
        results.reserveCapacity(texts.count)
        var start = 0
        while start < texts.count {
            var end = start + 1
            var tokens = texts[start].ids.count
            while end < texts.count, tokens + texts[end].ids.count <= maximumTokens {
                tokens += texts[end].ids.count
                end += 1
            }
            results += pass(Array(texts[start..<end]))
            start = end
        }
        return results
    }

    private func pass(_ texts: [TokenSequence]) -> [[Float]] {
        memory.reset()
        let batch = TokenBatch(texts)
        let tape = Tape(
            compute: compute, memory: memory, parameters: student.parameters, layout: batch.layout,
            precision: precision)
        let logits = compute.measured("inference") {
            student.logits(tape, batch, dropout: nil).value
        }
        return (0..<texts.count).map { logits.row($0).toArray() }
    }

    /// The part of `count` things that a rank computes.
    private func part(of count: Int, _ communicator: Communicator) -> Range<Int> {
        let rank = communicator.rank
        return (rank * count / communicator.size)..<((rank + 1) * count / communicator.size)
    }
}

extension Inference<EncoderClassifier> {
    /// The class probabilities of each text.
    public func probabilities(_ texts: [TokenSequence]) throws -> [[Double]] {
        try scores(texts).map(softmax)
    }

    /// The class probabilities of each of `count` texts, each rank computing its part.
    ///
    /// - Parameters:
    ///   - count: How many texts there are, over all ranks.
    ///   - communicator: The ranks.
    ///   - texts: Gives the texts of a range; called with this rank's range.
    public func probabilities(
        of count: Int, over communicator: Communicator,
        texts: (Range<Int>) throws -> [TokenSequence]
    ) throws -> [[Double]] {
        let own = try probabilities(texts(part(of: count, communicator)))
        let classes = student.labels.count
        let all = try communicator.allGather(own.flatMap { $0 }).flatMap { $0 }
        return (0..<count).map { Array(all[($0 * classes)..<(($0 + 1) * classes)]) }
    }
}

extension Inference<MultipleChoiceModel> {
    /// The scores of each item's choices; `softmax` makes probabilities of them.
    ///
    /// - Parameter items: For each item the question with each of its choices.
    public func choiceScores(_ items: [[TokenSequence]]) throws -> [[Double]] {
        var scores = try scores(items.flatMap { $0 })[...]
        return items.map { item in
            defer { scores = scores.dropFirst(item.count) }
            return scores.prefix(item.count).map { Double($0[0]) }
        }
    }

    /// The scores of each of `count` items' choices, each rank computing its part.
    ///
    /// - Parameters:
    ///   - count: How many items there are, over all ranks.
    ///   - communicator: The ranks.
    ///   - items: Gives the items of a range; called with this rank's range.
    public func choiceScores(
        of count: Int, over communicator: Communicator,
        items: (Range<Int>) throws -> [[TokenSequence]]
    ) throws -> [[Double]] {
        let own = try choiceScores(items(part(of: count, communicator)))
        let counts = try communicator.allGather(own.map { Int64($0.count) }).flatMap { $0 }
        var all = try communicator.allGather(own.flatMap { $0 }).flatMap { $0 }[...]
        return counts.map { choices in
            defer { all = all.dropFirst(Int(choices)) }
            return Array(all.prefix(Int(choices)))
        }
    }
}

/// The probabilities of a row of scores, in double precision.
func softmax(_ scores: [Float]) -> [Double] { softmax(scores.map(Double.init)) }

/// The probabilities of a row of scores.
public func softmax(_ scores: [Double]) -> [Double] {
    let largest = scores.max() ?? 0
    let exponentials = scores.map { exp($0 - largest) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
}

/// The entropy of probabilities divided by that of the uniform distribution: 0 for certain, 1 for none.
public func normalizedEntropy(_ probabilities: [Double]) -> Double {
    let entropy = probabilities.reduce(0.0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
    return entropy / log(Double(probabilities.count))
}
