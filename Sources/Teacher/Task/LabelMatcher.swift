// A label in a teacher's words. The whole answer is the label, whatever stands around it; or exactly
// one label is named as a whole word and not denied. Anything else is no label: a guess would be
// taken for the teacher's opinion.

/// Words brought to a form in which they are compared.
enum LabelText {
    /// Without white space around, in lower case.
    static func folded(_ text: String) -> String {
        String(decoding: trimmed(Array(text.unicodeScalars)) { !$0.properties.isWhitespace })
            .lowercased()
    }

    /// Without punctuation, quotes and marks around, in lower case.
    static func bare(_ text: String) -> String {
        String(decoding: trimmed(Array(text.unicodeScalars), isWord)).lowercased()
    }

    /// Whether a scalar belongs to a word, hyphens and apostrophes not counted.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.properties.isAlphabetic || 0x30...0x39 ~= scalar.value }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            || scalar.properties.generalCategory == .nonspacingMark
            || scalar.properties.generalCategory == .spacingMark
    }

    /// Where the answer behind a model's thinking begins: bytes to pass over.
    static func behindThinking(_ text: String) -> Int {
        guard let end = text.range(ofLast: "</think>") else { return 0 }
        return end.upperBound
    }

    private static func trimmed(
        _ scalars: [Unicode.Scalar], _ isKept: (Unicode.Scalar) -> Bool
    ) -> ArraySlice<Unicode.Scalar> {
        guard let first = scalars.firstIndex(where: isKept),
            let last = scalars.lastIndex(where: isKept)
        else { return [] }
        return scalars[first...last]
    }
}

extension String {
    fileprivate init(decoding scalars: some Sequence<Unicode.Scalar>) {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        self = String(view)
    }

    /// The last place of an ASCII text, as a range of UTF-8 bytes.
    fileprivate func range(ofLast wanted: String) -> Range<Int>? {
        let bytes = Array(utf8)
        let pattern = Array(wanted.utf8)
        guard bytes.count >= pattern.count else { return nil }
        for start in stride(from: bytes.count - pattern.count, through: 0, by: -1)
        where bytes[start..<start + pattern.count].elementsEqual(pattern) {
            return start..<start + pattern.count
        }
        return nil
    }
}

/// Finds a task's labels in words.
struct LabelMatcher: Sendable {
    /// What was found.
    enum Match: Equatable {
        /// A label. `start`: the byte of the text behind everything that isn't it or marks around it;
        /// nil where that can't be told. `isWhole`: no mark stands behind it, and no longer label
        /// begins like it, so that nothing can be missing.
        case label(Int, start: Int?, isWhole: Bool)
        /// No label, or several; why, for the teacher to read.
        case unclear(String)
    }

    let labels: [String]
    private let folded: [String]
    private let bare: [String]
    private let words: [[Unicode.Scalar]]

    /// Words that introduce an answer.
    private static let introductions = ["label", "answer", "class", "category", "the label is"]
    /// Words that deny what follows.
    private static let denials: Set<String> = [
        "not", "no", "non", "never", "neither", "nor", "isn't", "isn’t", "cannot", "without",
    ]

    init(labels: [String]) {
        self.labels = labels
        folded = labels.map(LabelText.folded)
        bare = labels.map(LabelText.bare)
        words = folded.map { Array($0.unicodeScalars) }
    }

    /// The label whose name this is, whatever the case; nothing else may stand there.
    func index(of name: String) -> Int? {
        folded.firstIndex(of: LabelText.folded(name))
    }

    /// The label in an answer.
    func match(_ text: String) -> Match {
        let start = LabelText.behindThinking(text)
        let answer = start == 0 ? text : String(decoding: text.utf8.dropFirst(start), as: UTF8.self)
        if let index = whole(answer) {
            return .label(index, start: start, isWhole: isComplete(index, in: answer))
        }
        if let (behind, rest) = introduced(answer), let index = whole(rest) {
            return .label(index, start: start + behind, isWhole: isComplete(index, in: rest))
        }
        return named(in: answer, from: start)
    }

    private func whole(_ text: String) -> Int? {
        if let index = folded.firstIndex(of: LabelText.folded(text)) { return index }
        let words = LabelText.bare(text)
        guard !words.isEmpty else { return nil }
        let found = bare.indices.filter { bare[$0] == words }
        return found.count == 1 ? found[0] : nil
    }

    /// Whether a text is this label to the letter and can't become another: `yes,` may go on with
    /// `but no`, `bias` with ` free`.
    private func isComplete(_ index: Int, in text: String) -> Bool {
        LabelText.folded(text) == folded[index]
            && !folded.indices.contains { $0 != index && folded[$0].hasPrefix(folded[index]) }
    }

    /// What stands behind `Label:` and the like, and at which byte.
    private func introduced(_ text: String) -> (Int, String)? {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        guard Self.introductions.contains(LabelText.bare(String(text[..<colon]))) else {
            return nil
        }
        let behind = text.utf8.index(after: colon)
        return (text.utf8.distance(from: text.startIndex, to: behind), String(text[behind...]))
    }

    /// The only label that the text names as a whole word.
    private func named(in text: String, from offset: Int) -> Match {
        let lower = text.lowercased()
        let scalars = Array(lower.unicodeScalars)
        var places: [(label: Int, range: Range<Int>)] = []
        for (label, word) in words.enumerated() {
            for start in scalars.indices where isWholeWord(word, at: start, of: scalars) {
                places.append((label, start..<start + word.count))
            }
        }
        // A label within a longer one isn't named.
        places = places.filter { place in
            !places.contains {
                $0.range.count > place.range.count && $0.range.contains(place.range.lowerBound)
                    && $0.range.upperBound >= place.range.upperBound
            }
        }
        guard let first = places.first else {
            return .unclear("it names none of the labels")
        }
        let others = Set(places.map(\.label)).subtracting([first.label]).sorted()
        guard others.isEmpty else {
            let names = ([first.label] + others).map { "'\(labels[$0])'" }
            return .unclear("it names several labels: \(names.joined(separator: ", "))")
        }
        guard !places.contains(where: { isDenied($0.range.lowerBound, scalars) }) else {
            return .unclear("it denies the label '\(labels[first.label])'")
        }
        let earliest = places.map(\.range.lowerBound).min() ?? 0
        let before = scalars[..<earliest].reduce(0) { $0 + UTF8.width($1) }
        // Lower case may have another length; then nobody knows where the label began.
        let isSameLength = lower.utf8.count == text.utf8.count
        return .label(first.label, start: isSameLength ? offset + before : nil, isWhole: false)
    }

    private func isWholeWord(
        _ word: [Unicode.Scalar], at start: Int, of text: [Unicode.Scalar]
    ) -> Bool {
        let end = start + word.count
        guard end <= text.count, text[start] == word[0],
            text[start..<end].elementsEqual(word)
        else { return false }
        func joins(_ scalar: Unicode.Scalar) -> Bool {
            LabelText.isWord(scalar) || scalar == "-" || scalar == "_"
        }
        return (start == 0 || !joins(text[start - 1])) && (end == text.count || !joins(text[end]))
    }

    /// Whether one of the two words before says no.
    private func isDenied(_ start: Int, _ text: [Unicode.Scalar]) -> Bool {
        let before = String(decoding: text[..<start])
        return before.split(whereSeparator: \.isWhitespace).suffix(2).contains {
            Self.denials.contains(String($0)) || $0.hasSuffix("n't") || $0.hasSuffix("n’t")
        }
    }
}
