// Which requests are known, eight bytes each: the one thing that labelling holds in memory of a pool.

/// A set of keys by their fingerprints.
public struct KeySet: Sendable {
    /// How many keys it holds.
    public private(set) var count = 0
    /// Open addressing; 0 is a free slot.
    private var slots: [UInt64]

    /// An empty set with room for some keys.
    public init(minimumCapacity: Int = 0) {
        var size = 1024
        while size * 3 < minimumCapacity * 4 { size *= 2 }
        slots = [UInt64](repeating: 0, count: size)
    }

    /// Whether it holds a key.
    public func contains(_ key: LabelKey) -> Bool {
        slots[slot(of: Self.value(key.fingerprint))] != 0
    }

    /// Puts a key in; false when it was there.
    @discardableResult
    public mutating func insert(_ key: LabelKey) -> Bool {
        insert(key.fingerprint)
    }

    /// Puts 64 bits of a hash in; false when they were there.
    @discardableResult
    public mutating func insert(_ fingerprint: UInt64) -> Bool {
        let value = Self.value(fingerprint)
        let free = slot(of: value)
        guard slots[free] == 0 else { return false }
        slots[free] = value
        count += 1
        if count * 4 > slots.count * 3 { grow() }
        return true
    }

    private static func value(_ fingerprint: UInt64) -> UInt64 {
        fingerprint == 0 ? 1 : fingerprint
    }

    /// Where a value is, or the free slot where it belongs.
    private func slot(of value: UInt64) -> Int {
        // The values are parts of SHA-256: any of their bits are as good as a hash.
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: value) & mask
        while slots[slot] != 0, slots[slot] != value { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        let old = slots
        slots = [UInt64](repeating: 0, count: old.count * 2)
        for value in old where value != 0 { slots[slot(of: value)] = value }
    }
}
