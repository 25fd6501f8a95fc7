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
        fMeasure(common: longestCommonSubsequence(left, right), left.count, right.count)
    }

    /// The F measure of two texts of so many words, with the length of their common part.
    static func fMeasure(common: Int, _ left: Int, _ right: Int) -> Double {
        guard left > 0, right > 0 else { return 0 }
        return 2 * Double(common) / Double(left + right)
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
