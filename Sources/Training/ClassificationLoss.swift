// Weighted cross-entropy of class scores against class probabilities.
//
//     loss = sum_i w_i H(t_i, softmax(z_i)) / n        gradient_i = w_i (softmax(z_i) - t_i) / n
//
// with n the global count of samples. With one-hot targets it is the usual cross-entropy; with soft
// ones it differs from the Kullback-Leibler divergence by the targets' entropy, a constant. At a
// temperature T it is T^2 H(t_i, softmax(z_i / T)).
//
// Shape legend: S sequences, C classes.

import Autograd
import TensorCore

/// The loss of a pass and its gradient by the scores.
struct ClassificationLoss {
    /// Each sample's part of the loss: weighted and divided by the global count.
    let perSample: [Double]
    /// `S x C`.
    let gradient: Matrix

    init(
        logits: Matrix, samples: ArraySlice<TrainingSample>, normalizer: Double,
        temperature: Double, compute: Compute, memory: TapeMemory
    ) {
        let targets = memory.matrix(logits.rows, logits.columns)
        for (row, sample) in samples.enumerated() {
            targets.row(row).assign(sample.target)
        }
        let scores = memory.matrix(logits.rows, logits.columns)
        scores.copy(from: logits)
        if temperature != 1 { compute.scale(Float(1 / temperature), scores, into: scores) }
        let factor = temperature * temperature / normalizer
        gradient = memory.matrix(logits.rows, logits.columns)
        let weights = memory.matrix(1, logits.rows)
        weights.assign(samples.map { Float(Double($0.weight) * factor) })
        var losses = [Double](repeating: 0, count: logits.rows)
        compute.crossEntropy(
            scores, softTargets: targets, rowWeights: weights,
            gradientScale: Float(1 / temperature), into: gradient, losses: &losses)
        perSample = losses
    }
}
