// What the examiner's items are about: questions of three subjects that can be made, read back and answered, with
// wrong answers near the right one. Three levels of each: larger numbers, longer words.

import Foundation

/// A question that has one right answer.
struct ExaminerQuestion: Equatable {
    /// What is asked.
    enum Kind: String, CaseIterable {
        case plus, minus, times
        case after, before, minutes
        case backwards, beheaded, doubled

        /// The subject that it belongs to.
        var subject: String {
            switch self {
            case .plus, .minus, .times: "arithmetic"
            case .after, .before, .minutes: "dates"
            case .backwards, .beheaded, .doubled: "words"
            }
        }

        static func of(_ subject: String) -> [Kind] { allCases.filter { $0.subject == subject } }
    }

    static let subjects = ["arithmetic", "dates", "words"]

    let kind: Kind
    private let left: Int
    private let right: Int
    private let word: String

    /// A question of a kind and a level from 1 to 3.
    init(_ kind: Kind, level: Int, _ draws: inout TutorDraws) {
        self.kind = kind
        let least = [10, 100, 1000][level - 1]
        let some = least + draws.below(9 * least)
        let other = least + draws.below(9 * least)
        var letters = ""
        switch kind {
        case .plus, .times: (left, right) = (some, other)
        case .minus: (left, right) = (max(some, other), min(some, other))
        case .after, .before: (left, right) = (10 + some % 900, 1000 + draws.below(1000))
        case .minutes: (left, right) = (2 + some % 98, 10 + draws.below(50))
        case .backwards, .beheaded, .doubled:
            (left, right) = (0, 0)
            for _ in 0..<(level + 2) {
                letters += draws.one(of: Self.consonants) + draws.one(of: Self.vowels)
            }
        }
        word = letters
    }

    private static let consonants = "bdfgklmnprstvz".map(String.init)
    private static let vowels = "aeiou".map(String.init)

    /// Reads a question back; nil where it is none of these.
    init?(reading text: String) {
        for kind in Kind.allCases {
            let parts = Self.frame(kind)
            guard text.hasPrefix(parts[0]), text.hasSuffix(parts[parts.count - 1]) else { continue }
            var rest = text.dropFirst(parts[0].count)
            var values: [String] = []
            for part in parts.dropFirst() {
                guard let found = rest.range(of: part) else { break }
                values.append(String(rest[..<found.lowerBound]))
                rest = rest[found.upperBound...]
            }
            guard rest.isEmpty, values.count == parts.count - 1 else { continue }
            if kind.subject == "words" {
                guard values[0].count > 2, values[0].allSatisfy(\.isLetter) else { continue }
                (self.kind, left, right, word) = (kind, 0, 0, values[0])
                return
            }
            guard let left = Int(values[0]), let right = Int(values[1]) else { continue }
            (self.kind, self.left, self.right, word) = (kind, left, right, "")
            return
        }
        return nil
    }

    /// What stands around the numbers or the word.
    private static func frame(_ kind: Kind) -> [String] {
        switch kind {
        case .plus: ["What is ", " plus ", "?"]
        case .minus: ["What is ", " minus ", "?"]
        case .times: ["What is ", " times ", "?"]
        case .after: ["Which year comes ", " years after ", "?"]
        case .before: ["Which year comes ", " years before ", "?"]
        case .minutes: ["How many minutes are ", " hours and ", " minutes?"]
        case .backwards: ["What is ", " spelled backwards?"]
        case .beheaded: ["What is ", " without its first letter?"]
        case .doubled: ["What is ", " with its last letter doubled?"]
        }
    }

    var text: String {
        let parts = Self.frame(kind)
        let values = kind.subject == "words" ? [word] : ["\(left)", "\(right)"]
        return parts[0] + zip(values, parts.dropFirst()).map { $0 + $1 }.joined()
    }

    /// How hard it is, 1 to 3.
    var level: Int {
        let size = kind.subject == "words" ? word.count / 2 - 2 : "\(max(left, right))".count - 1
        return min(3, max(1, size))
    }

    var answer: String {
        switch kind {
        case .plus: "\(left + right)"
        case .minus: "\(left - right)"
        case .times: "\(left * right)"
        case .after: "\(right + left)"
        case .before: "\(right - left)"
        case .minutes: "\(60 * left + right)"
        case .backwards: String(word.reversed())
        case .beheaded: String(word.dropFirst())
        case .doubled: word + word.suffix(1)
        }
    }

    /// Wrong answers that differ from each other and from what is left out.
    func wrongAnswers(
        _ count: Int, besides: [String] = [], _ draws: inout TutorDraws
    ) -> [String] {
        var wrong: [String] = []
        while wrong.count < count {
            let candidate = slip(&draws)
            if candidate != answer, !wrong.contains(candidate), !besides.contains(candidate) {
                wrong.append(candidate)
            }
        }
        return wrong
    }

    private func slip(_ draws: inout TutorDraws) -> String {
        if let number = Int(answer) {
            let step = draws.one(of: [1, 2, 3, 9, 10, 11, 20, 60, 100])
            return "\(max(0, number + (draws.unit() < 0.5 ? step : -step)))"
        }
        var letters = answer.map(String.init)
        let place = draws.below(letters.count)
        switch draws.below(3) {
        case 0: letters.swapAt(place, draws.below(letters.count))
        case 1: letters[place] = draws.one(of: Self.vowels + Self.consonants)
        default: letters.insert(letters[place], at: place)
        }
        return letters.joined()
    }
}

/// An item of the examiner.
struct ExaminerItem: Equatable {
    var question: String
    var choices: [String]
    var answer: Int

    init(question: String, choices: [String], answer: Int) {
        (self.question, self.choices, self.answer) = (question, choices, answer)
    }

    /// A new item of a subject.
    init(subject: String, choices count: Int, _ draws: inout TutorDraws) {
        let kinds = ExaminerQuestion.Kind.of(subject)
        let question = ExaminerQuestion(
            draws.one(of: kinds.isEmpty ? ExaminerQuestion.Kind.allCases : kinds),
            level: 1 + draws.below(3), &draws)
        let place = draws.below(count)
        var choices = question.wrongAnswers(count - 1, &draws)
        choices.insert(question.answer, at: place)
        self.init(question: question.text, choices: choices, answer: place)
    }

    /// The item as MMLU's files have it.
    func json(id: String, subject: String) -> String {
        let listed = choices.map { "\"\($0)\"" }.joined(separator: ", ")
        return "{\"id\": \"\(id)\", \"subject\": \"\(subject)\", \"question\": \"\(question)\", "
            + "\"choices\": [\(listed)], \"answer\": \(answer)}\n"
    }
}
