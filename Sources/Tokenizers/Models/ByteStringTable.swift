// Byte strings to numbers: the hash table under every vocabulary.
//
// Open addressing over one pool of bytes. The hash is built byte by byte (FNV-1a), so that a model
// looking for the longest known prefix gets the hash of every prefix in one walk, and no key is ever
// copied or made a String. Keys come from files that the user chose; the table isn't hardened
// against keys made to collide.

/// A map from byte strings to numbers.
struct ByteStringTable: Sendable {
    /// All keys, one after the other.
    private var pool: [UInt8] = []
    private var entries: [Entry] = []
    /// High half: part of the hash; low half: index of the entry plus one; zero: free.
    private var slots: [UInt64]
    private(set) var longestKey = 0

    private struct Entry {
        let start: UInt32
        let count: UInt32
        var value: Int32
    }

    /// The hash of the empty string.
    static let emptyHash: UInt64 = 0xCBF2_9CE4_8422_2325

    /// The hash of a string and one more byte.
    @inline(__always)
    static func extended(_ hash: UInt64, by byte: UInt8) -> UInt64 {
        (hash ^ UInt64(byte)) &* 0x100_0000_01B3
    }

    /// An empty table with room for `capacity` keys.
    init(capacity: Int) {
        var slotCount = 16
        while slotCount < capacity * 2 { slotCount *= 2 }
        slots = [UInt64](repeating: 0, count: slotCount)
        entries.reserveCapacity(capacity)
        pool.reserveCapacity(capacity * 8)
    }

    var count: Int { entries.count }

    /// FNV mixes upwards only; this brings the high bits down.
    @inline(__always)
    private static func finished(_ hash: UInt64) -> UInt64 {
        let mixed = (hash ^ hash >> 32) &* 0x9E37_79B9_7F4A_7C15
        return mixed ^ mixed >> 29
    }

    private static func hash(_ key: some Sequence<UInt8>) -> UInt64 {
        key.reduce(emptyHash) { extended($0, by: $1) }
    }

    /// The index of the entry whose key is a range of `bytes` with this hash.
    @inline(__always)
    func entry(_ bytes: [UInt8], _ range: Range<Int>, hash: UInt64) -> Int? {
        let finished = Self.finished(hash)
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: finished) & mask
        while true {
            let content = slots[slot]
            if content == 0 { return nil }
            if content >> 32 == finished >> 32 {
                let index = Int(content & 0xFFFF_FFFF) - 1
                if hasKey(index, bytes, range) { return index }
            }
            slot = (slot + 1) & mask
        }
    }

    @inline(__always)
    private func hasKey(_ index: Int, _ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let entry = entries[index]
        guard Int(entry.count) == range.count else { return false }
        var position = Int(entry.start)
        for other in range {
            if pool[position] != bytes[other] { return false }
            position += 1
        }
        return true
    }

    /// The number of the key that is a range of `bytes` with this hash.
    @inline(__always)
    func value(_ bytes: [UInt8], _ range: Range<Int>, hash: UInt64) -> Int32? {
        entry(bytes, range, hash: hash).map { entries[$0].value }
    }

    /// The number of the key that is a range of `bytes`.
    func value(_ bytes: [UInt8], _ range: Range<Int>) -> Int32? {
        var hash = Self.emptyHash
        for position in range { hash = Self.extended(hash, by: bytes[position]) }
        return value(bytes, range, hash: hash)
    }

    /// The number of a key.
    func value(_ key: [UInt8]) -> Int32? {
        value(key, 0..<key.count, hash: Self.hash(key))
    }

    /// The number of the entry at `index`.
    func value(at index: Int) -> Int32 { entries[index].value }

    /// The key of the entry at `index`.
    func key(at index: Int) -> ArraySlice<UInt8> {
        let entry = entries[index]
        return pool[Int(entry.start)..<Int(entry.start + entry.count)]
    }

    /// Adds a key, or gives a known one another number; returns its entry.
    @discardableResult
    mutating func insert(_ key: [UInt8], _ value: Int32) -> Int {
        let hash = Self.hash(key)
        if let index = entry(key, 0..<key.count, hash: hash) {
            entries[index].value = value
            return index
        }
        if (entries.count + 1) * 2 > slots.count { grow() }
        let index = entries.count
        entries.append(
            Entry(start: UInt32(pool.count), count: UInt32(key.count), value: value))
        pool.append(contentsOf: key)
        longestKey = max(longestKey, key.count)
        place(index, hash)
        return index
    }

    private mutating func place(_ index: Int, _ hash: UInt64) {
        let finished = Self.finished(hash)
        var slot = Int(truncatingIfNeeded: finished) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = (finished >> 32) << 32 | UInt64(index + 1)
    }

    private mutating func grow() {
        slots = [UInt64](repeating: 0, count: slots.count * 2)
        for index in entries.indices { place(index, Self.hash(key(at: index))) }
    }
}
