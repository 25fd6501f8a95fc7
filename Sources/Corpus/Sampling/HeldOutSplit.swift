// Which records are kept from training to measure on. Decided by a hash of the id, record by record:
// a record stays on its side when data is appended, removed or reordered.

/// A repeatable division of records into training and held-out ones.
public struct HeldOutSplit: Sendable {
    /// How many are held out.
    public enum Size: Sendable, Hashable {
        /// About this share (each record is drawn for itself); fully stable under appending.
        case fraction(Double)
        /// Exactly this many: those with the least hashes. Appending may replace a few.
        case count(Int)
    }

    private let size: Size
    private let seed: UInt64

    /// A split of a size; another seed holds out others.
    public init(_ size: Size, seed: UInt64) {
        switch size {
        case .fraction(let share):
            precondition((0...1).contains(share), "fraction \(share)")
        case .count(let count): precondition(count >= 0, "count \(count)")
        }
        self.size = size
        self.seed = seed
    }

    /// Indexes of the training and of the held-out ids, each in the given order.
    public func indexes(of ids: [String]) -> (training: [Int], heldOut: [Int]) {
        let ranks = ids.map(rank)
        let isOut: [Bool]
        switch size {
        case .fraction(let share):
            isOut = ranks.map { Double($0 >> 11) * 0x1p-53 < share }
        case .count(let count):
            var out = [Bool](repeating: false, count: ids.count)
            let ordered = ids.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }
            for index in ordered.prefix(count) { out[index] = true }
            isOut = out
        }
        return (ids.indices.filter { !isOut[$0] }, ids.indices.filter { isOut[$0] })
    }

    /// The training and the held-out records, each in the given order.
    public func split(_ records: [Record]) -> (training: [Record], heldOut: [Record]) {
        let indexes = indexes(of: records.map(\.id))
        return (indexes.training.map { records[$0] }, indexes.heldOut.map { records[$0] })
    }

    /// FNV-1a over the id's bytes, then mixed with the seed: FNV alone leaves the upper bits of
    /// short ids alike.
    private func rank(_ id: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return CounterRandom(seed: seed, hash, 0x686F_6C64)[0]
    }
}
