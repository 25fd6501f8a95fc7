// Reading what the teacher wrote: an item as one JSON object, or in three replies. Pure functions of the text,
// so that a better reader re-reads what was paid for.

import Foundation

/// The two ways of writing an item.
enum GenerationWay: String, Codable, Sendable, CaseIterable {
    /// One call gives everything.
    case direct
    /// Three calls: question, right answer, wrong answers.
    case decomposed

    /// Calls of an item.
    var callsOfItem: Int { self == .direct ? 1 : 3 }
}

/// Why an item that the teacher wrote isn't taken.
enum ItemFault: String, Error, Codable, Sendable, CaseIterable {
    /// No reply came, or an empty one.
    case noReply = "no_reply"
    /// A reply was cut by its length.
    case cut
    /// A reply isn't of the form: no JSON object of an item, a question of several paragraphs.
    case form
    /// Too few or too many choices, an empty one, or two that are the same.
    case choices
    /// The answer is none of the choices.
    case answer
    /// It is one of the real examples, or nearly.
    case exampleOverlap = "example_overlap"
    /// It is one of the test items, or nearly.
    case testOverlap = "test_overlap"
    /// It is one that was taken before, or nearly.
    case duplicate

    /// Whether a reply couldn't be read, as the paper counts failures of parsing.
    var isParseFailure: Bool { [.noReply, .cut, .form].contains(self) }
}

/// What an item says, before it is one of a data set.
struct DraftItem: Equatable, Sendable {
    var question: String
    var choices: [String]
    var answer: Int

    /// Refuses what no item can be.
    ///
    /// - Parameter most: The most choices.
    init(question: String, choices: [String], answer: Int, most: Int) throws(ItemFault) {
        guard (2...max(2, most)).contains(choices.count), choices.allSatisfy({ !$0.isEmpty }),
            Set(choices.map(Self.folded)).count == choices.count
        else { throw .choices }
        guard choices.indices.contains(answer) else { throw .answer }
        self.question = question
        self.choices = choices
        self.answer = answer
    }

    /// Choices that differ by case, spaces or a full stop at the end are the same one.
    static func folded(_ choice: String) -> String {
        var text = choice.lowercased().split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if text.count > 1, text.hasSuffix(".") { text.removeLast() }
        return text
    }
}

extension DraftItem {
    /// Reads the one reply of the direct way: `{"question": "...", "choices": [...], "answer": "B"}`.
    ///
    /// The answer is a letter or the words of a choice; a number could count from 0 or from 1, and is refused.
    /// A code fence around the object is passed over, other words aren't.
    init(json reply: String, most: Int) throws(ItemFault) {
        var text = Substring(reply.trimmed)
        if text.hasPrefix("```"), let line = text.firstIndex(of: "\n"), text.hasSuffix("```") {
            text = text[line...].dropLast(3)
        }
        guard let written = try? JSONDecoder().decode(Written.self, from: Data(text.utf8)) else {
            throw .form
        }
        let question = written.question.trimmed
        guard !question.isEmpty else { throw .form }
        let choices = written.choices.map(\.trimmed)
        let said = written.answer.trimmed
        let letters = LLM2LLMTask.letters.prefix(choices.count)
        // The words of a choice first: a choice may be a letter.
        let answer =
            choices.firstIndex { DraftItem.folded($0) == DraftItem.folded(said) }
            ?? letters.firstIndex(of: said)
        guard let answer else {
            // What is wrong with the choices is wrong whatever the answer says.
            _ = try DraftItem(question: question, choices: choices, answer: 0, most: most)
            throw .answer
        }
        try self.init(question: question, choices: choices, answer: answer, most: most)
    }

    private struct Written: Decodable {
        let question: String
        let choices: [String]
        let answer: String
    }
}

/// The three replies of the decomposed way.
enum DecomposedReply {
    /// A question: one paragraph; `Question:` before it is passed over.
    static func question(_ reply: String) throws(ItemFault) -> String {
        try paragraph(reply, mark: "Question:")
    }

    /// The right answer: one paragraph; `Answer:` before it is passed over.
    static func answer(_ reply: String) throws(ItemFault) -> String {
        try paragraph(reply, mark: "Answer:")
    }

    /// Wrong answers: one a line, with or without numbers, letters or dashes before them.
    ///
    /// - Parameter count: How many were asked for; more than that are left out.
    static func distractors(_ reply: String, count: Int) throws(ItemFault) -> [String] {
        let lines = reply.split(whereSeparator: \.isNewline).map { unnumbered($0.trimmed) }
            .filter { !$0.isEmpty }
        guard !lines.isEmpty else { throw .form }
        return Array(lines.prefix(count))
    }

    private static func paragraph(
        _ reply: String, mark: String
    ) throws(ItemFault) -> String {
        var text = Substring(reply.trimmed)
        if text.hasPrefix(mark) { text = text.dropFirst(mark.count) }
        let words = text.trimmed
        guard !words.isEmpty, words.firstRange(of: "\n\n") == nil else { throw .form }
        return words
    }

    /// A line without `1.`, `b)`, `-` or `*` before it.
    private static func unnumbered(_ line: String) -> String {
        if let first = line.first, "-*•".contains(first) {
            let rest = line.dropFirst()
            // `-5` is an answer.
            return rest.first == " " ? rest.trimmed : line
        }
        let name = line.prefix { $0.isNumber || $0.isLetter }
        let rest = line.dropFirst(name.count)
        let isName = name.allSatisfy(\.isNumber) ? name.count <= 2 : name.count == 1
        guard !name.isEmpty, isName, let mark = rest.first, mark == "." || mark == ")",
            rest.dropFirst().first == " "
        else { return line }
        return rest.dropFirst(2).trimmed
    }
}
