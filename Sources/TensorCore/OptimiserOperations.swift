// Optimiser updates of flat parameter buffers: one pass over memory. Their definition is PyTorch's,
// so that recorded runs can be compared step by step.

internal import Kernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

extension Compute {
    /// One step of AdamW.
    ///
    /// `step` counts from 1; gradients are multiplied by `gradientScale` (which carries clipping
    /// and the division by the global count) and not changed.
    public func adamW(
        parameters: Matrix, gradients: Matrix, firstMoment m: Matrix, secondMoment v: Matrix,
        step: Int, learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999,
        epsilon: Double = 1e-8, weightDecay: Double = 0.01, gradientScale: Float = 1
    ) {
        precondition(step >= 1, "AdamW step \(step)")
        checkBuffers(parameters, [gradients, m, v], "adamW")
        let correction1 = 1 - pow(beta1, Double(step))
        let correction2 = 1 - pow(beta2, Double(step))
        // 1 - beta is taken before rounding: 1 - Float(0.999) is off in the fifth digit.
        let settings = retort_adamw(
            decay: Float(1 - learningRate * weightDecay), keep1: Float(beta1), keep2: Float(beta2),
            take1: Float(1 - beta1), take2: Float(1 - beta2),
            step_size: Float(learningRate / correction1),
            deviation_scale: Float(1 / correction2.squareRoot()), epsilon: Float(epsilon),
            gradient_scale: gradientScale)
        parallelFor(parameters.count, grain: Self.elementBlock) { range in
            var settings = settings
            let start = range.lowerBound
            kernels.pointee.adamw(
                parameters.base + start, gradients.base + start, m.base + start, v.base + start,
                range.count, &settings)
        }
    }

    /// One step of SGD; the first step sets the momentum buffer, whatever it holds.
    public func sgd(
        parameters: Matrix, gradients: Matrix, momentumBuffer: Matrix, step: Int,
        learningRate: Double, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0,
        nesterov: Bool = false, gradientScale: Float = 1
    ) {
        precondition(step >= 1, "SGD step \(step)")
        checkBuffers(parameters, [gradients, momentumBuffer], "sgd")
        let settings = retort_sgd(
            learning_rate: Float(learningRate), momentum: Float(momentum),
            take: step == 1 ? 1 : Float(1 - dampening), weight_decay: Float(weightDecay),
            gradient_scale: gradientScale, first: step == 1 ? 1 : 0, nesterov: nesterov ? 1 : 0)
        parallelFor(parameters.count, grain: Self.elementBlock) { range in
            var settings = settings
            let start = range.lowerBound
            kernels.pointee.sgd(
                parameters.base + start, gradients.base + start, momentumBuffer.base + start,
                range.count, &settings)
        }
    }

    private func checkBuffers(_ first: Matrix, _ others: [Matrix], _ operation: StaticString) {
        precondition(first.isContiguous, "\(operation): parameters with gaps between rows")
        for other in others {
            precondition(other.isContiguous, "\(operation): a buffer with gaps between rows")
            first.checkShape(other, operation)
        }
    }
}
