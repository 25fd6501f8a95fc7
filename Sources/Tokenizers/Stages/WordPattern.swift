// The regular expressions by which byte-level tokenizers cut words: GPT-2's, and the family of
// Llama-3's and Qwen's. Scanned by hand.
//
// Not a regular expression engine: the expressions that real files have are known by their text, any
// other is refused. Each of them matches something at every scalar, so words follow on each other
// without gaps. `\s+(?!\S)` leaves the last white space of a run to the word after it.

/// A known expression, as what its alternatives have that differs.
struct WordPattern: Sendable, Equatable {
    enum Contractions: Sendable {
        /// `'s`, `'re` in small letters.
        case small
        /// Capitals too, and the long s, which folds to `s`.
        case folded
        /// Capitals too, ASCII alone.
        case anyASCII
    }

    let contractions: Contractions
    /// Whether letters take any one scalar but digits and line ends before them, and signs the line
    /// ends after them; otherwise letters, numbers and signs take one space before them.
    let isModern: Bool
    /// The most digits of one word.
    let longestNumber: Int

    /// The expression of `ByteLevel`.
    static let gpt2 = WordPattern(contractions: .small, isModern: false, longestNumber: .max)

    init(contractions: Contractions, isModern: Bool, longestNumber: Int) {
        self.contractions = contractions
        self.isModern = isModern
        self.longestNumber = longestNumber
    }

    /// The alternatives in their order, each with the forms that it is written in.
    private static let smallForms = ["'s|'t|'re|'ve|'m|'ll|'d|", "'(?:[sdmt]|ll|ve|re)|"]
    private static let foldedForms = [
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|", "'(?i:[sdmt]|ll|ve|re)|",
    ]
    private static let asciiForms = [
        "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|"
    ]
    private static let modernLetters = [
        #"[^\r\n\p{L}\p{N}]?\p{L}+|"#, #"[^\r\n\p{L}\p{N}]?+\p{L}+|"#,
    ]
    private static let modernNumbers: [(form: String, longest: Int)] = [
        (#"\p{N}{1,3}|"#, 3), (#"\p{N}|"#, 1), (#"\p{N}+|"#, .max),
    ]
    private static let modernRest = [
        #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        #" ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
        #" ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#,
    ]
    private static let gpt2Rest = #" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// The pattern of an expression; nil where it isn't known.
    init?(expression: String) {
        func rest(_ text: Substring, after forms: [String]) -> Substring? {
            forms.first { text.hasPrefix($0) }.map { text.dropFirst($0.count) }
        }
        let kinds: [(Contractions, [String])] = [
            (.small, Self.smallForms), (.folded, Self.foldedForms), (.anyASCII, Self.asciiForms),
        ]
        for (contractions, forms) in kinds {
            guard let afterContractions = rest(expression[...], after: forms) else { continue }
            if contractions == .small, afterContractions == Self.gpt2Rest {
                self = .gpt2
                return
            }
            guard let afterLetters = rest(afterContractions, after: Self.modernLetters) else {
                continue
            }
            for (form, longest) in Self.modernNumbers where afterLetters.hasPrefix(form) {
                guard Self.modernRest.contains(String(afterLetters.dropFirst(form.count))) else {
                    continue
                }
                self.init(contractions: contractions, isModern: true, longestNumber: longest)
                return
            }
        }
        return nil
    }

    /// Appends the matches within a range, which cover it.
    func appendWords(_ bytes: [UInt8], _ range: Range<Int>, to words: inout [Range<Int>]) {
        var scanner = PatternScanner(bytes, end: range.upperBound)
        var start = range.lowerBound
        while start < range.upperBound {
            let end = matchEnd(&scanner, start)
            words.append(start..<end)
            start = end
        }
    }

    /// The end of the match that begins at `start`.
    @inline(__always)
    private func matchEnd(_ scanner: inout PatternScanner, _ start: Int) -> Int {
        let (scalar, next, kind) = scanner.scalar(at: start)
        if scalar == 0x27, let end = scanner.contractionEnd(next, contractions) { return end }
        if kind == .letter { return scanner.endOfRun(.letter, from: next) }
        let follows = isModern || scalar == 0x20 ? scanner.kind(at: next) : nil
        if follows == .letter, isModern ? kind != .number && !scanner.isLineEnd(start) : true {
            return scanner.endOfRun(.letter, from: next)
        }
        if kind == .number { return scanner.endOfNumber(from: next, longest: longestNumber) }
        if scalar == 0x20, follows == .sign || (follows == .number && !isModern) {
            return signsEnd(&scanner, follows == .sign ? .sign : .number, next)
        }
        if kind == .sign { return signsEnd(&scanner, .sign, next) }
        return scanner.endOfSpace(from: start, afterLineEnds: isModern)
    }

    @inline(__always)
    private func signsEnd(
        _ scanner: inout PatternScanner, _ kind: PatternScanner.Kind, _ start: Int
    ) -> Int {
        var end = scanner.endOfRun(kind, from: start)
        if isModern, kind == .sign { while scanner.isLineEnd(end) { end += 1 } }
        return end
    }
}

/// Runs of scalars of one kind.
struct PatternScanner {
    enum Kind {
        case letter, number, space
        /// Whatever is none of the others.
        case sign
    }

