// Numbers of answers, held exactly: "0.50", "1/2" and "50 %" are told equal and 0.3333 isn't 1/3.
// A Double would call 0.1 + 0.2 wrong and 9007199254740993 right.
//
// Not here: finding numbers in a text (NumberReader.swift) and choosing among them
// (AnswerGrader.swift).

/// A rational number in lowest terms, perhaps written as a percentage.
public struct ExactNumber: Sendable, CustomStringConvertible {
    /// The number above the line; it carries the sign.
    public let numerator: Int128
    /// The number below the line, at least 1.
    public let denominator: Int128
    /// Whether it was written with a percent sign, which isn't counted in: of "50 %" the number is 50.
    public let isPercentage: Bool

    /// A fraction; nil where the denominator is 0 or the sign of a number can't be turned.
    public init?(_ numerator: Int128, over denominator: Int128 = 1, isPercentage: Bool = false) {
        guard denominator != 0, numerator != .min, denominator != .min else { return nil }
        let divisor = Self.greatestCommonDivisor(numerator.magnitude, denominator.magnitude)
        let sign: Int128 = denominator < 0 ? -1 : 1
        self.numerator = sign * (numerator / Int128(divisor))
        self.denominator = sign * (denominator / Int128(divisor))
        self.isPercentage = isPercentage
    }

    /// Digits with a point somewhere; nil where they are too many to be held.
    ///
    /// - Parameters:
    ///   - digits: Digits of the whole number and, behind it, of the decimals.
    ///   - decimals: How many of them stand behind the point; below 0 for zeros left out at the end.
    init?(digits: [UInt8], decimals: Int) {
        var digits = digits
        var decimals = decimals
        while decimals > 0, digits.last == 0 {
            digits.removeLast()
            decimals -= 1
        }
        var value: Int128 = 0
        for digit in digits {
            guard let next = Self.product(value, 10) else { return nil }
            let (sum, overflow) = next.addingReportingOverflow(Int128(digit))
            guard !overflow else { return nil }
            value = sum
        }
        guard let scale = Self.powerOfTen(abs(decimals)) else { return nil }
        if decimals >= 0 {
            self.init(value, over: scale)
        } else {
            guard let scaled = Self.product(value, scale) else { return nil }
            self.init(scaled)
        }
    }

    /// The number with the other sign.
    var negated: ExactNumber { ExactNumber(unchecked: -numerator, denominator, isPercentage) }

    /// The same number written as a percentage.
    var asPercentage: ExactNumber { ExactNumber(unchecked: numerator, denominator, true) }

    /// The sum; nil where it can't be held.
    func adding(_ other: ExactNumber) -> ExactNumber? {
        guard let left = Self.product(numerator, other.denominator),
            let right = Self.product(other.numerator, denominator),
            let below = Self.product(denominator, other.denominator)
        else { return nil }
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? nil : ExactNumber(sum, over: below)
    }

    /// The quotient; nil where it can't be held or the other number is 0.
    func divided(by other: ExactNumber) -> ExactNumber? {
        guard let above = Self.product(numerator, other.denominator),
            let below = Self.product(denominator, other.numerator)
        else { return nil }
        return ExactNumber(above, over: below)
    }

    /// The number times a power of ten; nil where it can't be held.
    func scaled(byPowerOfTen exponent: Int) -> ExactNumber? {
        guard let power = Self.powerOfTen(abs(exponent)) else { return nil }
        let factor = ExactNumber(power)
        guard exponent < 0 else {
            return Self.product(numerator, power).flatMap { ExactNumber($0, over: denominator) }
        }
        return factor.flatMap { divided(by: $0) }
    }

    /// Whether two numbers stand for one answer.
    ///
    /// They do when they are equal, and when one of them is a percentage and the other the same part of
    /// 1: of "50 %", both 50 and 0.5 are the same answer.
    public func isSameAnswer(as other: ExactNumber) -> Bool {
        if numerator == other.numerator, denominator == other.denominator { return true }
        guard isPercentage != other.isPercentage else { return false }
        let (percentage, plain) = isPercentage ? (self, other) : (other, self)
        guard let part = percentage.scaled(byPowerOfTen: -2) else { return false }
        return part.numerator == plain.numerator && part.denominator == plain.denominator
    }

    /// The shortest way of writing it: a whole number, or a fraction.
    public var description: String {
        "\(numerator)" + (denominator == 1 ? "" : "/\(denominator)") + (isPercentage ? "%" : "")
    }

    // MARK: - Arithmetic that says when it can't

    private init(unchecked numerator: Int128, _ denominator: Int128, _ isPercentage: Bool) {
        self.numerator = numerator
        self.denominator = denominator
        self.isPercentage = isPercentage
    }

    private static func product(_ left: Int128, _ right: Int128) -> Int128? {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? nil : product
    }

    private static func powerOfTen(_ exponent: Int) -> Int128? {
        // 10^38 is the largest that 127 bits hold.
        guard exponent <= 38 else { return nil }
        return (0..<exponent).reduce(1) { power, _ in power * 10 }
    }

    private static func greatestCommonDivisor(_ left: UInt128, _ right: UInt128) -> UInt128 {
        var (larger, smaller) = (left, right)
        while smaller != 0 { (larger, smaller) = (smaller, larger % smaller) }
        return larger
    }
}
