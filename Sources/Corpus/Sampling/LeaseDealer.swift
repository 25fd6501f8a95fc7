// Handing out records for labelling: each rank takes the next lease when it is done with its last,
// so that slow ranks take fewer. The counter belongs to whoever can share one between ranks (an MPI
// window on rank 0, an atomic of threads) and comes as a closure.

/// Deals out leases, ranges of positions, from a counter shared by all ranks.
public struct LeaseDealer {
    private let count: Int64
    /// Positions of the next lease, at least 1; what is dealt already stays as it is.
    public var leaseSize: Int
    private let fetchAdd: (Int64) throws -> Int64
    private var exhausted = false

    /// Deals `0..<count` in leases of `leaseSize`.
    ///
    /// `fetchAdd` adds to the shared counter, which starts at 0, and returns what it held before.
    public init(
        count: Int, leaseSize: Int, fetchAdd: @escaping (Int64) throws -> Int64
    ) {
        precondition(count >= 0 && leaseSize > 0, "count \(count), lease size \(leaseSize)")
        self.count = Int64(count)
        self.leaseSize = leaseSize
        self.fetchAdd = fetchAdd
    }

    /// The next lease of this rank; nil when all are dealt, and from then on without asking.
    public mutating func next() throws -> Range<Int>? {
        guard !exhausted else { return nil }
        let start = try fetchAdd(Int64(leaseSize))
        precondition(start >= 0, "the shared counter gave \(start)")
        guard start < count else {
            exhausted = true
            return nil
        }
        return Int(start)..<Int(min(start + Int64(leaseSize), count))
    }
}
