// Numbers as people and models write them, found in a text: signs, currency, groups of thousands,
// decimals, fractions (also mixed, of LaTeX and of Unicode), powers of ten, percentages, words of scale.
//
// Units behind a number and words for numbers ("five") aren't read. A minus sign that subtracts isn't a
// sign: of "9 - 3" and "9-3" the second number is 3.

/// A number and where it stands.
struct WrittenNumber {
    let value: ExactNumber
    /// Scalars of the text, from the sign or the currency to the percent sign.
    let range: Range<Int>
}

/// Reads the numbers of a text.
struct NumberReader {
    let text: [Unicode.Scalar]

    /// All numbers, in order.
    func numbers(in range: Range<Int>) -> [WrittenNumber] {
        var found: [WrittenNumber] = []
        var index = range.lowerBound
        while index < range.upperBound {
            guard let read = number(at: index) else {
                index += 1
                continue
            }
            // A number with more digits than can be held is passed over whole.
            if let value = read.value {
                found.append(WrittenNumber(value: value, range: index..<read.end))
            }
            index = read.end
        }
        return found
    }

    /// The number that begins here.
    func number(at start: Int) -> (value: ExactNumber?, end: Int)? {
        var index = start
        var isNegative = false
        if isSign(at: index) {
            isNegative = text[index] != "+"
            index += 1
            if peek(index) == " " { index += 1 }
        }
        if let end = currency(at: index) {
            index = end
            if let sign = peek(index), Self.minus.contains(sign) {
                isNegative = true
                index += 1
            }
        }
        guard let (magnitude, end) = magnitude(at: index) else { return nil }
        guard var value = magnitude else { return (nil, end) }
        var last = end
        if let (exponent, end) = powerOfTen(at: last) {
            last = end
            guard let scaled = value.scaled(byPowerOfTen: exponent) else { return (nil, last) }
            value = scaled
        }
        if let (exponent, end) = scaleWord(at: last) {
            last = end
            guard let scaled = value.scaled(byPowerOfTen: exponent) else { return (nil, last) }
            value = scaled
        }
        if isNegative { value = value.negated }
        if let end = percentSign(at: last) { return (value.asPercentage, end) }
        return (value, last)
    }

    // MARK: - Signs before

    private static let minus: [Unicode.Scalar] = ["-", "\u{2212}", "\u{2013}"]

    /// Whether a plus or minus here belongs to the number behind it.
    private func isSign(at index: Int) -> Bool {
        guard let mark = peek(index), mark == "+" || Self.minus.contains(mark) else { return false }
        var before = index - 1
        while before >= 0, text[before] == " " { before -= 1 }
        let previous = before >= 0 ? text[before] : nil
        // "- 5" is an item of a list, but "= - 5" a negative result.
        if peek(index + 1) == " " { return previous == "=" }
        guard let previous else { return true }
        let ends: [Unicode.Scalar] = [")", "]", "}", "%", "."]
        if previous.isDigit || (ends.contains(previous) && before == index - 1) { return false }
        return before < index - 1 || !previous.properties.isAlphabetic
    }

    /// The end of a currency sign and the spaces behind it.
    private func currency(at index: Int) -> Int? {
        var index = index
        if peek(index) == "\\", peek(index + 1) == "$" { index += 1 }
        let signs: [Unicode.Scalar] = ["$", "€", "£", "¥", "₹"]
        guard let sign = peek(index), signs.contains(sign) else { return nil }
        index += 1
        return peek(index) == " " ? index + 1 : index
    }

    // MARK: - Digits and fractions

    private func magnitude(at start: Int) -> (value: ExactNumber?, end: Int)? {
        if let fraction = latexFraction(at: start) ?? unicodeFraction(at: start) { return fraction }
        guard let (whole, end) = decimal(at: start) else { return nil }
        guard let whole else { return (nil, end) }
        if whole.denominator == 1 {
            // "2:00" is 2 o'clock and not a 2 and a 0.
            if matches(":00", at: end), peek(end + 3)?.isDigit != true { return (whole, end + 3) }
            if let (part, end) = fractionBehind(end) {
                return (part.flatMap { whole.adding($0) }, end)
            }
        }
        if let (quotient, end) = quotient(of: whole, start, end) { return (quotient, end) }
        return (whole, end)
    }

