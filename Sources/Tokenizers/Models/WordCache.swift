// Words met before and their tokens: texts say the same words again and again.
//
// Bounded: a slot holds one word, a later one takes its place, and all is forgotten when the pools
// are full. Never shared by two threads at once; what is in it never changes a result.

/// The tokens of words met lately.
struct WordCache: Sendable {
    private struct Entry: Sendable {
        var hash: UInt64 = 0
        var keyStart: UInt32 = 0
        var keyCount: UInt32 = 0
        var tokenStart: UInt32 = 0
        var tokenCount: UInt32 = 0
    }

    private static let slotCount = 1 << 14
    /// Longer words are rare and not kept.
    static let longestWord = 64
    private static let fullPool = 1 << 19

    /// None until the first word comes.
    private var entries: [Entry] = []
    private var keys: [UInt8] = []
    private(set) var ids: [Int32] = []
    private(set) var lengths: [Int32] = []

    /// Where the tokens of a word are in `ids` and `lengths`; nil where it isn't known.
    @inline(__always)
    func tokens(of word: Range<Int>, _ bytes: [UInt8], hash: UInt64) -> Range<Int>? {
        if entries.isEmpty { return nil }
        let entry = entries[Self.slot(hash)]
        guard entry.hash == hash, Int(entry.keyCount) == word.count else { return nil }
        var key = Int(entry.keyStart)
        for position in word {
            if keys[key] != bytes[position] { return nil }
            key += 1
        }
        return Int(entry.tokenStart)..<Int(entry.tokenStart + entry.tokenCount)
    }

    /// Keeps the tokens of a word that isn't empty.
    mutating func insert(
        _ word: Range<Int>, _ bytes: [UInt8], hash: UInt64, ids newIDs: [Int32],
        lengths newLengths: [Int32]
    ) {
        if entries.isEmpty {
            entries = [Entry](repeating: Entry(), count: Self.slotCount)
        }
        if keys.count + word.count > Self.fullPool || ids.count + newIDs.count > Self.fullPool {
            entries = [Entry](repeating: Entry(), count: Self.slotCount)
            keys.removeAll(keepingCapacity: true)
            ids.removeAll(keepingCapacity: true)
            lengths.removeAll(keepingCapacity: true)
        }
        entries[Self.slot(hash)] = Entry(
            hash: hash, keyStart: UInt32(keys.count), keyCount: UInt32(word.count),
            tokenStart: UInt32(ids.count), tokenCount: UInt32(newIDs.count))
        keys.append(contentsOf: bytes[word])
        ids.append(contentsOf: newIDs)
        lengths.append(contentsOf: newLengths)
    }

    @inline(__always)
    private static func slot(_ hash: UInt64) -> Int {
        let mixed = (hash ^ hash >> 32) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 40) & (slotCount - 1)
    }
}
