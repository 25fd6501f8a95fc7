// The merging of one word's symbols: always the pair of the lowest rank, the leftmost of equals.
//
// A short word looks for that pair again after each merge; a long one (a text of a tokenizer without
// a pre-tokenizer is one word) keeps its pairs in a heap over a linked list, so that time grows as
// n log n. Both do the same merges in the same order.

/// The symbols of a word, and room for the merging, kept from word to word.
struct MergeWork: Sendable {
    /// The symbols' ids; of symbols merged into one before them, what was left there.
    private(set) var ids: [Int32] = []
    /// The symbols' lengths in bytes; -1 for those merged away.
    private(set) var lengths: [Int32] = []
    private var previous: [Int32] = []
    private var next: [Int32] = []
    private var ranks: [UInt32] = []
    /// Rank and position of pairs, the lowest first.
    private var heap: [UInt64] = []

    private static let none = UInt32.max
    /// Up to this many symbols looking again is faster than the heap.
    static let longestScanned = 24

    var count: Int { ids.count }

    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    mutating func append(_ id: Int32, length: Int) {
        ids.append(id)
        lengths.append(Int32(length))
    }

    /// Merges whatever can be merged.
    mutating func merge(by merges: MergeTable, scansUpTo longest: Int = longestScanned) {
        if ids.count <= 1 { return }
        if ids.count <= longest { mergeByScan(merges) } else { mergeByHeap(merges) }
    }

    private mutating func mergeByScan(_ merges: MergeTable) {
        ranks.removeAll(keepingCapacity: true)
        for position in 1..<ids.count {
            ranks.append(merges.merge(ids[position - 1], ids[position])?.rank ?? Self.none)
        }
        while !ranks.isEmpty {
            var best = 0
            for position in 1..<max(1, ranks.count) where ranks[position] < ranks[best] {
                best = position
            }
            guard ranks[best] != Self.none,
                let (_, id) = merges.merge(ids[best], ids[best + 1])
            else { return }
            ids[best] = id
            lengths[best] += lengths[best + 1]
            ids.remove(at: best + 1)
            lengths.remove(at: best + 1)
            ranks.remove(at: best)
            if best > 0 {
                ranks[best - 1] = merges.merge(ids[best - 1], id)?.rank ?? Self.none
            }
            if best < ranks.count {
                ranks[best] = merges.merge(id, ids[best + 1])?.rank ?? Self.none
            }
        }
    }

    private mutating func mergeByHeap(_ merges: MergeTable) {
        let count = ids.count
        previous.removeAll(keepingCapacity: true)
        next.removeAll(keepingCapacity: true)
        heap.removeAll(keepingCapacity: true)
        for position in 0..<count {
            previous.append(Int32(position - 1))
            next.append(Int32(position + 1))
            if position + 1 < count,
                let (rank, _) = merges.merge(ids[position], ids[position + 1])
            {
                heap.append(UInt64(rank) << 32 | UInt64(position))
            }
        }
        heap.makeHeap()
        while let top = heap.popLowest() {
            let position = Int(top & 0xFFFF_FFFF)
            guard lengths[position] >= 0, Int(next[position]) < count else { continue }
            let right = Int(next[position])
            // The pair that was put in may be gone by now.
            guard let (rank, id) = merges.merge(ids[position], ids[right]),
                UInt64(rank) == top >> 32
            else { continue }
            ids[position] = id
            lengths[position] += lengths[right]
            lengths[right] = -1
            let after = Int(next[right])
            next[position] = Int32(after)
            if after < count {
                previous[after] = Int32(position)
                push(merges.merge(id, ids[after]), position)
            }
            let before = Int(previous[position])
            if before >= 0 { push(merges.merge(ids[before], id), before) }
        }
        var kept = 0
        for position in 0..<count where lengths[position] >= 0 {
            ids[kept] = ids[position]
            lengths[kept] = lengths[position]
            kept += 1
        }
        ids.removeLast(count - kept)
        lengths.removeLast(count - kept)
    }

    @inline(__always)
    private mutating func push(_ merge: (rank: UInt32, id: Int32)?, _ position: Int) {
        guard let merge else { return }
        heap.push(UInt64(merge.rank) << 32 | UInt64(position))
    }
}

/// A binary heap, the lowest number first.
extension Array where Element == UInt64 {
    fileprivate mutating func makeHeap() {
        for position in stride(from: count / 2 - 1, through: 0, by: -1) { sink(position) }
    }

    fileprivate mutating func push(_ key: UInt64) {
        append(key)
        var position = count - 1
        while position > 0 {
            let parent = (position - 1) / 2
            if self[parent] <= key { break }
            self[position] = self[parent]
            position = parent
        }
        self[position] = key
    }

    fileprivate mutating func popLowest() -> UInt64? {
        guard let lowest = first, let last = popLast() else { return nil }
        if !isEmpty {
            self[0] = last
            sink(0)
        }
        return lowest
    }

    private mutating func sink(_ start: Int) {
        let key = self[start]
        var position = start
        while true {
            var child = 2 * position + 1
            if child >= count { break }
            if child + 1 < count, self[child + 1] < self[child] { child += 1 }
            if key <= self[child] { break }
            self[position] = self[child]
            position = child
        }
        self[position] = key
    }
}
