// Whether a text is too near to any of very many, by ROUGE-L: the same verdicts as comparing it with each
// of them in turn, and not their number of comparisons.
//
// A text of m words is refused by one of n words when F = 2 LCS / (m + n) is above the threshold: when LCS is
// at least some L(n), which grows with n. Three bounds, from the cheapest on:
//
//   1. LCS is at most the shorter text: most lengths n can't refuse at all.
//   2. LCS is at most the number of words that both have. Who shares none of the m - L + 1 rarest words
//      shares at most L - 1 (the prefix filter of Chaudhuri, Ganti, Kaushik 2006); so only texts in the lists
//      of those rare words are looked at, L being that of the shortest n that can refuse.
//   3. The LCS itself is computed for 64 words at a time in the bits of integers (Hyyrö 2004).
//
// L(n) is found with the very expression that `RougeL.fMeasure` computes, so rounding is the same too.

/// Lets texts through that are unlike all that it has seen.
public struct SimilarityGate {
    /// The highest ROUGE-L F measure that is let through.
    public let threshold: Double
    /// How many texts it has seen.
    public private(set) var count = 0
    private var numbers: [String: Int32] = [:]
    /// The words of all texts, one after the other, and where each text begins.
    private var words: [Int32] = []
    private var starts = [0]
    /// The texts that have a word, each once, in order.
    private var lists: [[Int32]] = []
    /// How many texts have each number of words.
    private var countOfLength: [Int] = []
    /// The query that a text was last looked at for.
    private var visited: [Int32] = []
    private var query: Int32 = 0
    private var pattern = WordPattern()

    /// A gate that has seen nothing.
    ///
    /// - Parameter threshold: From 0 on.
    public init(threshold: Double) {
        precondition(threshold >= 0, "threshold \(threshold)")
        self.threshold = threshold
    }

    /// Remembers a text.
    public mutating func add(_ text: String) {
        let own = encoded(text)
        for (place, word) in own.enumerated() where !own[..<place].contains(word) {
            lists[Int(word)].append(Int32(count))
        }
        words += own
        starts.append(words.count)
        visited.append(0)
        while countOfLength.count <= own.count { countOfLength.append(0) }
        countOfLength[own.count] += 1
        count += 1
    }

    /// Whether a text is too near to one that was seen.
    public mutating func refuses(_ text: String) -> Bool {
        let own = encoded(text)
        // For each length of other text the shortest common part that refuses; 0 where none does.
        let needed = countOfLength.indices.map { length in
            countOfLength[length] > 0 ? shortestRefusal(own.count, length) : 0
        }
        guard let least = needed.filter({ $0 > 0 }).min() else { return false }
        pattern.begin(own, vocabulary: lists.count)
        defer { pattern.end(own) }
        query += 1
        let rarest = own.sorted { lists[Int($0)].count < lists[Int($1)].count }
        var last: Int32 = -1
        for word in rarest.prefix(own.count - least + 1) where word != last {
            last = word
            for other in lists[Int(word)] where visited[Int(other)] != query {
                visited[Int(other)] = query
                let range = starts[Int(other)]..<starts[Int(other) + 1]
                let least = needed[range.count]
                if least > 0, pattern.commonLength(words, range) >= least { return true }
            }
        }
        return false
    }

    /// The least common part with which two texts of so many words refuse each other; 0 where none does.
    private func shortestRefusal(_ left: Int, _ right: Int) -> Int {
        let most = min(left, right)
        func refuses(_ common: Int) -> Bool {
            RougeL.fMeasure(common: common, left, right) > threshold
        }
        guard most > 0, refuses(most) else { return 0 }
        // Where it must lie, but for rounding.
        var least = min(most, max(1, Int(threshold * Double(left + right) / 2)))
        while least > 1, refuses(least - 1) { least -= 1 }
        while !refuses(least) { least += 1 }
        return least
    }

    /// Words as numbers, which compare at once.
    private mutating func encoded(_ text: String) -> [Int32] {
        RougeL.words(text).map { word in
            if let known = numbers[word] { return known }
            let number = Int32(numbers.count)
            numbers[word] = number
            lists.append([])
            return number
        }
    }
}

/// A text against which many others are held: the length of the longest common subsequence, 64 rows of
/// its table at a time.
private struct WordPattern {
    /// For each word of the vocabulary its number in this text, from 1; 0 where the text lacks it.
    private var own: [Int32] = []
    /// For each of its words the places where it stands, as bits; `blocks` integers each, none for 0.
    private var places: [UInt64] = []
    private var blocks = 1
    private var length = 0

    /// Takes a text.
    mutating func begin(_ words: [Int32], vocabulary: Int) {
        length = words.count
        blocks = max(1, (words.count + 63) / 64)
        while own.count < vocabulary { own.append(0) }
        places = [UInt64](repeating: 0, count: (words.count + 1) * blocks)
        var last: Int32 = 0
        for (place, word) in words.enumerated() {
            if own[Int(word)] == 0 {
                last += 1
                own[Int(word)] = last
            }
            places[Int(own[Int(word)]) * blocks + place / 64] |= 1 << UInt64(place % 64)
        }
    }

    /// Forgets the text.
    mutating func end(_ words: [Int32]) {
        for word in words { own[Int(word)] = 0 }
    }

    /// The length of the longest common subsequence with a range of words.
    func commonLength(_ words: [Int32], _ range: Range<Int>) -> Int {
        guard blocks == 1 else { return commonLengthOfLong(words, range) }
        // The table's column: a bit is 0 where the length grows.
        var column = UInt64.max
        for index in range {
            let matches = column & places[Int(own[Int(words[index])])]
            column = (column &+ matches) | (column & ~matches)
        }
        return (~column & Self.rows(length)).nonzeroBitCount
    }

    /// The same for texts of more than 64 words: the sum carries from one integer into the next.
    private func commonLengthOfLong(_ words: [Int32], _ range: Range<Int>) -> Int {
        var column = [UInt64](repeating: .max, count: blocks)
        for index in range {
            let first = Int(own[Int(words[index])]) * blocks
            var carry: UInt64 = 0
            for block in 0..<blocks {
                let old = column[block]
                let matches = old & places[first + block]
                let (half, overflow) = old.addingReportingOverflow(matches)
                let (sum, another) = half.addingReportingOverflow(carry)
                carry = overflow || another ? 1 : 0
                column[block] = sum | (old & ~matches)
            }
        }
        return column.indices.reduce(0) { count, block in
            count + (~column[block] & Self.rows(length - 64 * block)).nonzeroBitCount
        }
    }

    /// The lowest bits, as many as rows are left.
    private static func rows(_ count: Int) -> UInt64 {
        count >= 64 ? .max : (1 << UInt64(count)) - 1
    }
}
