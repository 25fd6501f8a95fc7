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
        self.init(similarity: similarity, like: items.map(Words.init))
    }

    private init(similarity: Double, like items: [Words]) {
        let texts = items.map(\.whole)
        whole = NearDuplicates(threshold: similarity, like: texts)
        questions = NearDuplicates(threshold: similarity, like: texts)
    }

    /// A gate that knows some items.
    init(_ items: [ChoiceItem], similarity: Double) {
        let words = items.map(Words.init)
        self.init(similarity: similarity, like: words)
        for item in words { add(item) }
    }

    /// Remembers an item.
    mutating func add(_ item: ChoiceItem) { add(Words(item)) }

    private mutating func add(_ item: Words) {
        exact.insert(item.key)
        whole.add(item.whole)
        if item.isLong { questions.add(item.question) }
    }

    /// How an item is one that is known; nil where it isn't.
    mutating func overlap(of item: ChoiceItem) -> Overlap? {
        let words = Words(item)
        if exact.contains(words.key) { return .exact }
        if whole.near(words.whole) != nil { return .near }
        return words.isLong && questions.near(words.question) != nil ? .near : nil
    }

    /// What the same item has in common in any file: for drawing sides by it.
    static func key(_ item: ChoiceItem) -> String { Words(item).key }

    /// An item's words, taken apart once.
    private struct Words {
        let question: [String]
        /// With all choices in the order of their bytes.
        let whole: [String]
        /// Of question and right choice.
        let key: String

        init(_ item: ChoiceItem) {
            question = RougeL.words(item.question)
            let choices = item.choices.map(RougeL.words)
            let order = item.choices.indices.sorted {
                JSONText.precedes(item.choices[$0], item.choices[$1])
            }
            whole = question + order.flatMap { choices[$0] }
            // Signs count where there are no words: `+` isn't `-`.
            func named(_ words: [String], _ text: String) -> String {
                words.isEmpty ? text : words.joined(separator: " ")
            }
            key =
                named(question, item.question) + "\n"
                + named(choices[item.answer], item.rightChoice)
        }

        /// Whether the question is compared by itself.
        var isLong: Bool { question.count >= OverlapGate.leastQuestionWords }
    }
}