    /// "a/b" with nothing between; not part of a date, nor of "a/b/c" at all.
    private func quotient(
        of above: ExactNumber, _ start: Int, _ end: Int
    ) -> (value: ExactNumber?, end: Int)? {
        guard peek(end) == "/", peek(end + 1)?.isDigit == true, peek(start - 1) != "/",
            let (below, last) = decimal(at: end + 1), peek(last) != "/",
            let below, below.numerator != 0
        else { return nil }
        return (above.divided(by: below), last)
    }

    /// The fraction of a mixed number: "1 1/2", "1½", "1\frac{1}{2}".
    private func fractionBehind(_ end: Int) -> (value: ExactNumber?, end: Int)? {
        let start = peek(end) == " " ? end + 1 : end
        if let fraction = latexFraction(at: start) ?? unicodeFraction(at: start) { return fraction }
        guard start == end + 1, let (above, next) = decimal(at: start), let above,
            let (value, last) = quotient(of: above, start, next), let value,
            value.numerator < value.denominator, above.denominator == 1
        else { return nil }
        return (value, last)
    }

    /// Digits with groups of thousands and decimals; the value is nil where they are too many.
    private func decimal(at start: Int) -> (value: ExactNumber?, end: Int)? {
        var digits: [UInt8] = []
        var index = start
        while let digit = peek(index)?.digit {
            digits.append(digit)
            index += 1
        }
        while (1...3).contains(digits.count) || digits.count > 3 && index > start + digits.count,
            let group = groupOfThousand(at: index)
        {
            digits += group.digits
            index = group.end
        }
        var decimals = 0
        if peek(index) == ".", peek(index + 1)?.isDigit == true {
            index += 1
            while let digit = peek(index)?.digit {
                digits.append(digit)
                decimals += 1
                index += 1
            }
        }
        guard !digits.isEmpty else { return nil }
        return (ExactNumber(digits: digits, decimals: decimals), index)
    }

    /// ",123" and the ways in which LaTeX and typography write it; not the comma of "1, 2".
    private func groupOfThousand(at start: Int) -> (digits: [UInt8], end: Int)? {
        let marks = [",", "{,}", "\\,", "\u{202F}", "\u{00A0}", "\u{2009}"]
        guard let mark = marks.first(where: { matches($0, at: start) }) else { return nil }
        let first = start + mark.unicodeScalars.count
        let digits = (first..<first + 3).compactMap { peek($0)?.digit }
        guard digits.count == 3, peek(first + 3)?.isDigit != true else { return nil }
        return (digits, first + 3)
    }

    /// "\frac{a}{b}", also \dfrac and \tfrac, and "\frac12".
    private func latexFraction(at start: Int) -> (value: ExactNumber?, end: Int)? {
        let names = ["\\frac", "\\dfrac", "\\tfrac"]
        guard let name = names.first(where: { matches($0, at: start) }),
            let (above, middle) = argument(at: start + name.count),
            let (below, end) = argument(at: middle)
        else { return nil }
        return (above.divided(by: below), end)
    }

    private func argument(at start: Int) -> (value: ExactNumber, end: Int)? {
        if let digit = peek(start)?.digit, let value = ExactNumber(Int128(digit)) {
            return (value, start + 1)
        }
        guard peek(start) == "{", let read = number(at: start + 1), let value = read.value,
            peek(read.end) == "}"
        else { return nil }
        return (value, read.end + 1)
    }

