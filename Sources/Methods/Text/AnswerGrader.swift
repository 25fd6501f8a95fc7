// What number an answer ends in, and whether it is the right one.
//
// An answer that states its result is taken at its word, whatever numbers follow; only where nothing is
// stated the last number counts. The ways of stating a result, the strongest first:
//
//     #### 42                     (Cobbe et al. 2021, arXiv 2110.14168); the first one: a student that
//                                 goes on behind it has begun another question
//     \boxed{42}                  (Hendrycks et al. 2021, arXiv 2103.03874); the last one
//     The answer is 42.           also "Final answer: 42", "Answer: 42", "A: 42"; the last one
//     **42**                      in the last paragraph; the last one
//
// Numbers are compared exactly. Units are left out: whoever asks for dollars and is told cents has been
// told another number.

/// Finds the final number of worked answers.
public struct AnswerGrader: Sendable {
    /// A grader; it has no options.
    public init() {}

    /// The number of a reference answer, which is read as an answer is; nil where it has none.
    public func gold(of reference: String) -> ExactNumber? { answer(in: reference) }

    /// The number that a text gives as its result; nil where there is no number in it.
    public func answer(in text: String) -> ExactNumber? {
        StatedAnswer(text).value
    }

    /// Whether a text gives that number as its result.
    public func isRight(_ text: String, gold: ExactNumber) -> Bool {
        answer(in: text)?.isSameAnswer(as: gold) ?? false
    }
}

/// A text in which a result is looked for.
private struct StatedAnswer {
    private let text: [Unicode.Scalar]
    private let reader: NumberReader

    init(_ text: String) {
        self.text = Self.withoutCalculations(Array(text.unicodeScalars))
        reader = NumberReader(text: self.text)
    }

    var value: ExactNumber? {
        hashes ?? boxed ?? named ?? bold ?? reader.numbers(in: 0..<text.count).last?.value
    }

    /// GSM8K's notes to a calculator, "<<9*2=18>>18", hold numbers that aren't the text's.
    private static func withoutCalculations(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var kept: [Unicode.Scalar] = []
        var index = 0
        while index < text.count {
            if text[index] == "<", index + 1 < text.count, text[index + 1] == "<",
                let end = text[index...].firstIndex(where: { $0 == ">" || $0 == "\n" }),
                text[end] == ">", end + 1 < text.count, text[end + 1] == ">"
            {
                index = end + 2
            } else {
                kept.append(text[index])
                index += 1
            }
        }
        return kept
    }

    // MARK: - Ways of stating a result

    private var hashes: ExactNumber? {
        var last: ExactNumber?
        for start in occurrences(of: "####") {
            let line = start + 4..<lineEnd(start)
            if let value = openingNumber(of: line) { return value }
            // Markdown's small headings begin with hashes too, but nothing ends with one.
            let rest = text[line.upperBound...]
            if rest.allSatisfy(\.properties.isWhitespace) { last = statement(line) }
        }
        return last
    }

    private var boxed: ExactNumber? {
        for name in ["\\boxed", "\\fbox"] {
            for start in occurrences(of: name).reversed() {
                var index = start + name.count
                while index < text.count, text[index] == " " { index += 1 }
                guard index < text.count, text[index] == "{" else { continue }
                var depth = 0
                var end = index
                while end < text.count {
                    depth += text[end] == "{" ? 1 : text[end] == "}" ? -1 : 0
                    if depth == 0 { break }
                    end += 1
                }
                if let value = statement(index + 1..<end) { return value }
            }
        }
        return nil
    }

    private var named: ExactNumber? {
        let stated = (occurrences(of: "answer") + occurrences(of: "a:")).sorted()
        for start in stated.reversed() {
            guard start == 0 || !text[start - 1].properties.isAlphabetic else { continue }
            let isShort = text[start].lowercased == "a" && text[start + 1] == ":"
            if isShort {
                guard text[lineStart(start)..<start].allSatisfy(isMarkup) else { continue }
            }
            guard let colon = isShort ? start + 2 : endOfNaming(start + 6) else { continue }
            if let value = statement(colon..<sentenceEnd(colon)) { return value }
            if let line = lineBelow(colon), let value = statement(line) { return value }
        }
        return nil
    }

    private var bold: ExactNumber? {
        let start = lastParagraph
        let marks = occurrences(of: "**").filter { $0 >= start }
        var index = marks.count / 2 * 2 - 2
        while index >= 0 {
            let (open, close) = (marks[index] + 2, marks[index + 1])
            // "**Step 2:**" and "**Step 2**:" head what comes behind them.
            let isHeading =
                close > open && text[close - 1] == ":"
                || close + 2 < text.count && text[close + 2] == ":"
            if !isHeading, let value = statement(open..<max(open, close)) { return value }
            index -= 2
        }
        return nil
    }

    // MARK: - The number of a statement

    /// The number that a statement begins with, or, of a sentence, the one it ends with.
    private func statement(_ range: Range<Int>) -> ExactNumber? {
        openingNumber(of: range) ?? reader.numbers(in: range).last?.value
    }

