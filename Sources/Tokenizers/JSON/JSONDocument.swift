// A JSON text as a flat array of nodes over its bytes: nothing is copied until it is asked for.
//
// A vocabulary is tens of thousands of strings that go into a table of bytes; a tree of String and
// Dictionary values would cost more than all the rest of loading. Not a general JSON library: it
// reads what `tokenizer.json` files and JSONL lines hold, strictly (RFC 8259), and says at which
// byte a text breaks off the grammar.

/// A parsed JSON text.
final class JSONDocument: Sendable {
    enum Kind: UInt8, Sendable {
        case null, `true`, `false`, number, string, escapedString, array, object
    }

    /// One value; a container's parts follow it, an object's as key, value, key, value.
    struct Node: Sendable {
        let kind: Kind
        /// The bytes of the value; of a string, those between the quotes.
        let start: Int32
        var end: Int32
        /// The index of the node after this one and its parts.
        var next: Int32
    }

    let bytes: [UInt8]
    let nodes: [Node]

    /// Parses the whole of `bytes`; throws the position and the fault.
    init(_ bytes: [UInt8]) throws(JSONFault) {
        if let position = UTF8Bytes.firstInvalidByte(in: bytes) {
            throw JSONFault(position: position, reason: "not valid UTF-8")
        }
        var parser = JSONParser(bytes)
        try parser.parseDocument()
        self.bytes = bytes
        nodes = parser.nodes
    }

    /// Appends the bytes that the string at `index` stands for, escapes undone.
    func appendString(_ index: Int, to output: inout [UInt8]) {
        let node = nodes[index]
        guard node.kind == .escapedString else {
            output.append(contentsOf: bytes[Int(node.start)..<Int(node.end)])
            return
        }
        var position = Int(node.start)
        let end = Int(node.end)
        while position < end {
            let byte = bytes[position]
            guard byte == UInt8(ascii: "\\") else {
                output.append(byte)
                position += 1
                continue
            }
            let escape = bytes[position + 1]
            position += 2
            switch escape {
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "u"):
                var scalar = codeUnit(at: position)
                position += 4
                if 0xD800..<0xDC00 ~= scalar {  // the parser has seen to it that the pair is whole
                    let low = codeUnit(at: position + 2) - 0xDC00
                    scalar = 0x10000 + ((scalar - 0xD800) << 10 | low)
                    position += 6
                }
                UTF8Bytes.append(scalar, to: &output)
            default: output.append(escape)
            }
        }
    }

    /// The four hexadecimal digits at `position`.
    private func codeUnit(at position: Int) -> UInt32 {
        var value: UInt32 = 0
        for offset in 0..<4 {
            value = value << 4 | UInt32(hexadecimalDigit(bytes[position + offset]) ?? 0)
        }
        return value
    }

    /// The bytes that the string at `index` stands for.
    func string(_ index: Int) -> [UInt8] {
        var output: [UInt8] = []
        appendString(index, to: &output)
        return output
    }

    /// The number at `index` where it is an integer that fits.
    func integer(_ index: Int) -> Int? {
        let node = nodes[index]
        guard node.kind == .number else { return nil }
        var position = Int(node.start)
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var value = 0
        while position < Int(node.end) {
            let digit = bytes[position] &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(Int(digit))
            if overflowed || carried { return nil }
            value = sum
            position += 1
        }
        return isNegative ? -value : value
    }

    /// Whether the node at `index` is a string.
    func isString(_ index: Int) -> Bool {
        nodes[index].kind == .string || nodes[index].kind == .escapedString
    }

    /// Calls `body` with the key's and the value's node of each member of the object at `index`.
    func forEachMember<Failure: Error>(
        of index: Int, _ body: (_ key: Int, _ value: Int) throws(Failure) -> Void
    ) throws(Failure) {
        var key = index + 1
        let end = Int(nodes[index].next)
        while key < end {
            try body(key, key + 1)
            key = Int(nodes[key + 1].next)
        }
    }

    /// The value of an object's member; of the last one, where a key comes twice.
    func member(_ name: StaticString, of index: Int) -> Int? {
        var found: Int?
        forEachMember(of: index) { key, value in
            if isString(key, equalTo: name) { found = value }
        }
        return found
    }

    /// Whether the string at `index` is `name`, which is ASCII.
    private func isString(_ index: Int, equalTo name: StaticString) -> Bool {
        let node = nodes[index]
        let wanted = name.description.utf8
        if node.kind == .escapedString { return string(index).elementsEqual(wanted) }
        guard Int(node.end - node.start) == wanted.count else { return false }
        return bytes[Int(node.start)..<Int(node.end)].elementsEqual(wanted)
    }
}

/// Where and how a JSON text is broken.
struct JSONFault: Error {
    let position: Int
    let reason: String
}
