// The loss of the arms with logits (arXiv 2412.17846), at every token of the gold answer:
//
//     alpha CE(student, token) + (1 - alpha) T^2 D(student, teacher)
//
// The student reads question and answer, the teacher prompt, question and answer. Place t of an answer is
// the prediction of its token t on both sides, and a question's signal is found by the question's index: a
// student never meets the scores of another question, nor those of another place (the published code let it
// meet both).

import Models
import TensorCore
import Training

/// Distillation against recorded scores.
struct PrimingLoss: TokenLossRule {
    let loss: DistillationLoss
    /// The teacher's scores of each sample's answer, by the sample's index.
    let signals: [TopScores]

    func apply(_ scores: Matrix, _ tokens: PredictedTokens, _ compute: Compute) -> [Double] {
        var losses: [Double] = []
        while losses.count < scores.rows {
            let rows = Self.run(of: tokens, from: losses.count)
            // Of the sample's places those before the run are there for their number alone.
            let before = tokens.places[rows.lowerBound]
            let places = before..<before + rows.count
            losses += loss.apply(
                to: scores.rows(rows), tokens: places,
                targets: (0..<before).map { _ in DecoderBatch.ignored } + tokens.targets[rows],
                teacher: .top(signals[Int(tokens.samples[rows.lowerBound])]),
                // The factors hold the global count already.
                weights: (0..<before).map { _ in 0 } + tokens.factors[rows], normalizer: 1,
                compute: compute
            ).map(\.total)
        }
        return losses
    }

    /// The rows from `start` on that are neighbouring places of one sample.
    private static func run(of tokens: PredictedTokens, from start: Int) -> Range<Int> {
        var end = start + 1
        while end < tokens.samples.count, tokens.samples[end] == tokens.samples[start],
            tokens.places[end] == tokens.places[end - 1] + 1
        {
            end += 1
        }
        return start..<end
    }
}
