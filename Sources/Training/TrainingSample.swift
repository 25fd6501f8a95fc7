// What goes into a step of training and what comes out of it. The step is ParallelStudent's.

public import Models

/// One sample of a step.
public struct TrainingSample: Sendable {
    /// The text.
    public let tokens: TokenSequence
    /// The wanted class probabilities: one-hot for a hard label.
    public let target: [Float]
    /// The sample's weight in the loss.
    public let weight: Float
    /// Its global index: what its dropout is keyed by.
    public let sample: UInt32

    /// One sample.
    public init(tokens: TokenSequence, target: [Float], weight: Float, sample: UInt32) {
        self.tokens = tokens
        self.target = target
        self.weight = weight
        self.sample = sample
    }
}

/// What a step did.
public struct StepReport: Sendable {
    /// Weighted mean loss over the samples.
    public let loss: Double
    /// Norm of the whole gradient before clipping.
    public let gradientNorm: Double
}
