// Which pieces a text begins with, the shortest first: a trie over bytes.
//
// All edges are in one hash table, keyed by node and byte: a step is one look-up, and building takes
// one insertion a byte. A double array is smaller and steps as fast, but takes long to build.

/// A set of byte strings with a number each, searched from the front.
struct PieceTrie: Sendable {
    /// Node and byte in the high half, the next node in the low one; zero: free.
    private var edges: [UInt64]
    private var shift: UInt64
    private var edgeCount = 0
    /// The number of the piece that ends at each node, -1 where none does.
    private var values: [Int32] = [-1]

    /// The largest number of nodes: a node and a byte are 32 bits.
    static let nodeLimit = 1 << 24

    /// An empty trie with room for the edges of pieces with `byteCount` bytes in all.
    init(byteCount: Int) {
        var bits: UInt64 = 8
        while 1 << bits < byteCount { bits += 1 }
        edges = [UInt64](repeating: 0, count: 1 << Int(bits))
        shift = 64 - bits
    }

    /// The root, where every search begins.
    static let root: UInt32 = 0

    /// The node behind `node` by way of `byte`; nil where no piece goes on like that.
    @inline(__always)
    func next(_ node: UInt32, _ byte: UInt8) -> UInt32? {
        let key = node << 8 | UInt32(byte)
        var slot = Self.slot(key, shift)
        while true {
            let edge = edges[slot]
            if edge == 0 { return nil }
            if UInt32(truncatingIfNeeded: edge >> 32) == key {
                return UInt32(truncatingIfNeeded: edge)
            }
            slot = (slot + 1) & (edges.count - 1)
        }
    }

    /// The number of the piece that ends at `node`, negative where none does.
    @inline(__always)
    func value(at node: UInt32) -> Int32 { values[Int(node)] }

    /// Adds a piece, or gives a known one another number; false where there is no more room.
    mutating func insert(_ piece: [UInt8], _ value: Int32) -> Bool {
        var node = Self.root
        for byte in piece {
            if let known = next(node, byte) {
                node = known
                continue
            }
            guard values.count < Self.nodeLimit else { return false }
            if (edgeCount + 1) * 2 > edges.count { grow() }
            let new = UInt32(values.count)
            values.append(-1)
            place(UInt64(node << 8 | UInt32(byte)) << 32 | UInt64(new))
            edgeCount += 1
            node = new
        }
        values[Int(node)] = value
        return true
    }

    private mutating func place(_ edge: UInt64) {
        var slot = Self.slot(UInt32(truncatingIfNeeded: edge >> 32), shift)
        while edges[slot] != 0 { slot = (slot + 1) & (edges.count - 1) }
        edges[slot] = edge
    }

    private mutating func grow() {
        let old = edges
        edges = [UInt64](repeating: 0, count: old.count * 2)
        shift -= 1
        for edge in old where edge != 0 { place(edge) }
    }

    @inline(__always)
    private static func slot(_ key: UInt32, _ shift: UInt64) -> Int {
        Int(truncatingIfNeeded: (UInt64(key) &* 0x9E37_79B9_7F4A_7C15) >> shift)
    }
}
