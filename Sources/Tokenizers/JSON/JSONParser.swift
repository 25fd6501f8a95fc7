// The grammar of RFC 8259, from bytes to the nodes of a JSONDocument; nothing but the grammar.

/// Parses one JSON text.
struct JSONParser {
    private let bytes: [UInt8]
    private var position = 0
    private(set) var nodes: [JSONDocument.Node] = []

    /// Deeper nesting than this is refused, so that a hostile file can't exhaust the stack.
    private static let deepestNesting = 128

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        nodes.reserveCapacity(bytes.count / 8)
    }

    /// Parses one value and nothing after it.
    mutating func parseDocument() throws(JSONFault) {
        guard bytes.count < Int(Int32.max) else { throw fault("larger than 2 GiB") }
        skipWhitespace()
        if position == bytes.count { throw fault("no JSON value") }
        try parseValue(depth: 0)
        skipWhitespace()
        if position < bytes.count { throw fault("something follows the end of the JSON value") }
    }

    private func fault(_ reason: String) -> JSONFault {
        JSONFault(position: position, reason: reason)
    }

    private mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func add(_ kind: JSONDocument.Kind, from start: Int, to end: Int) {
        nodes.append(
            JSONDocument.Node(
                kind: kind, start: Int32(start), end: Int32(end), next: Int32(nodes.count + 1)))
    }

    private mutating func parseValue(depth: Int) throws(JSONFault) {
        guard position < bytes.count else { throw fault("the text ends where a value is due") }
        switch bytes[position] {
        case UInt8(ascii: "\""): try parseString()
        case UInt8(ascii: "{"): try parseContainer(.object, depth: depth)
        case UInt8(ascii: "["): try parseContainer(.array, depth: depth)
        case UInt8(ascii: "-"), 0x30...0x39: try parseNumber()
        case UInt8(ascii: "t"): try parseWord("true", .true)
        case UInt8(ascii: "f"): try parseWord("false", .false)
        case UInt8(ascii: "n"): try parseWord("null", .null)
        default: throw fault("a value is due here")
        }
    }

    private mutating func parseWord(
        _ word: StaticString, _ kind: JSONDocument.Kind
    ) throws(JSONFault) {
        let start = position
        for byte in word.description.utf8 {
            guard position < bytes.count, bytes[position] == byte else {
                position = start
                throw fault("a value is due here")
            }
            position += 1
        }
        add(kind, from: start, to: position)
    }

    private mutating func parseContainer(
        _ kind: JSONDocument.Kind, depth: Int
    ) throws(JSONFault) {
        guard depth < Self.deepestNesting else { throw fault("nested deeper than 128") }
        let isObject = kind == .object
        let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        let index = nodes.count
        add(kind, from: position, to: position)
        position += 1
        skipWhitespace()
        var isFirst = true
        while true {
            guard position < bytes.count else {
                throw fault(isObject ? "the text ends in an object" : "the text ends in an array")
            }
            if bytes[position] == close, isFirst { break }
            if isObject { try parseKey() }
            try parseValue(depth: depth + 1)
            skipWhitespace()
            isFirst = false
            guard position < bytes.count else { continue }
            if bytes[position] == close { break }
            guard bytes[position] == UInt8(ascii: ",") else {
                throw fault(isObject ? "',' or '}' is due here" : "',' or ']' is due here")
            }
            position += 1
            skipWhitespace()
        }
        position += 1
        nodes[index].end = Int32(position)
        nodes[index].next = Int32(nodes.count)
    }

    private mutating func parseKey() throws(JSONFault) {
        guard bytes[position] == UInt8(ascii: "\"") else {
            throw fault("a key in quotes is due here")
        }
        try parseString()
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            throw fault("':' is due here")
        }
        position += 1
        skipWhitespace()
    }

    private mutating func parseString() throws(JSONFault) {
        position += 1
        let start = position
        var kind = JSONDocument.Kind.string
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                add(kind, from: start, to: position)
                position += 1
                return
            case UInt8(ascii: "\\"):
                kind = .escapedString
                try parseEscape()
            case 0..<0x20:
                throw fault("a control character stands in a string")
            default:
                position += 1
            }
        }
        throw fault("the text ends in a string")
    }

    private mutating func parseEscape() throws(JSONFault) {
        guard position + 1 < bytes.count else { throw fault("the text ends in a string") }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        case UInt8(ascii: "u"):
            let unit = try parseCodeUnit()
            if 0xDC00..<0xE000 ~= unit { throw fault("half of a surrogate pair stands alone") }
            position += 6
            guard 0xD800..<0xDC00 ~= unit else { return }
            guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u"),
                case 0xDC00..<0xE000 = try parseCodeUnit()
            else { throw fault("half of a surrogate pair stands alone") }
            position += 6
        default:
            throw fault("an unknown escape in a string")
        }
    }

    /// The four digits of the `\uXXXX` that begins here.
    private func parseCodeUnit() throws(JSONFault) -> UInt32 {
        guard position + 6 <= bytes.count else { throw fault("the text ends in a string") }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = hexadecimalDigit(bytes[position + offset]) else {
                throw fault("four hexadecimal digits are due after \\u")
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    private mutating func parseNumber() throws(JSONFault) {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try parseDigits()
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try parseDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count,
                bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-")
            {
                position += 1
            }
            try parseDigits()
        }
        add(.number, from: start, to: position)
    }

    private mutating func parseDigits() throws(JSONFault) {
        let start = position
        while position < bytes.count, 0x30...0x39 ~= bytes[position] { position += 1 }
        if position == start { throw fault("a digit is due here") }
    }
}
