// The optimiser: each rank updates its own parts of the flat buffer and keeps moments for them alone
// (ZeRO stage 1, Rajbhandari et al. 2020, arXiv 1910.02054). The parts of all ranks are put together
// again by the caller.

import Autograd
import Collectives
import TensorCore

/// Updates this rank's parts of the weights.
final class ShardedOptimizer {
    /// One state buffer that the optimiser keeps beside the weights, laid out as the owned parts.
    struct Moment {
        let name: String
        let values: Matrix
    }

    let owned: [Range<Int>]
    let moments: [Moment]
    private let options: TrainingOptions
    private let compute: Compute
    private let storage = Arena()

    init(_ options: TrainingOptions, layout: BucketLayout, rank: Int, compute: Compute) {
        self.options = options
        self.compute = compute
        owned = layout.owned(by: rank)
        let count = owned.reduce(0) { $0 + $1.count }
        let names: [String] =
            switch options.optimizer {
            case .adamw: ["first_moment", "second_moment"]
            case .sgd: ["momentum"]
            }
        var moments: [Moment] = []
        for name in names {
            let values = storage.matrix(1, count)
            values.fill(0)
            moments.append(Moment(name: name, values: values))
        }
        self.moments = moments
    }

    /// The part of a moment that belongs to the owned range `index`.
    func slice(_ moment: Moment, ofOwned index: Int) -> Matrix {
        let start = owned[..<index].reduce(0) { $0 + $1.count }
        return moment.values.columns(start..<(start + owned[index].count))
    }

    /// Takes one step.
    ///
    /// - Parameters:
    ///   - parameters: The flat weights; only the owned ranges are touched.
    ///   - gradients: The flat gradient; only the owned ranges are read.
    ///   - update: Number of this update, counted from 1.
    ///   - rate: The learning rate.
    ///   - gradientScale: Factor on the gradient, from clipping.
    func step(
        parameters: Matrix, gradients: Matrix, update: Int, rate: Double, gradientScale: Float
    ) {
        for (index, range) in owned.enumerated() {
            let weights = parameters.columns(range)
            let gradient = gradients.columns(range)
            switch options.optimizer {
            case .adamw:
                compute.adamW(
                    parameters: weights, gradients: gradient,
                    firstMoment: slice(moments[0], ofOwned: index),
                    secondMoment: slice(moments[1], ofOwned: index), step: update,
                    learningRate: rate, beta1: options.beta1, beta2: options.beta2,
                    epsilon: options.epsilon, weightDecay: options.weightDecay,
                    gradientScale: gradientScale)
            case .sgd:
                compute.sgd(
                    parameters: weights, gradients: gradient,
                    momentumBuffer: slice(moments[0], ofOwned: index), step: update,
                    learningRate: rate, momentum: options.momentum,
                    weightDecay: options.weightDecay, gradientScale: gradientScale)
            }
        }
    }
}
