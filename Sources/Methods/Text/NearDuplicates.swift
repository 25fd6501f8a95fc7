// Which of many texts is nearly a given one, by ROUGE-L, without comparing it with all of them.
//
// F = 2 LCS / (n + m) > t needs LCS > t n / (2 - t), whatever m is, and so as many words in common. Two texts
// with c words in common share one among the n - c + 1 first of each, in any one order of words: each text
// is filed under those alone (Chaudhuri et al. 2006, A primitive operator for similarity joins). With
// rare words first there are few to look at. No pair is missed: it is exact, and what it finds is compared
// by ROUGE-L itself.

/// Texts by which near ones are found.
struct NearDuplicates {
    /// The highest ROUGE-L F measure that counts as another text.
    let threshold: Double
    /// How common a word is; those that aren't here are rarer than all.
    private let commonness: [String: Int]
    private var numbers: [String: Int32] = [:]
    private var texts: [[Int32]] = []
    /// Texts by a word of their beginning in the order of rarity, with how often it occurred before.
    private var filed: [Mark: [Int]] = [:]

    private struct Mark: Hashable {
        let word: Int32
        let occurrence: Int32
    }

    /// No texts yet.
    ///
    /// - Parameters:
    ///   - threshold: The highest F measure that counts as another text; below 1.
    ///   - texts: Words that show how common each is; it changes the speed alone.
    init(threshold: Double, like texts: [[String]]) {
        self.threshold = threshold
        var counts: [String: Int] = [:]
        for text in texts { for word in text { counts[word, default: 0] += 1 } }
        commonness = counts
    }

    /// How many texts there are.
    var count: Int { texts.count }

    /// Files a text by its words; its number is how many there were.
    mutating func add(_ text: [String]) {
        let (words, marks) = encoded(text)
        for mark in marks { filed[mark, default: []].append(texts.count) }
        texts.append(words)
    }

    /// The number of a text that is nearly this one; of several the first.
    mutating func near(_ text: [String]) -> Int? {
        let (words, marks) = encoded(text)
        var candidates: Set<Int> = []
        for mark in marks { candidates.formUnion(filed[mark] ?? []) }
        return candidates.sorted().first { number in
            let other = texts[number]
            // The common part is at most the shorter text.
            let most = 2 * Double(min(words.count, other.count))
            guard most > threshold * Double(words.count + other.count) else { return false }
            return RougeL.fMeasure(words, other) > threshold
        }
    }

    private mutating func encoded(_ words: [String]) -> (words: [Int32], marks: [Mark]) {
        var encoded: [Int32] = []
        var seen: [Int32: Int32] = [:]
        var marks: [(commonness: Int, mark: Mark)] = []
        for word in words {
            let number = numbers[word] ?? Int32(numbers.count)
            numbers[word] = number
            encoded.append(number)
            let occurrence = seen[number, default: 0]
            seen[number] = occurrence + 1
            marks.append(
                (commonness[word] ?? 0, Mark(word: number, occurrence: occurrence)))
        }
        marks.sort {
            ($0.commonness, $0.mark.word, $0.mark.occurrence)
                < ($1.commonness, $1.mark.word, $1.mark.occurrence)
        }
        // At least so many words in common; a little less, so that rounding loses none.
        let needed = threshold * Double(words.count) / (2 - threshold) - 1e-9
        let kept = max(0, min(words.count, words.count - Int(needed.rounded(.up)) + 1))
        return (encoded, marks.prefix(kept).map(\.mark))
    }
}
