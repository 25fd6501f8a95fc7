// Training on everything: the selector of plain fine-tuning.

/// Keeps every sample of every batch, with weight 1.
public struct EverySample: BatchSelector {
    /// Nothing moves from step to step.
    public struct State: Codable, Sendable {
        /// No state.
        public init() {}
    }

    /// Nothing.
    public var state = State()

    /// A selector.
    public init() {}

    /// Never: nothing is chosen.
    public var needsUncertainty: Bool { false }

    /// All of the batch.
    public mutating func select(_ batch: GlobalBatch) -> BatchSelection {
        BatchSelection(
            kept: Array(batch.samples.indices), weights: batch.samples.map { _ in 1 })
    }
}
