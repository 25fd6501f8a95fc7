// Numbers for people, the same in the terminal, the log and the page.

/// Texts of numbers.
public enum NumberText {
    /// `12,345`.
    public static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return (value < 0 ? "-" : "") + text
    }

    /// A number with a fixed count of decimals: `0.568`.
    public static func fixed(_ value: Double, decimals: Int) -> String {
        precondition((0...15).contains(decimals), "decimals \(decimals)")
        guard value.isFinite else { return special(value) }
        var power = 1.0
        for _ in 0..<decimals { power *= 10 }
        let scaled = (value.magnitude * power).rounded()
        guard scaled < 1e15 else { return value.description }
        let whole = Int(scaled)
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard decimals > 0 else { return sign + String(whole) }
        let digits =
            String(repeating: "0", count: max(0, decimals + 1 - String(whole).count))
            + String(whole)
        return "\(sign)\(digits.dropLast(decimals)).\(digits.suffix(decimals))"
    }

    /// A number with a fixed count of significant digits, with an exponent where it is very small
    /// or large: `0.0231`, `3.00e-05`.
    public static func significant(_ value: Double, digits: Int = 3) -> String {
        precondition((1...15).contains(digits), "digits \(digits)")
        guard value.isFinite else { return special(value) }
        guard value != 0 else { return "0" }
        var exponent = decimalExponent(value.magnitude)
        if exponent >= -4, exponent < max(digits, 6) {
            return fixed(value, decimals: min(15, max(0, digits - 1 - exponent)))
        }
        var mantissa = value / power(of: exponent)
        // Rounding may carry: 9.996e-5 is 1.00e-04.
        if fixed(mantissa.magnitude, decimals: digits - 1).hasPrefix("10") {
            mantissa /= 10
            exponent += 1
        }
        let size = exponent.magnitude
        return "\(fixed(mantissa, decimals: digits - 1))e\(exponent < 0 ? "-" : "+")"
            + (size < 10 ? "0" : "") + String(size)
    }

    /// A share in percent: `14 %`, `0.4 %`.
    public static func percent(_ share: Double) -> String {
        guard share.isFinite else { return special(share) }
        let value = share * 100
        return fixed(value, decimals: value.magnitude < 10 && value.magnitude > 0 ? 1 : 0) + " %"
    }

    /// A length of time: `0:07`, `12:03`, `2:05:09`.
    public static func clock(seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "-:--" }
        let total = Int(max(0, seconds).rounded())
        let (hours, minutes, rest) = (total / 3600, total / 60 % 60, total % 60)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
        return hours > 0
            ? "\(hours):\(two(minutes)):\(two(rest))" : "\(minutes):\(two(rest))"
    }

    private static func special(_ value: Double) -> String {
        value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
    }

    private static func decimalExponent(_ magnitude: Double) -> Int {
        var exponent = 0
        var rest = magnitude
        while rest >= 10 {
            rest /= 10
            exponent += 1
        }
        while rest < 1 {
            rest *= 10
            exponent -= 1
        }
        return exponent
    }

    private static func power(of exponent: Int) -> Double {
        var value = 1.0
        for _ in 0..<exponent.magnitude { value *= 10 }
        return exponent < 0 ? 1 / value : value
    }
}
