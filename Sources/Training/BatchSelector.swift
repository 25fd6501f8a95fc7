// The seam between the training loop and a method: which samples of a batch are trained on.

/// A global batch as a method sees it.
public struct GlobalBatch: Sendable {
    /// The step, counted from 0.
    public let step: Int
    /// Pool indices, in the batch's order.
    public let samples: [Int]
    /// Number of the first sample's visit in the run; the others follow.
    public let firstVisit: UInt64
    /// The student's normalised entropies, if the method asked for them.
    public let uncertainty: [Double]?
}

/// What a method keeps of a batch.
public struct BatchSelection: Sendable {
    /// Places in the batch, ascending.
    public let kept: [Int]
    /// A weight for each kept sample; their mean is 1.
    public let weights: [Double]
    /// Numbers for the metrics log, by name.
    public let metrics: [(name: String, value: Double)]

    /// A selection.
    public init(kept: [Int], weights: [Double], metrics: [(name: String, value: Double)] = []) {
        self.kept = kept
        self.weights = weights
        self.metrics = metrics
    }
}

/// A method's choice of samples.
///
/// It runs on every rank with the same input and must answer the same.
public protocol BatchSelector {
    /// What is saved in checkpoints.
    associatedtype State: Codable

    /// What moves from step to step.
    var state: State { get set }

    /// True when the student's entropies are wanted for the next batch.
    var needsUncertainty: Bool { get }

    /// Chooses from a batch.
    mutating func select(_ batch: GlobalBatch) -> BatchSelection
}