    private func unicodeFraction(at index: Int) -> (value: ExactNumber?, end: Int)? {
        let fractions: [(Unicode.Scalar, Int128, Int128)] = [
            ("½", 1, 2), ("⅓", 1, 3), ("⅔", 2, 3), ("¼", 1, 4), ("¾", 3, 4), ("⅕", 1, 5),
            ("⅖", 2, 5), ("⅗", 3, 5), ("⅘", 4, 5), ("⅙", 1, 6), ("⅚", 5, 6), ("⅛", 1, 8),
            ("⅜", 3, 8), ("⅝", 5, 8), ("⅞", 7, 8),
        ]
        guard let found = fractions.first(where: { $0.0 == peek(index) }) else { return nil }
        return (ExactNumber(found.1, over: found.2), index + 1)
    }

    // MARK: - What stands behind

    /// "e6", "× 10^3", "\times 10^{3}": the exponent.
    private func powerOfTen(at start: Int) -> (exponent: Int, end: Int)? {
        if let mark = peek(start), mark == "e" || mark == "E",
            let (exponent, end) = exponent(at: start + 1),
            peek(end)?.properties.isAlphabetic != true
        {
            return (exponent, end)
        }
        var index = afterSpaces(start)
        let times = ["\\times", "\\cdot", "×", "·", "*", "x"]
        guard let sign = times.first(where: { matches($0, at: index) }) else { return nil }
        index = afterSpaces(index + sign.unicodeScalars.count)
        guard matches("10^", at: index) else { return nil }
        let isBraced = peek(index + 3) == "{"
        guard let (exponent, end) = exponent(at: index + (isBraced ? 4 : 3)) else { return nil }
        if isBraced { return peek(end) == "}" ? (exponent, end + 1) : nil }
        return (exponent, end)
    }

    private func exponent(at start: Int) -> (value: Int, end: Int)? {
        var index = start
        var sign = 1
        if let mark = peek(index), mark == "+" || Self.minus.contains(mark) {
            sign = mark == "+" ? 1 : -1
            index += 1
        }
        var value = 0
        let first = index
        while let digit = peek(index)?.digit, index < first + 3 {
            value = value * 10 + Int(digit)
            index += 1
        }
        return index > first ? (sign * value, index) : nil
    }

    private func scaleWord(at start: Int) -> (exponent: Int, end: Int)? {
        let index = afterSpaces(start)
        guard index > start else { return nil }
        let words = [("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12)]
        for (word, exponent) in words where matchesWord(word, at: index) {
            return (exponent, index + word.count)
        }
        return nil
    }

    private func percentSign(at start: Int) -> Int? {
        let index = afterSpaces(start)
        if peek(index) == "%" { return index + 1 }
        if matches("\\%", at: index) { return index + 2 }
        for word in ["percent", "per cent"] where matchesWord(word, at: index) {
            return index + word.count
        }
        return nil
    }

    // MARK: - Scalars

    private func peek(_ index: Int) -> Unicode.Scalar? {
        text.indices.contains(index) ? text[index] : nil
    }

    private func afterSpaces(_ start: Int) -> Int {
        var index = start
        while peek(index) == " " { index += 1 }
        return index
    }

    private func matches(_ word: String, at index: Int) -> Bool {
        text[min(max(index, 0), text.count)...].starts(with: word.unicodeScalars)
    }

    private func matchesWord(_ word: String, at index: Int) -> Bool {
        let end = index + word.count
        guard end <= text.count, peek(end)?.properties.isAlphabetic != true else { return false }
        return zip(text[index..<end], word.unicodeScalars).allSatisfy { $0.lowercased == $1 }
    }
}

extension Unicode.Scalar {
    /// What a decimal digit of ASCII stands for.
    var digit: UInt8? { isDigit ? UInt8(value - 0x30) : nil }
    var isDigit: Bool { ("0"..."9").contains(self) }
    /// The small letter of an ASCII letter; other scalars as they are.
    var lowercased: Unicode.Scalar {
        ("A"..."Z").contains(self) ? Unicode.Scalar(UInt8(value + 0x20)) : self
    }
}
