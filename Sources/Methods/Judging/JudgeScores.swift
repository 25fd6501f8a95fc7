// Two scores out of a judge's reply. A pure function of the text, so that a better reader re-reads what
// was paid for.
//
// Asked for are two last lines, `Score of answer 1: 8` and `Score of answer 2: 6.5`; judges say it otherwise
// too, and three forms are read, in this order:
//
//     8 6.5                        the first line, nothing but two numbers (commas and brackets may be there)
//     Assistant 1: 8/10            two lines, one below the other, the last such pair of the reply: a name with
//     Assistant 2: 6.5             1 and one with 2, a colon, a number
//     (8, 6.5)                     the last line
//
// Of a reply that was cut the last line counts for nothing: `1` may have been going to be `10`.

/// The scores of the two answers in the order in which they were shown, each from 1 to 10.
struct JudgeScores: Equatable {
    let first: Double
    let second: Double

    init(_ first: Double, _ second: Double) {
        self.first = first
        self.second = second
    }

    /// Reads a reply; nil where no two scores are told.
    init?(_ reply: String, isCut: Bool) {
        var lines = reply.split(whereSeparator: \.isNewline).map(\.trimmed).filter { !$0.isEmpty }
        if isCut, !lines.isEmpty { lines.removeLast() }
        guard let head = lines.first, let tail = lines.last else { return nil }
        let named = lines.indices.dropLast().reversed().lazy.compactMap { index in
            Self.named(lines[index], lines[index + 1])
        }
        guard let scores = Self.bare(head) ?? named.first ?? Self.bare(tail) else { return nil }
        self = scores
    }

    /// A line of two numbers.
    private static func bare(_ line: String) -> JudgeScores? {
        let words = line.split { $0.isWhitespace || ",;()[]*".contains($0) }
        let numbers = words.compactMap(score)
        guard words.count == 2, numbers.count == 2 else { return nil }
        return JudgeScores(numbers[0], numbers[1])
    }

    /// Two lines, each with a name and a number.
    private static func named(_ upper: String, _ lower: String) -> JudgeScores? {
        guard let first = value(of: "1", upper), let second = value(of: "2", lower) else {
            return nil
        }
        return JudgeScores(first, second)
    }

    /// What stands behind the colon of a line whose name holds one number, which is the answer's.
    private static func value(of answer: String, _ line: String) -> Double? {
        guard let colon = line.lastIndex(of: ":") else { return nil }
        let numbers = line[..<colon].split { !$0.isNumber }
        guard numbers == [answer[...]] else { return nil }
        var words = line[line.index(after: colon)...]
            .split { $0.isWhitespace || "*`()[]".contains($0) }
        // `8/10` and `8 out of 10` are 8.
        if words.suffix(3) == ["out", "of", "10"] { words.removeLast(3) }
        guard words.count == 1 else { return nil }
        let word = words[0].hasSuffix(".") ? words[0].dropLast() : words[0]
        return score(word.hasSuffix("/10") ? word.dropLast(3) : word)
    }

    private static func score(_ word: Substring) -> Double? {
        let digits = word.hasSuffix(".") ? word.dropLast() : word
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
            let score = Double(digits), (1...10).contains(score)
        else { return nil }
        return score
    }
}
