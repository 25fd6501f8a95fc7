// Numbers with a fraction, read as the reference reads them: Rust's `serde_json` without its option
// `float_roundtrip` rounds twice, so that one number in eight is not the double next to what is
// written. Scores that are nearly equal decide how a word is cut, so it has to be the same double.

extension JSONDocument {
    /// The number at `index` as a double; nil where it is none, or too large for one.
    func double(_ index: Int) -> Double? {
        let node = nodes[index]
        guard node.kind == .number else { return nil }
        var position = Int(node.start)
        let end = Int(node.end)
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        var significand: UInt64 = 0
        var exponent = 0
        var isFraction = false
        var isFull = false
        while position < end {
            let byte = bytes[position]
            if byte == UInt8(ascii: ".") {
                isFraction = true
                isFull = isFull && significand.multipliedReportingOverflow(by: 10).overflow
            } else if byte | 0x20 == UInt8(ascii: "e") {
                break
            } else {
                let (product, overflowed) = significand.multipliedReportingOverflow(by: 10)
                let (sum, carried) = product.addingReportingOverflow(UInt64(byte &- 0x30))
                // Digits that don't fit are left out; of whole numbers they still count as places.
                isFull = isFull || overflowed || carried
                if !isFull { significand = sum }
                if isFull != isFraction { exponent += isFull ? 1 : -1 }
            }
            position += 1
        }
        if position < end { exponent += writtenExponent(position + 1, end) }
        guard let value = Self.scaled(Double(significand), by: exponent) else { return nil }
        return isNegative ? -value : value
    }

    /// The exponent between `start` and `end`, held within what no double reaches.
    private func writtenExponent(_ start: Int, _ end: Int) -> Int {
        var position = start
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative || bytes[position] == UInt8(ascii: "+") { position += 1 }
        var exponent = 0
        while position < end {
            exponent = min(100_000, exponent * 10 + Int(bytes[position] &- 0x30))
            position += 1
        }
        return isNegative ? -exponent : exponent
    }

    /// A number times a power of ten, in one multiplication or division where that reaches.
    private static func scaled(_ number: Double, by exponent: Int) -> Double? {
        var (value, exponent) = (number, exponent)
        while exponent < -308, value != 0 {
            value /= 1e308
            exponent += 308
        }
        if value == 0 { return value }
        guard exponent <= 308 else { return nil }
        let product = exponent < 0 ? value / powers[-exponent] : value * powers[exponent]
        return product.isFinite ? product : nil
    }

    /// The doubles next to the powers of ten from 1 to 1e308.
    private static let powers: [Double] = (0...308).map { Double("1e\($0)") ?? .infinity }
}
