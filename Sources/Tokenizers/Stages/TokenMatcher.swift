// Finds the first, and there the longest, of a set of byte strings in a text.
//
// A trie walked from every byte with which a pattern begins. Patterns are few and begin with bytes
// that texts hold rarely ('[', '<'), so that a search is one table look-up a byte.

/// A set of byte strings to look for.
struct TokenMatcher: Sendable {
    private struct Node: Sendable {
        var children: [(byte: UInt8, node: Int32)] = []
        var id: Int32?
    }

    private var nodes = [Node()]
    private var begins = [Bool](repeating: false, count: 256)

    /// Adds a string; of equal strings the first counts, whose id is returned.
    @discardableResult
    mutating func insert(_ pattern: [UInt8], _ id: Int32) -> Int32? {
        guard let first = pattern.first else { return nil }
        begins[Int(first)] = true
        var node = 0
        for byte in pattern {
            if let child = child(of: node, byte) {
                node = child
            } else {
                nodes[node].children.append((byte, Int32(nodes.count)))
                node = nodes.count
                nodes.append(Node())
            }
        }
        if let known = nodes[node].id { return known }
        nodes[node].id = id
        return nil
    }

    private func child(of node: Int, _ byte: UInt8) -> Int? {
        for child in nodes[node].children where child.byte == byte { return Int(child.node) }
        return nil
    }

    /// The leftmost match at or after `start`, the longest of those that begin there.
    func firstMatch(in bytes: [UInt8], from start: Int) -> (range: Range<Int>, id: Int32)? {
        guard nodes.count > 1 else { return nil }
        let begins = begins
        for position in start..<bytes.count where begins[Int(bytes[position])] {
            var node = 0
            var end = position
            var found: (range: Range<Int>, id: Int32)?
            while end < bytes.count, let next = child(of: node, bytes[end]) {
                node = next
                end += 1
                if let id = nodes[node].id { found = (position..<end, id) }
            }
            if let found { return found }
        }
        return nil
    }
}
