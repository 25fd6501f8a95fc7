// How much of the pool training has used: what LLKD saves.

/// Counts of samples that the student was trained on.
public struct SampleUsage: Sendable, Codable, Equatable {
    /// Samples in the pool.
    public let poolSize: Int
    /// How often a sample was trained on, over all samples.
    public private(set) var visits = 0
    /// Samples that came by, kept or not.
    public private(set) var offered = 0
    /// One bit a sample of the pool: trained on at least once.
    private var seen: [UInt64]

    /// Nothing used yet.
    public init(poolSize: Int) {
        self.poolSize = poolSize
        seen = Array(repeating: 0, count: (poolSize + 63) / 64)
    }

    /// Counts a batch.
    ///
    /// - Parameters:
    ///   - kept: Pool indices of the samples trained on.
    ///   - offered: How many samples the batch had.
    public mutating func add(kept: [Int], offered: Int) {
        visits += kept.count
        self.offered += offered
        for index in kept { seen[index / 64] |= 1 << UInt64(index % 64) }
    }

    /// Samples trained on at least once.
    public var distinct: Int { seen.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// Distinct samples by pool size.
    public var distinctRatio: Double { ratio(distinct, poolSize) }

    /// Visits by pool size and the given count of epochs.
    public func visitRatio(epochs: Int) -> Double { ratio(visits, poolSize * epochs) }

    private func ratio(_ part: Int, _ whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) : 0
    }
}
