// Whether two items are the same one, or nearly: between training and test, among seeds and new items.
//
//   exact   the same words of question and right choice, whatever the other choices are
//   near    ROUGE-L F above the threshold, of question with all choices in the order of their bytes, or of
//           the question alone where it has ten words or more
//
// Shorter questions are compared together with their choices alone: `Which of the following is true?` is
// no item by itself.

import Corpus

/// Items that others may be compared with.
struct OverlapGate {
    /// How an item is another one.
    enum Overlap: Equatable {
        case exact, near
    }

    /// Words of a question that is compared by itself.
    static let leastQuestionWords = 10

    private var exact: Set<String> = []
    private var whole: NearDuplicates
    private var questions: NearDuplicates

    /// A gate that knows no items.
    ///
    /// - Parameters:
    ///   - similarity: The highest ROUGE-L F measure that counts as another item.
    ///   - items: What shows how common words are; it changes the speed alone.
    init(similarity: Double, wordsOf items: [ChoiceItem]) {
        let texts = items.map(Self.text)
        whole = NearDuplicates(threshold: similarity, wordsOf: texts)
        questions = NearDuplicates(threshold: similarity, wordsOf: texts)
    }

    /// A gate that knows some items.
    init(_ items: [ChoiceItem], similarity: Double) {
        self.init(similarity: similarity, wordsOf: items)
        for item in items { add(item) }
    }

    /// Remembers an item.
    mutating func add(_ item: ChoiceItem) {
        exact.insert(Self.key(item))
        whole.add(Self.text(item))
        if Self.isLong(item.question) { questions.add(item.question) }
    }

    /// How an item is one that is known; nil where it isn't.
    mutating func overlap(of item: ChoiceItem) -> Overlap? {
        if exact.contains(Self.key(item)) { return .exact }
        if whole.near(Self.text(item)) != nil { return .near }
        return Self.isLong(item.question) && questions.near(item.question) != nil ? .near : nil
    }

    /// What the same item has in common in any file: for drawing sides by it.
    static func key(_ item: ChoiceItem) -> String {
        // Signs count where there are no words: `+` isn't `-`.
        func words(_ text: String) -> String {
            let words = RougeL.words(text)
            return words.isEmpty ? text : words.joined(separator: " ")
        }
        return words(item.question) + "\n" + words(item.rightChoice)
    }

    private static func text(_ item: ChoiceItem) -> String {
        ([item.question] + item.choices.sorted(by: JSONText.precedes)).joined(separator: "\n")
    }

    private static func isLong(_ question: String) -> Bool {
        RougeL.words(question).count >= leastQuestionWords
    }
}
