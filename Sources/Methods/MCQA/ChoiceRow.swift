// A row of any of the published forms of multiple-choice items, as it is decoded.

/// A row; which members are there tells its form.
struct ChoiceRow: Decodable {
    var id: String?
    var uid: String?
    var subject: String?
    /// What the question is about (AGIEval).
    var passage: String?
    var question: Question?
    var choices: Choices?
    /// Choices, usually with their letters (AGIEval).
    var options: [String]?
    var answer: Answer?
    var answerKey: Answer?
    var label: Answer?
    var instruction: String?
    /// A question with its choices in it, and the letter of the right one (BIG-Bench Hard).
    var input: String?
    var target: Answer?

    /// A file that is one object (BIG-Bench Hard).
    struct File: Decodable {
        let examples: [ChoiceRow]
    }

    /// A question, alone or with its choices.
    enum Question: Decodable {
        case text(String)
        case structured(String, [Choice])

        struct Choice: Decodable {
            let label: String
            let text: String
        }

        private struct Structured: Decodable {
            let stem: String
            let choices: [Choice]
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                let whole = try container.decode(Structured.self)
                self = .structured(whole.stem, whole.choices)
            }
        }
    }

    /// Choices, with labels of their own or without.
    struct Choices: Decodable {
        let texts: [String]
        let labels: [String]?

        private struct Columns: Decodable {
            let text: [String]
            let label: [String]
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let texts = try? container.decode([String].self) {
                (self.texts, labels) = (texts, nil)
            } else {
                let columns = try container.decode(Columns.self)
                (texts, labels) = (columns.text, columns.label)
            }
        }
    }

    /// An index, or a letter or a choice's words.
    enum Answer: Decodable {
        case number(Int)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    /// A question behind the passage that it is about.
    func withPassage(_ question: String) -> String {
        guard let passage, !passage.trimmed.isEmpty else { return question }
        return "\(passage.trimmed)\n\n\(question)"
    }

    /// The question and the choices of a text such as `...\nOptions:\n(A) one\n(B) two`; nil for another.
    static func listed(_ text: String) -> (question: String, choices: [String])? {
        guard let mark = text.firstRange(of: "\nOptions:\n") else { return nil }
        var choices: [String] = []
        for line in text[mark.upperBound...].split(separator: "\n") {
            guard choices.count < LLM2LLMTask.letters.count else { return nil }
            let letter = "(\(LLM2LLMTask.letters[choices.count]))"
            // "- Yes" lists choices without letters.
            if line.hasPrefix(letter) {
                choices.append(String(line.dropFirst(letter.count)))
            } else if line.hasPrefix("- ") {
                choices.append(String(line.dropFirst(2)))
            } else {
                return nil
            }
        }
        return choices.count >= 2 ? (String(text[..<mark.lowerBound]), choices) : nil
    }

    /// Choices without the letters before them, where each has its own: `(A)Yes`, `(B)No`.
    static func withoutLetters(_ choices: [String]) -> [String] {
        let marks = LLM2LLMTask.letters.prefix(choices.count).map { "(\($0))" }
        guard choices.count <= marks.count, zip(choices, marks).allSatisfy({ $0.hasPrefix($1) })
        else { return choices }
        return zip(choices, marks).map { String($0.dropFirst($1.count).trimmed) }
    }
}
