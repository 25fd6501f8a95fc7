// A strict reader of the JSON that a header may hold: objects, strings, arrays of whole numbers.
// Written by hand because general readers lose repeated keys and accept 1.0 for a length, both of
// which a file of weights must not carry.

/// A cursor over the bytes of a header.
struct HeaderScanner {
    /// Why the header cannot be understood, and at which byte of it.
    struct Trouble: Error {
        let offset: Int
        let what: String
    }

    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Whether only white space is left.
    mutating func atEnd() -> Bool {
        skipSpace()
        return position == bytes.count
    }

    /// Reads an object, handing each key to `member`, which reads its value.
    mutating func object(
        _ member: (inout HeaderScanner, String) throws(Trouble) -> Void
    ) throws(Trouble) {
        try expect("{")
        if take("}") { return }
        repeat {
            let key = try string()
            try expect(":")
            try member(&self, key)
        } while take(",")
        try expect("}")
    }

    /// Reads an array of whole numbers that aren't negative.
    mutating func naturals() throws(Trouble) -> [Int] {
        try expect("[")
        var values: [Int] = []
        if take("]") { return values }
        repeat { values.append(try natural()) } while take(",")
        try expect("]")
        return values
    }

    /// Reads a string, escapes undone.
    mutating func string() throws(Trouble) -> String {
        try expect("\"")
        var utf8: [UInt8] = []
        while true {
            let byte = try next()
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: utf8, as: UTF8.self) else {
                    throw trouble("a string isn't UTF-8")
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &utf8)
            case 0..<0x20: throw trouble("a control character stands in a string")
            default: utf8.append(byte)
            }
        }
    }

    private mutating func escape(into utf8: inout [UInt8]) throws(Trouble) {
        switch try next() {
        case UInt8(ascii: "\""): utf8.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): utf8.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): utf8.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): utf8.append(0x08)
        case UInt8(ascii: "f"): utf8.append(0x0C)
        case UInt8(ascii: "n"): utf8.append(0x0A)
        case UInt8(ascii: "r"): utf8.append(0x0D)
        case UInt8(ascii: "t"): utf8.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if code & 0xFC00 == 0xD800 {
                guard try next() == UInt8(ascii: "\\"), try next() == UInt8(ascii: "u") else {
                    throw trouble("half of a surrogate pair")
                }
                let low = try hexadecimal()
                guard low & 0xFC00 == 0xDC00 else { throw trouble("half of a surrogate pair") }
                code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
            }
            guard let scalar = Unicode.Scalar(code) else {
                throw trouble("half of a surrogate pair")
            }
            utf8.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw trouble("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(Trouble) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(try next())).hexDigitValue else {
                throw trouble("\\u wants four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
        }
        return code
    }

    private mutating func natural() throws(Trouble) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while position < bytes.count, case let digit = Int(bytes[position]) - 48,
            (0...9).contains(digit)
        {
            let (tens, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, more) = tens.addingReportingOverflow(digit)
            guard !over, !more else { throw trouble("a number is too great") }
            value = sum
            position += 1
        }
        guard position > start, position - start == 1 || bytes[start] != 48 else {
            throw trouble("a whole number is wanted")
        }
        return value
    }

    private mutating func next() throws(Trouble) -> UInt8 {
        guard position < bytes.count else { throw trouble("it ends too early") }
        defer { position += 1 }
        return bytes[position]
    }

    private mutating func expect(_ mark: Unicode.Scalar) throws(Trouble) {
        guard take(mark) else { throw trouble("'\(mark)' is wanted") }
    }

    private mutating func take(_ mark: Unicode.Scalar) -> Bool {
        skipSpace()
        guard position < bytes.count, UInt32(bytes[position]) == mark.value else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
            position += 1
        }
    }

    func trouble(_ what: String) -> Trouble { Trouble(offset: position, what: what) }
}
