// JSON written by hand: keys in the order we choose, numbers in their shortest exact form, so that
// the same content is the same bytes. Foundation's encoder promises neither.

/// Pieces of JSON text.
public enum JSONText {
    /// A string with its quotes; only what must be escaped is.
    public static func quoted(_ text: String) -> String {
        var text = text
        return text.withUTF8 { bytes in
            var out: [UInt8] = []
            out.reserveCapacity(bytes.count + 16)
            unsafe append(quoted: bytes, to: &out)
            return String(decoding: out, as: UTF8.self)
        }
    }

    /// Appends a string with its quotes: the bytes of `quoted`.
    package static func append(quoted text: String, to out: inout [UInt8]) {
        var text = text
        text.withUTF8 { bytes in unsafe append(quoted: bytes, to: &out) }
    }

    private static func append(quoted bytes: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        // What stands for itself is copied in runs.
        var start = 0
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
            unsafe out.append(contentsOf: bytes[start..<index])
            start = index + 1
            switch byte {
            case 0x22, 0x5C: out.append(contentsOf: [0x5C, byte])
            case 0x0A: out.append(contentsOf: [0x5C, UInt8(ascii: "n")])
            case 0x0D: out.append(contentsOf: [0x5C, UInt8(ascii: "r")])
            case 0x09: out.append(contentsOf: [0x5C, UInt8(ascii: "t")])
            default:
                out.append(contentsOf: "\\u00".utf8)
                out.append(contentsOf: ContentHash.hexadecimal([byte]).utf8)
            }
        }
        unsafe out.append(contentsOf: bytes[start...])
        out.append(UInt8(ascii: "\""))
    }

    /// The shortest text that reads back as the same number; `null` for what JSON cannot say.
    public static func number(_ value: Double) -> String {
        value.isFinite ? value.description : "null"
    }

    /// An object of numbers with its keys in the order of their bytes.
    public static func object(_ numbers: [String: Double]) -> String {
        let pairs = numbers.sorted { precedes($0.key, $1.key) }
            .map { "\(quoted($0.key)):\(number($0.value))" }
        return "{\(pairs.joined(separator: ","))}"
    }

    /// The order of bytes, which is that of code points too and the same in every language.
    public static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }
}

extension JSONText {
    /// Reads an object of numbers, `{"a":0.1,"b":0.9}`.
    public static func numbers(inObject text: String) throws(CorpusError) -> [String: Double] {
        try parsed(text) { (scanner, bytes) throws(JSONTrouble) in
            try LabelScanner.numbers(&scanner, bytes)
        }
    }

    /// Reads an array of numbers, `[0.1,0.9]`.
    public static func numbers(inArray text: String) throws(CorpusError) -> [Double] {
        try parsed(text) { (scanner, bytes) throws(JSONTrouble) in
            try LabelScanner.list(&scanner, bytes)
        }
    }

    private static func parsed<Value>(
        _ text: String, _ read: (inout JSONScanner, Span<UInt8>) throws(JSONTrouble) -> Value
    ) throws(CorpusError) -> Value {
        let bytes = Array(text.utf8)
        var scanner = JSONScanner()
        do throws(JSONTrouble) {
            let value = try read(&scanner, bytes.span)
            try scanner.finish(bytes.span)
            return value
        } catch {
            throw CorpusError(.badLabel, "\(error.reason) in \(text.prefix(80))")
        }
    }
}
