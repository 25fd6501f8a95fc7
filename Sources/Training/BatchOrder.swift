// Which samples a step sees: positions of one global permutation an epoch, cut into batches.
//
// A pure function of seed, epoch and position: nothing to save, nothing that depends on ranks.

import Corpus

/// The batches of a run.
public struct BatchOrder: Sendable {
    /// Samples in the pool.
    public let poolSize: Int
    /// Samples of a batch; the last one of an epoch may have fewer.
    public let batchSize: Int
    /// Passes over the pool.
    public let epochs: Int
    private let seed: UInt64
    private var cached: (epoch: Int, permutation: Permutation)?

    /// The batches of a pool.
    public init(poolSize: Int, batchSize: Int, epochs: Int, seed: UInt64) {
        self.poolSize = poolSize
        self.batchSize = batchSize
        self.epochs = epochs
        self.seed = seed
    }

    /// Batches of one epoch.
    public var stepsPerEpoch: Int { (poolSize + batchSize - 1) / batchSize }
    /// Batches of the run.
    public var totalSteps: Int { stepsPerEpoch * epochs }

    /// The pool indices of a step's batch, in order.
    public mutating func samples(ofStep step: Int) -> [Int] {
        let epoch = step / stepsPerEpoch
        let permutation: Permutation
        if let cached, cached.epoch == epoch {
            permutation = cached.permutation
        } else {
            permutation = Permutation(count: poolSize, seed: seed, epoch: epoch)
            cached = (epoch, permutation)
        }
        let start = step % stepsPerEpoch * batchSize
        return permutation[start..<min(start + batchSize, poolSize)]
    }
}