    private let bytes: [UInt8]
    private let end: Int
    private let properties = UnicodeTables.properties

    init(_ bytes: [UInt8], end: Int) {
        self.bytes = bytes
        self.end = end
    }

    @inline(__always)
    private func kind(of scalar: UInt32) -> Kind {
        let property = properties[Int(scalar)]
        if property.contains(.letter) { return .letter }
        if property.contains(.whitespace) { return .space }
        return property.contains(.number) ? .number : .sign
    }

    /// The scalar at `position`, where the next begins, and its kind.
    @inline(__always)
    func scalar(at position: Int) -> (value: UInt32, next: Int, kind: Kind) {
        let (scalar, length) = UTF8Bytes.scalar(in: bytes, at: position)
        return (scalar, position + length, kind(of: scalar))
    }

    /// The kind of the scalar at `position`; nil at the end.
    @inline(__always)
    func kind(at position: Int) -> Kind? {
        position < end ? kind(of: UTF8Bytes.scalar(in: bytes, at: position).value) : nil
    }

    @inline(__always)
    func isLineEnd(_ position: Int) -> Bool {
        position < end && (bytes[position] == 0x0A || bytes[position] == 0x0D)
    }

    /// The end of the scalars of one kind that begin at `start`.
    @inline(__always)
    func endOfRun(_ wanted: Kind, from start: Int) -> Int {
        var position = start
        while position < end {
            let (_, next, kind) = scalar(at: position)
            if kind != wanted { break }
            position = next
        }
        return position
    }

    /// The end of a number whose first digit is before `start`.
    func endOfNumber(from start: Int, longest: Int) -> Int {
        var position = start
        var count = 1
        while position < end, count < longest {
            let (_, next, kind) = scalar(at: position)
            if kind != .number { break }
            position = next
            count += 1
        }
        return position
    }

    /// The end of the white space that is one word: up to the last line end in it where those count,
    /// else all but the last scalar, unless the text ends or there is no other.
    func endOfSpace(from start: Int, afterLineEnds: Bool) -> Int {
        var position = start
        var last = start
        var afterLineEnd: Int?
        while position < end {
            let (_, next, kind) = scalar(at: position)
            if kind != .space { break }
            if isLineEnd(position) { afterLineEnd = next }
            last = position
            position = next
        }
        if afterLineEnds, let afterLineEnd { return afterLineEnd }
        return position == end || last == start ? position : last
    }

    /// The end of `s`, `t`, `m`, `d`, `re`, `ve` or `ll` at `start`.
    func contractionEnd(_ start: Int, _ contractions: WordPattern.Contractions) -> Int? {
        guard start < end else { return nil }
        func letter(_ position: Int) -> UInt8 {
            guard position < end else { return 0 }
            let byte = bytes[position]
            return contractions != .small && 0x41...0x5A ~= byte ? byte | 0x20 : byte
        }
        switch letter(start) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 1
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return letter(start + 1) == UInt8(ascii: "e") ? start + 2 : nil
        case UInt8(ascii: "l"):
            return letter(start + 1) == UInt8(ascii: "l") ? start + 2 : nil
        case 0xC5:  // the first byte of U+017F
            return contractions == .folded && letter(start + 1) == 0xBF ? start + 2 : nil
        default: return nil
        }
    }
}
