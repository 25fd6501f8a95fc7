// The merges of a BPE model: a pair of ids to the rank of its merge and the id of what it makes.
//
// Open addressing in one flat array: Llama-3 has 280,147 merges, and every symbol of a text asks
// here about twice.

/// Pairs of ids and their merges.
struct MergeTable: Sendable {
    private struct Slot: Sendable {
        var pair: UInt64
        var rank: UInt32
        var id: Int32
    }

    /// A pair that no file holds, for ids are never negative.
    private static let free = UInt64.max

    private var slots: [Slot]
    private let mask: Int
    private(set) var count = 0

    /// An empty table for at most `capacity` pairs.
    init(capacity: Int) {
        var slotCount = 16
        while slotCount * 2 < capacity * 3 + 2 { slotCount *= 2 }
        slots = [Slot](repeating: Slot(pair: Self.free, rank: 0, id: 0), count: slotCount)
        mask = slotCount - 1
    }

    @inline(__always)
    private static func hash(_ pair: UInt64) -> Int {
        let mixed = (pair ^ pair >> 32) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed ^ mixed >> 29)
    }

    @inline(__always)
    private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The merge of two symbols; nil where there is none.
    @inline(__always)
    func merge(_ left: Int32, _ right: Int32) -> (rank: UInt32, id: Int32)? {
        let pair = Self.pair(left, right)
        var index = Self.hash(pair) & mask
        while true {
            let slot = slots[index]
            if slot.pair == pair { return (slot.rank, slot.id) }
            if slot.pair == Self.free { return nil }
            index = (index + 1) & mask
        }
    }

    /// Adds a merge; of a pair that comes twice the last rank counts, as in the reference.
    mutating func insert(_ left: Int32, _ right: Int32, rank: UInt32, id: Int32) {
        let pair = Self.pair(left, right)
        var index = Self.hash(pair) & mask
        while slots[index].pair != Self.free, slots[index].pair != pair {
            index = (index + 1) & mask
        }
        if slots[index].pair == Self.free {
            count += 1
            precondition(count < slots.count, "MergeTable: more than \(count) pairs")
        }
        slots[index] = Slot(pair: pair, rank: rank, id: id)
    }
}
