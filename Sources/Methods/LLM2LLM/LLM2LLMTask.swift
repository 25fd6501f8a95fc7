// The three forms of tasks: how an item is read, put to the student, and judged.
//
//   numeric         a worked answer that ends in `#### n`          (GSM8K)
//   classification  one of the labels                              (TREC, SNIPS, SST-2)
//   choice          the letter of one of several choices           (CaseHOLD)
//
// It asks nobody anything and knows no model.

import Corpus

/// A form of task with what belongs to it.
struct LLM2LLMTask: Sendable {
    /// The form.
    let kind: Recipe.LLM2LLMOptions.Task
    /// Classification: the labels, in order.
    let labels: [String]
    /// Choice: the fields of a record that hold the choices.
    let choiceFields: [String]

    /// The marks before a numeric answer's number.
    static let finalMark = "####"

    /// Reads a record as an item.
    ///
    /// - Throws: `MethodError` naming the record's place where it has no usable answer.
    func item(_ record: Record) throws(MethodError) -> LLM2LLMItem {
        let place = "\(record.source)"
        guard let answer = record.label?.trimmed, !answer.isEmpty else {
            throw MethodError(
                .invalidRecipe, "\(place): no answer; data.label_field names the answer's field")
        }
        var item = LLM2LLMItem(id: record.id, question: record.text, answer: answer, source: place)
        switch kind {
        case .numeric:
            // A bare number is an answer without its working.
            let whole = answer.contains(Self.finalMark) ? answer : "\(Self.finalMark) \(answer)"
            guard finalNumber(of: whole) != nil else {
                throw MethodError(
                    .invalidRecipe,
                    "\(place): the answer has no number; end it with `\(Self.finalMark) 42`")
            }
            item = LLM2LLMItem(
                id: item.id, question: item.question, answer: whole, source: place)
        case .classification:
            guard labels.contains(answer) else {
                throw MethodError(
                    .invalidRecipe,
                    "\(place): the label '\(answer)' is none of the \(labels.count) labels; correct "
                        + "it or add it to teacher.labels")
            }
        case .choice:
            let choices = choiceFields.compactMap { record.fields[$0] }
            guard let letter = Self.letter(answer, count: choices.count) else {
                throw MethodError(
                    .invalidRecipe,
                    "\(place): '\(answer)' names none of the \(choices.count) choices; give a letter "
                        + "from A, or a number from 0")
            }
            item = LLM2LLMItem(
                id: item.id, question: item.question, choices: choices, answer: letter,
                source: place)
        }
        return item
    }

    /// What the student is asked: one prompt in training and in evaluation.
    func prompt(_ item: LLM2LLMItem) -> String {
        guard let choices = item.choices else { return item.question }
        return item.question + "\n" + Self.listed(choices)
    }

    /// Whether an answer of the student is right.
    func isRight(_ answer: String, _ item: LLM2LLMItem) -> Bool {
        switch kind {
        case .numeric:
            guard let said = finalNumber(of: answer), let gold = finalNumber(of: item.answer)
            else { return false }
            return said.isSameAnswer(as: gold)
        case .classification: return answer.trimmed == item.answer
        case .choice:
            return Self.letter(answer.trimmed, count: item.choices?.count ?? 0) == item.answer
        }
    }

    /// The number after the first `####`; nil where there is none.
    ///
    /// As published, an answer that states nothing there is wrong, whatever numbers it holds: it was cut.
    func finalNumber(of answer: String) -> ExactNumber? {
        guard let mark = answer.firstRange(of: Self.finalMark) else { return nil }
        let rest = answer[mark.upperBound...].drop { $0 == "#" || $0 == " " }
        return AnswerGrader().answer(in: String(rest.prefix { !$0.isNewline && $0 != "#" }))
    }

    /// Choices with their letters, a line each.
    static func listed(_ choices: [String]) -> String {
        zip(letters, choices).map { "\($0). \($1)" }.joined(separator: "\n")
    }

    static let letters = (UInt8(ascii: "A")...UInt8(ascii: "Z")).map {
        String(UnicodeScalar($0))
    }

    /// The letter that an answer names: `B`, `(b)`, `B. text`, or a number from 0.
    static func letter(_ answer: String, count: Int) -> String? {
        var rest = Substring(answer)
        rest = rest.drop { $0 == "(" || $0 == "*" || $0.isWhitespace }
        let head = String(rest.prefix { $0.isLetter || $0.isNumber }).uppercased()
        if let index = Int(head), (0..<min(count, letters.count)).contains(index) {
            return letters[index]
        }
        return letters.prefix(count).contains(head) ? head : nil
    }
}

extension StringProtocol {
    /// The text without white space at its ends.
    var trimmed: String {
        let begun = drop(while: \.isWhitespace)
        return String(begun.reversed().drop(while: \.isWhitespace).reversed())
    }

    /// The first place of a short text.
    func firstRange(of wanted: String) -> Range<Index>? {
        guard let first = wanted.first else { return nil }
        var index = startIndex
        while let start = self[index...].firstIndex(of: first) {
            if self[start...].hasPrefix(wanted) {
                return start..<self.index(start, offsetBy: wanted.count)
            }
            index = self.index(after: start)
        }
        return nil
    }
}
