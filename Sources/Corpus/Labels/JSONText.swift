// JSON written by hand: keys in the order we choose, numbers in their shortest exact form, so that
// the same content is the same bytes. Foundation's encoder promises neither.

/// Pieces of JSON text.
public enum JSONText {
    /// A string with its quotes; only what must be escaped is.
    public static func quoted(_ text: String) -> String {
        var out = "\""
        var plain = true
        for byte in text.utf8 where byte < 0x20 || byte == 0x22 || byte == 0x5C { plain = false }
        guard !plain else { return "\"\(text)\"" }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\u{0}"..<"\u{20}":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
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
