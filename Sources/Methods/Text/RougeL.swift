// ROUGE-L: how much of two texts is the same words in the same order.
// Reference: Lin 2004, ROUGE: A Package for Automatic Evaluation of Summaries; the numbers are those of
// Python's rouge-score 0.1.2, `RougeScorer(["rougeL"], use_stemmer=False)`.
//
//     P = LCS / words of one text,   R = LCS / words of the other,   F = 2PR / (P + R)
//
// Words as there: lower case, everything but letters and digits parts them. There only a-z and 0-9
// count; here letters and digits of all scripts do, so that texts in other languages can be compared.
// For ASCII texts both are the same.

/// ROUGE-L of two texts.
public enum RougeL {
    /// The words of a text, lower-cased.
    public static func words(_ text: String) -> [String] {
        text.lowercased().split { !($0.isLetter || $0.isNumber) }.map(String.init)
    }

    /// The F measure of two texts in words, from 0 to 1; 0 where one has no words.
    ///
    /// It is the same both ways round.
    public static func fMeasure<Word: Equatable>(_ left: [Word], _ right: [Word]) -> Double {
        guard !left.isEmpty, !right.isEmpty else { return 0 }
        let common = longestCommonSubsequence(left, right)
        return 2 * Double(common) / Double(left.count + right.count)
    }

    /// The F measure of two texts.
    public static func fMeasure(_ left: String, _ right: String) -> Double {
        fMeasure(words(left), words(right))
    }

    /// The length of the longest common subsequence, in the memory of one row.
    static func longestCommonSubsequence<Word: Equatable>(_ left: [Word], _ right: [Word]) -> Int {
        var row = [Int](repeating: 0, count: right.count + 1)
        for word in left {
            var diagonal = 0
            for column in right.indices {
                let above = row[column + 1]
                row[column + 1] = word == right[column] ? diagonal + 1 : max(above, row[column])
                diagonal = above
            }
        }
        return row[right.count]
    }
}

/// Lets texts through that are unlike all that it has seen.
public struct SimilarityGate {
    /// The highest ROUGE-L F measure that is let through.
    public let threshold: Double
    private var numbers: [String: Int32] = [:]
    private var seen: [[Int32]] = []

    /// A gate that has seen nothing.
    public init(threshold: Double) {
        self.threshold = threshold
    }

    /// Remembers a text.
    public mutating func add(_ text: String) {
        seen.append(encoded(text))
    }

    /// Whether a text is too near to one that was seen.
    public mutating func refuses(_ text: String) -> Bool {
        let words = encoded(text)
        return seen.contains { other in
            let sum = Double(words.count + other.count)
            // The common part is at most the shorter text: most pairs need no table.
            guard sum > 0, 2 * Double(min(words.count, other.count)) / sum > threshold else {
                return false
            }
            return RougeL.fMeasure(words, other) > threshold
        }
    }

    /// Words as numbers, which compare at once.
    private mutating func encoded(_ text: String) -> [Int32] {
        RougeL.words(text).map { word in
            if let known = numbers[word] { return known }
            let number = Int32(numbers.count)
            numbers[word] = number
            return number
        }
    }
}