    /// The number that a statement begins with; of an equation, its result.
    private func openingNumber(of range: Range<Int>) -> ExactNumber? {
        var start = range.lowerBound
        while start < range.upperBound, isMarkup(text[start]) || opensFormula(start) { start += 1 }
        let numbers = reader.numbers(in: start..<range.upperBound)
        guard let first = numbers.first, first.range.lowerBound == start else { return nil }
        let behind = text[first.range.upperBound..<range.upperBound]
        // "1. Compute ..." heads a step.
        if behind.count > 2, behind.first == "." || behind.first == ")",
            behind.dropFirst(2).contains(where: \.properties.isAlphabetic)
        {
            return nil
        }
        guard let sign = behind.lastIndex(of: "=") else { return first.value }
        return numbers.first { $0.range.lowerBound > sign }?.value ?? first.value
    }

    /// Spaces, emphasis, quotes, brackets and "about": what may stand before a result.
    private func isMarkup(_ scalar: Unicode.Scalar) -> Bool {
        let marks: [Unicode.Scalar] = [
            "*", "_", "`", "#", ":", "(", "[", "\"", "'", "\u{201C}", "\u{2248}", "~", ">", "=",
        ]
        return scalar.properties.isWhitespace || marks.contains(scalar)
    }

    /// The backslash of "\\(" and "\\["; that of "\\frac" belongs to the number.
    private func opensFormula(_ index: Int) -> Bool {
        text[index] == "\\" && index + 1 < text.count && ["(", "["].contains(text[index + 1])
    }

    // MARK: - Places

    private func occurrences(of word: String) -> [Int] {
        let word = Array(word.unicodeScalars)
        var found: [Int] = []
        var index = 0
        while index + word.count <= text.count {
            if zip(text[index..<index + word.count], word).allSatisfy({ $0.lowercased == $1 }) {
                found.append(index)
                index += word.count
            } else {
                index += 1
            }
        }
        return found
    }

    /// Behind "answer": where the result begins, after ":", "is" or "="; nil where none of them follows.
    private func endOfNaming(_ start: Int) -> Int? {
        guard start == text.count || !text[start].properties.isAlphabetic else { return nil }
        let end = min(lineEnd(start), start + 120)
        // "answer to the question is", but not "answer we have to know what is".
        let between = text[start..<end].drop(while: { isMarkup($0) || $0 == "," })
            .prefix(while: \.properties.isAlphabetic)
        let links = [
            "", "be", "equals", "for", "here", "in", "is", "must", "of", "should", "then",
            "therefore",
            "thus", "to", "will", "would",
        ]
        var word = String.UnicodeScalarView()
        word.append(contentsOf: between.map(\.lowercased))
        guard links.contains(String(word)) else { return nil }
        var index = start
        while index < end {
            let scalar = text[index]
            if scalar == ":" || scalar == "=" { return index + 1 }
            if scalar == ".", index + 1 >= end || text[index + 1] == " " { return nil }
            for word in ["is", "be", "equals"] where isWord(word, at: index) {
                return index + word.count
            }
            index += 1
        }
        // "## Final answer" on a line of its own.
        return text[start..<lineEnd(start)].allSatisfy(isMarkup) ? lineEnd(start) : nil
    }

    private func isWord(_ word: String, at index: Int) -> Bool {
        let end = index + word.count
        guard end <= text.count, index > 0, !text[index - 1].properties.isAlphabetic,
            end == text.count || !text[end].properties.isAlphabetic
        else { return false }
        return zip(text[index..<end], word.unicodeScalars).allSatisfy { $0.lowercased == $1 }
    }

    private func lineStart(_ index: Int) -> Int {
        (text[..<index].lastIndex(of: "\n") ?? -1) + 1
    }

    private func lineEnd(_ index: Int) -> Int {
        text[min(index, text.count)...].firstIndex(of: "\n") ?? text.count
    }

    /// The end of the sentence: a point with no digit behind it, or the line's end.
    private func sentenceEnd(_ start: Int) -> Int {
        let end = lineEnd(start)
        return (start..<end).first {
            text[$0] == "." && ($0 + 1 == end || text[$0 + 1] == " ")
        } ?? end
    }

    /// The next line with something on it, where the rest of this one has nothing.
    private func lineBelow(_ start: Int) -> Range<Int>? {
        var index = lineEnd(start)
        guard text[start..<index].allSatisfy(isMarkup) else { return nil }
        while index < text.count, text[index].properties.isWhitespace { index += 1 }
        return index < text.count ? index..<sentenceEnd(index) : nil
    }

    /// Where the last paragraph with something in it begins.
    private var lastParagraph: Int {
        var end = text.count
        while end > 0, text[end - 1].properties.isWhitespace { end -= 1 }
        var index = end
        while index > 1, !(text[index - 1] == "\n" && text[index - 2] == "\n") { index -= 1 }
        return index > 1 ? index : 0
    }
}
