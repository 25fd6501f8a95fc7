// EDA: four cheap edits of a text that leave its class alone.
// Reference: Wei and Zou 2019, EDA: Easy Data Augmentation Techniques for Boosting Performance on Text
// Classification Tasks (arXiv 1901.11196) and its published code.
//
// As there: n = max(1, alpha x words) words are changed by an edit, each edit makes a quarter of the new
// texts and one, the new texts are shuffled and the first of them kept. Synonyms come from a file of the
// user instead of WordNet, words keep their case and their punctuation, and the original isn't among the
// new texts. It is for words with spaces between them.

import Corpus

/// The edits of EDA.
public enum EasyDataEdit: String, Sendable, CaseIterable {
    /// Words give way to synonyms.
    case synonym
    /// Synonyms of words are put in at random places.
    case insertion
    /// Pairs of words change places.
    case swap
    /// Words are left out.
    case deletion
}

/// Makes new texts of a text.
public struct EasyDataAugmentation: Sendable {
    /// The edits that are made, in the order of their quarters.
    public let edits: [EasyDataEdit]
    /// The share of the words that an edit changes.
    public let share: Double
    /// The words' synonyms.
    public let synonyms: SynonymTable
    private let seed: UInt64

    /// An augmentation.
    ///
    /// - Parameters:
    ///   - edits: The edits to make; synonym and insertion need synonyms.
    ///   - share: The share of the words that an edit changes, EDA's alpha.
    ///   - synonyms: The synonyms.
    ///   - seed: Where its random numbers start.
    public init(
        edits: [EasyDataEdit] = EasyDataEdit.allCases, share: Double = 0.1,
        synonyms: SynonymTable, seed: UInt64
    ) {
        self.edits = edits
        self.share = share
        self.synonyms = synonyms
        self.seed = seed
    }

    /// New texts of a text: at most `count`, all different from it and from each other.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - index: Its number in its data set, by which random numbers are keyed.
    ///   - count: How many are wanted.
    public func texts(of text: String, index: Int, count: Int) -> [String] {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard !words.isEmpty, !edits.isEmpty, count > 0 else { return [] }
        var random = WordDraws(CounterRandom(seed: seed, UInt64(index), 0x6564_6121))
        let each = count / edits.count + 1
        var made: [String] = []
        for edit in edits {
            for _ in 0..<each {
                let new = edited(words, edit, &random).joined(separator: " ")
                if new != text, !new.isEmpty, !made.contains(new) { made.append(new) }
            }
        }
        random.shuffle(&made)
        return Array(made.prefix(count))
    }

    /// A text's words after one edit.
    func edited(_ words: [String], _ edit: EasyDataEdit, _ random: inout WordDraws) -> [String] {
        let changes = max(1, Int(share * Double(words.count)))
        switch edit {
        case .synonym: return replaced(words, changes, &random)
        case .insertion: return inserted(words, changes, &random)
        case .swap: return swapped(words, changes, &random)
        case .deletion: return deleted(words, &random)
        }
    }

    /// Random different words, until `changes` of them had synonyms; all places of a word change.
    private func replaced(
        _ words: [String], _ changes: Int, _ random: inout WordDraws
    ) -> [String] {
        var distinct: [String] = []
        for word in words where !distinct.contains(word) { distinct.append(word) }
        random.shuffle(&distinct)
        var words = words
        var left = changes
        for word in distinct where left > 0 {
            guard let synonym = synonym(of: word, &random) else { continue }
            words = words.map { $0 == word ? synonym : $0 }
            left -= 1
        }
        return words
    }

    private func inserted(
        _ words: [String], _ changes: Int, _ random: inout WordDraws
    ) -> [String] {
        var words = words
        for _ in 0..<changes {
            // As published: ten words are looked at before it gives up.
            for _ in 0..<10 {
                let word = words[random.below(words.count)]
                guard let synonym = synonym(of: word, &random) else { continue }
                words.insert(synonym, at: random.below(words.count + 1))
                break
            }
        }
        return words
    }

    private func swapped(
        _ words: [String], _ changes: Int, _ random: inout WordDraws
    ) -> [String] {
        guard words.count > 1 else { return words }
        var words = words
        for _ in 0..<changes {
            let first = random.below(words.count)
            // Another place, each as likely.
            let second = (first + 1 + random.below(words.count - 1)) % words.count
            words.swapAt(first, second)
        }
        return words
    }

    private func deleted(_ words: [String], _ random: inout WordDraws) -> [String] {
        guard words.count > 1 else { return words }
        let kept = words.filter { _ in random.uniform() >= share }
        return kept.isEmpty ? [words[random.below(words.count)]] : kept
    }

    /// A synonym with the word's own capital and punctuation; nil where none is known.
    private func synonym(of word: String, _ random: inout WordDraws) -> String? {
        let head = word.prefix { !($0.isLetter || $0.isNumber) }
        let rest = word.dropFirst(head.count)
        let tail = String(rest.reversed().prefix { !($0.isLetter || $0.isNumber) }.reversed())
        let core = rest.dropLast(tail.count)
        let known = synonyms[String(core)]
        guard !known.isEmpty else { return nil }
        var chosen = known[random.below(known.count)]
        if core.first?.isUppercase == true {
            chosen = chosen.prefix(1).uppercased() + chosen.dropFirst()
        }
        return head + chosen + tail
    }
}

/// Random choices out of one stream, in the order in which they are made.
struct WordDraws {
    private let stream: CounterRandom
    private var index: UInt64 = 0

    init(_ stream: CounterRandom) { self.stream = stream }

    mutating func below(_ bound: Int) -> Int {
        Int(stream.below(UInt64(bound), next: &index))
    }

    mutating func uniform() -> Double {
        defer { index += 1 }
        return Double(stream[index] >> 11) * 0x1p-53
    }

    /// Fisher and Yates.
    mutating func shuffle(_ values: inout [String]) {
        for last in stride(from: values.count - 1, to: 0, by: -1) {
            values.swapAt(last, below(last + 1))
        }
    }
}
