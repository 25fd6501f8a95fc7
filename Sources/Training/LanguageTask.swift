// Language modelling: texts of which some tokens are to be predicted, and a loss of each of those.
//
//     loss = sum_t w_t l_t / n        with n the count of predicted tokens in the whole batch
//
// so that a step means the same however its texts lie on ranks and passes.
//
// Shape legend: M predicted tokens of a pass, V vocabulary.

public import Autograd
public import Models
public import TensorCore

/// One text of a step.
public struct LanguageSample: Sendable {
    /// The text's ids: prompt and answer.
    public let tokens: [Int32]
    /// For each token itself where it is to be predicted, else `DecoderBatch.ignored`; never the first.
    public let labels: [Int32]
    /// The weight of its tokens in the loss.
    public let weight: Float
    /// Its global index: what its dropout is keyed by.
    public let sample: UInt32

    /// One text.
    public init(tokens: [Int32], labels: [Int32], weight: Float = 1, sample: UInt32) {
        precondition(tokens.count == labels.count, "\(labels.count) labels of \(tokens.count)")
        self.tokens = tokens
        self.labels = labels
        self.weight = weight
        self.sample = sample
    }

    /// The count of tokens that are to be predicted.
    public var predictedCount: Int {
        labels.dropFirst().count { $0 != DecoderBatch.ignored }
    }
}

/// Some predicted tokens of a pass.
public struct PredictedTokens {
    /// Their samples' global indices.
    public let samples: [UInt32]
    /// Which predicted token of its sample each is, from 0.
    public let places: [Int]
    /// The tokens themselves.
    public let targets: [Int32]
    /// Factors on their losses: weight over the batch's count of predicted tokens.
    public let factors: [Float]
}

/// A loss of predicted tokens.
public protocol TokenLossRule {
    /// Turns scores into gradients, both with the tokens' factors.
    ///
    /// May be called twice for a token and does the same both times.
    ///
    /// - Parameters:
    ///   - scores: `M x V`; replaced by the gradient of the loss.
    ///   - tokens: What the rows are.
    ///   - compute: Where the arithmetic runs.
    /// - Returns: Each row's part of the loss.
    func apply(_ scores: Matrix, _ tokens: PredictedTokens, _ compute: Compute) -> [Double]
}

/// Cross-entropy of the tokens themselves.
public struct TokenCrossEntropy: TokenLossRule {
    /// The loss of plain language modelling.
    public init() {}

    /// The cross-entropies, and softmax less one-hot.
    public func apply(
        _ scores: Matrix, _ tokens: PredictedTokens, _ compute: Compute
    ) -> [Double] {
        // Gradients take one factor a call: rows of one weight go together.
        var losses = [Double](repeating: 0, count: scores.rows)
        var start = 0
        while start < scores.rows {
            var end = start + 1
            while end < scores.rows, tokens.factors[end] == tokens.factors[start] { end += 1 }
            let rows = scores.rows(start..<end)
            var some = [Double](repeating: 0, count: end - start)
            compute.crossEntropy(
                rows, targets: Array(tokens.targets[start..<end]),
                gradientScale: tokens.factors[start], into: rows, losses: &some)
            for (row, loss) in zip(start..<end, some) {
                losses[row] = loss * Double(tokens.factors[row])
            }
            start = end
        }
        return losses
    }
}

/// A decoder that learns to predict the tokens of texts.
public struct LanguageTask: StudentTask {
    /// The student.
    public let student: any CausalStudent
    /// The loss of a predicted token.
    public let rule: any TokenLossRule
    /// Keeps one state a layer and runs each layer again in the backward pass.
    public let recomputesLayers: Bool

    /// A decoder and the loss of its tokens.
    public init(
        _ student: any CausalStudent, rule: any TokenLossRule = TokenCrossEntropy(),
        recomputesLayers: Bool = false
    ) {
        self.student = student
        self.rule = rule
        self.recomputesLayers = recomputesLayers
    }

    /// The student's trained weights.
    public var parameters: ParameterSet { student.parameters }

    /// The token table, where it is nothing else.
    public var rowTables: [String] { student.rowTables }

    /// The text's length.
    public func tokenCount(of sample: LanguageSample) -> Int { sample.tokens.count }

    /// The count of predicted tokens; 1 for a batch without any, whose loss is 0.
    public func normalizer(of batch: [LanguageSample]) -> Double {
        Double(max(1, batch.reduce(0) { $0 + $1.predictedCount }))
    }

    /// The texts one behind another.
    public func layout(
        _ samples: ArraySlice<LanguageSample>, leafOffsets: [Int], leaves: Range<Int>
    ) throws -> BatchLayout {
        try student.check(samples.map(\.tokens), labels: samples.map(\.labels))
        return BatchLayout(
            lengths: samples.map(\.tokens.count), samples: samples.map(\.sample),
            leafOffsets: leafOffsets, leaves: leaves)
    }

    /// The losses of each text's predicted tokens, and their gradient.
    public func pass(_ samples: ArraySlice<LanguageSample>, _ pass: StudentPass) -> [Double] {
        let batch = DecoderBatch(
            samples.map(\.tokens), labels: samples.map(\.labels), layout: pass.tape.layout)
        let sums = LossesOfSamples(samples, normalizer: pass.normalizer)
        student.scoreLoss(
            pass.tape, batch, recomputesLayers: recomputesLayers, dropout: pass.dropout
        ) { chosen, scores in
            let losses = rule.apply(scores, sums.tokens(chosen), pass.compute)
            sums.losses.replaceSubrange(chosen, with: losses)
        }
        return sums.perSample
    }
}

/// The predicted tokens of a pass and their losses, filled part by part.
private final class LossesOfSamples {
    var losses: [Double]
    private let tokens: PredictedTokens
    private let counts: [Int]

    init(_ samples: ArraySlice<LanguageSample>, normalizer: Double) {
        var (indices, places, targets) = ([UInt32](), [Int](), [Int32]())
        var (factors, counts) = ([Float](), [Int]())
        for sample in samples {
            let predicted = sample.labels.dropFirst().filter { $0 != DecoderBatch.ignored }
            indices += predicted.map { _ in sample.sample }
            places += predicted.indices
            targets += predicted
            let factor = Float(Double(sample.weight) / normalizer)
            factors += predicted.map { _ in factor }
            counts.append(predicted.count)
        }
        tokens = PredictedTokens(
            samples: indices, places: places, targets: targets, factors: factors)
        losses = [Double](repeating: 0, count: targets.count)
        self.counts = counts
    }

    func tokens(_ range: Range<Int>) -> PredictedTokens {
        PredictedTokens(
            samples: Array(tokens.samples[range]), places: Array(tokens.places[range]),
            targets: Array(tokens.targets[range]), factors: Array(tokens.factors[range]))
    }

    var perSample: [Double] {
        var start = 0
        return counts.map { count in
            defer { start += count }
            return losses[start..<(start + count)].reduce(0, +)
        }
    }
}
