// What a user can choose about training, by the names that the field knows.

public import TensorCore

/// The options of training, independent of the method.
public struct TrainingOptions: Sendable, Equatable {
    /// How weights move.
    public enum OptimizerKind: String, Sendable, CaseIterable {
        /// AdamW (Loshchilov and Hutter 2019), decay on every weight.
        case adamw
        /// Stochastic gradient descent with momentum.
        case sgd
    }

    /// Passes over the pool.
    public var epochs: Int
    /// Samples of a step, over all ranks.
    public var globalBatchSize: Int
    /// V, the leaves of the gradient tree: a power of two.
    ///
    /// Results are the same on any number of ranks; ranks beyond V have nothing to do in a step.
    public var microBatches: Int
    /// Tokens that a rank takes through the student at once, which bounds its memory.
    public var maximumTokensPerPass: Int
    /// In what precision products take their operands.
    ///
    /// With `bfloat16` sums, master weights, moments and normalisation stay float32; activations that
    /// wait for the backward pass are kept in bfloat16.
    public var precision: Precision
    /// The optimiser.
    public var optimizer: OptimizerKind
    /// The peak learning rate.
    public var learningRate: Double
    /// The shape of the learning rate after the warm-up.
    public var schedule: LearningRateSchedule.Shape
    /// The part of all steps that warms the learning rate up; `warmupSteps` wins over it.
    public var warmupRatio: Double
    /// Steps that warm the learning rate up; nil to go by `warmupRatio`.
    public var warmupSteps: Int?
    /// Decoupled weight decay.
    public var weightDecay: Double
    /// AdamW's decay of the first moment.
    public var beta1: Double
    /// AdamW's decay of the second moment.
    public var beta2: Double
    /// AdamW's floor under the square root.
    public var epsilon: Double
    /// SGD's momentum.
    public var momentum: Double
    /// Gradients are scaled down to this total norm; 0 turns clipping off.
    public var maximumGradientNorm: Double
    /// Decoders keep one state a layer for the backward pass and run each layer again: a third more
    /// arithmetic for a fraction of the memory.
    public var recomputesLayers: Bool

    /// The defaults.
    public init() {
        epochs = 2
        globalBatchSize = 32
        microBatches = 8
        maximumTokensPerPass = 16_384
        precision = .float32
        optimizer = .adamw
        learningRate = 5e-5
        schedule = .linear
        warmupRatio = 0.06
        warmupSteps = nil
        weightDecay = 0.01
        beta1 = 0.9
        beta2 = 0.999
        epsilon = 1e-8
        momentum = 0.9
        maximumGradientNorm = 1
        recomputesLayers = false
    }

    /// The schedule over a run of that many steps.
    public func schedule(totalSteps: Int) -> LearningRateSchedule {
        let warmup = warmupSteps ?? Int((warmupRatio * Double(totalSteps)).rounded(.up))
        return LearningRateSchedule(
            shape: schedule, peak: learningRate, warmupSteps: warmup, totalSteps: totalSteps)
    }
}
