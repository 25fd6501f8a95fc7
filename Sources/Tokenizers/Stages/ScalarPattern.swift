// The plain regular expressions that normalisers replace by: `\s{2,}|[\n\r\t]`, ` {2,}`, `\n+`.
//
// Alternatives of single scalars and sets of them, of which the last may be repeated: so no match
// ever has to be tried again, and the first alternative that matches is the match, as it is for the
// reference's engine (Oniguruma). What is more than that is refused with its text.

/// A regular expression that is a choice of rows of scalars.
struct ScalarPattern: Sendable {
    /// A set of scalars.
    private struct Element: Sendable {
        var ranges: [ClosedRange<UInt32>] = []
        var hasSpace = false
        var isNegated = false
        var least = 1
        var most = 1

        func contains(_ scalar: UInt32) -> Bool {
            let isIn =
                ranges.contains { $0.contains(scalar) }
                || hasSpace && UnicodeTables.properties[Int(scalar)].contains(.whitespace)
            return isIn != isNegated
        }
    }

    private var alternatives: [[Element]] = []

    /// The pattern of an expression; nil where it isn't of this kind.
    init?(expression: String) {
        var reader = Reader(Array(expression.unicodeScalars.map(\.value)))
        repeat {
            var row: [Element] = []
            while let next = reader.peek, next != Reader.bar {
                if let last = row.last, last.least != last.most || last.most != 1 { return nil }
                guard var element = reader.element(), reader.quantify(&element) else { return nil }
                row.append(element)
            }
            guard !row.isEmpty else { return nil }
            alternatives.append(row)
        } while reader.skip(Reader.bar)
    }

    /// The end of the match that begins at `start`; nil where none does.
    func end(in bytes: [UInt8], from start: Int) -> Int? {
        alternatives.lazy.compactMap { Self.end($0, bytes, start) }.first
    }

    private static func end(_ row: [Element], _ bytes: [UInt8], _ start: Int) -> Int? {
        var position = start
        for element in row {
            var count = 0
            while count < element.most, position < bytes.count {
                let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: position)
                guard element.contains(scalar) else { break }
                position += length
                count += 1
            }
            if count < element.least { return nil }
        }
        return position
    }

    // MARK: Reading

    /// Reads the parts of an expression.
    private struct Reader {
        private let text: [UInt32]
        private var position = 0

        static let bar: UInt32 = 0x7C
        private static let backslash: UInt32 = 0x5C
        private static let openBracket: UInt32 = 0x5B
        private static let closeBracket: UInt32 = 0x5D
        private static let openBrace: UInt32 = 0x7B
        /// What means something outside a bracket.
        private static let signs = Set(".^$*+?()[]{}|\\".unicodeScalars.map(\.value))

        init(_ text: [UInt32]) {
            self.text = text
        }

        var peek: UInt32? { position < text.count ? text[position] : nil }

        mutating func skip(_ scalar: UInt32) -> Bool {
            guard peek == scalar else { return false }
            position += 1
            return true
        }

        private mutating func take() -> UInt32? {
            guard let scalar = peek else { return nil }
            position += 1
            return scalar
        }

        /// A scalar, an escape or a bracket; nil where there is something else.
        mutating func element() -> Element? {
            var element = Element()
            if skip(Self.openBracket) { return bracket() }
            if skip(Self.backslash) { return escape(&element) ? element : nil }
            guard let scalar = take(), !Self.signs.contains(scalar) else { return nil }
            element.ranges = [scalar...scalar]
            return element
        }

        /// Adds what stands behind a backslash.
        private mutating func escape(_ element: inout Element) -> Bool {
            guard let scalar = take() else { return false }
            switch Unicode.Scalar(scalar) {
            case "s": element.hasSpace = true
            case "n": element.ranges.append(0x0A...0x0A)
            case "t": element.ranges.append(0x09...0x09)
            case "r": element.ranges.append(0x0D...0x0D)
            case "f": element.ranges.append(0x0C...0x0C)
            case "v": element.ranges.append(0x0B...0x0B)
            default:
                // Of letters and digits many mean more.
                guard scalar < 0x80, let sign = Unicode.Scalar(scalar),
                    !sign.properties.isAlphabetic, sign.properties.numericType == nil
                else { return false }
                element.ranges.append(scalar...scalar)
            }
            return true
        }

        private mutating func bracket() -> Element? {
            var element = Element()
            element.isNegated = skip(0x5E)
            while let scalar = take(), scalar != Self.closeBracket {
                // Brackets in brackets, and `&&` between sets, are another language.
                if scalar == Self.openBracket || scalar == 0x26 { return nil }
                if scalar == Self.backslash {
                    guard escape(&element) else { return nil }
                    if peek == 0x2D, position + 1 < text.count,
                        text[position + 1] != Self.closeBracket
                    {
                        return nil
                    }
                    continue
                }
                guard peek == 0x2D, position + 1 < text.count,
                    text[position + 1] != Self.closeBracket
                else {
                    element.ranges.append(scalar...scalar)
                    continue
                }
                position += 1
                guard let last = take(), last >= scalar, last != Self.backslash,
                    last != Self.openBracket
                else { return nil }
                element.ranges.append(scalar...last)
            }
            let isEmpty = element.ranges.isEmpty && !element.hasSpace
            return isEmpty || text[position - 1] != Self.closeBracket ? nil : element
        }

        /// Reads `+`, `{2}`, `{2,}` or `{2,3}`; false where there is another sign of that kind.
        mutating func quantify(_ element: inout Element) -> Bool {
            if skip(0x2B) {
                element.most = .max
            } else if skip(Self.openBrace) {
                guard let least = number(), least > 0 else { return false }
                element.least = least
                element.most = least
                if skip(0x2C) { element.most = number() ?? .max }
                guard skip(0x7D), element.most >= least else { return false }
            }
            guard let next = peek else { return true }
            return ![0x2A, 0x2B, 0x3F, Self.openBrace].contains(next)
        }

        private mutating func number() -> Int? {
            var value: Int?
            while let digit = peek, 0x30...0x39 ~= digit, (value ?? 0) < 10_000 {
                value = (value ?? 0) * 10 + Int(digit - 0x30)
                position += 1
            }
            return value
        }
    }
}

extension NormalizedText {
    /// Replaces every match of a pattern, the leftmost first.
    mutating func replace(_ pattern: ScalarPattern, by content: [UInt8]) {
        var result: NormalizedText?
        var (position, done) = (0, 0)
        while position < bytes.count {
            guard let end = pattern.end(in: bytes, from: position) else {
                position += UTF8Bytes.length(first: bytes[position])
                continue
            }
            var replaced = result.take() ?? emptied()
            replaced.append(self, done..<position)
            // What comes in has the origin of the last scalar that goes.
            replaced.append(content, origin: origin(at: end - 1))
            result = replaced
            position = end
            done = end
        }
        guard var result else { return }
        result.append(self, done..<bytes.count)
        self = result
    }
}
