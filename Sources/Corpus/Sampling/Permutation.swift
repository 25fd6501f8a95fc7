// The order of an epoch: one shuffle of the whole corpus, a pure function of (count, seed, epoch).
// Ranks don't shuffle their parts: position `i` is the same sample however many ranks there are.

/// A shuffle of `0..<count`.
public struct Permutation: Sendable {
    private let order: [UInt32]

    /// The shuffle of an epoch (Fisher and Yates, every order as likely as the generator allows).
    ///
    /// Four bytes an element; a million in some 10 ms.
    public init(count: Int, seed: UInt64, epoch: Int) {
        precondition(count >= 0 && count <= Int(UInt32.max), "count \(count)")
        let random = CounterRandom(seed: seed, UInt64(bitPattern: Int64(epoch)), 0x7065_726D)
        var order = [UInt32](0..<UInt32(count))
        var index: UInt64 = 0
        var last = count - 1
        while last > 0 {
            let other = Int(random.below(UInt64(last + 1), next: &index))
            order.swapAt(last, other)
            last -= 1
        }
        self.order = order
    }

    /// How many elements it orders.
    public var count: Int { order.count }

    /// The sample at a position of the epoch.
    public subscript(position: Int) -> Int { Int(order[position]) }

    /// The samples at a range of positions.
    public subscript(positions: Range<Int>) -> [Int] { order[positions].map(Int.init) }
}
