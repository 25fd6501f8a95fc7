// An examiner behind the protocol, for few-shot multiple choice: shown items of a subject it writes a new one, as
// JSON or in three replies, and shown an item with letters it answers it, with the log-probabilities by
// which it would. What it says is a function of the request's bytes. At times it breaks the form, writes a
// choice twice, gives a test item away, repeats an example, or takes a wrong answer for the right one;
// each item has one flaw at most, and each flaw is counted under its way's name.

import ArgumentParser
import Foundation

/// How good the examiner is, as options.
struct ExaminerOptions: ParsableArguments, Sendable {
    @Flag(help: "Answers as an examiner of multiple choice instead of with labels.")
    var examiner = false

    @Option(help: "Chance that a reply breaks its form.")
    var examinerBreaks = 0.08

    @Option(help: "Chance that an item has a choice twice.")
    var examinerDoubles = 0.05

    @Option(help: "Chance that an item is one of the test.")
    var examinerLeaks = 0.05

    @Option(help: "Chance that an item repeats an example.")
    var examinerRepeats = 0.05

    @Option(help: "Chance that an item's answer is wrong.")
    var examinerErrors = 0.05

    @Option(help: "The test whose items are given away: a file of --examiner-data.")
    var examinerTest: String?

    @Option(help: "How much more it likes the letter A, as a log-probability.")
    var examinerBias = 0.0

    func validate() throws {
        let chances = [
            examinerBreaks, examinerDoubles, examinerLeaks, examinerRepeats, examinerErrors,
        ]
        guard chances.allSatisfy({ (0...1).contains($0) }) else {
            throw ValidationError("an examiner's chance lies between 0 and 1")
        }
        guard examinerLeaks == 0 || examinerTest != nil || !examiner else {
            throw ValidationError("--examiner-leaks wants --examiner-test")
        }
    }
}

/// Writes and answers items.
struct Examiner: Sendable {
    let options: ExaminerOptions
    let seed: UInt64
    /// The test's questions by subject, with their answers.
    private let test: [String: [ExaminerTestItem]]
    private let testQuestions: Set<String>

    init(options: ExaminerOptions, seed: UInt64) throws {
        self.options = options
        self.seed = seed
        var test: [String: [ExaminerTestItem]] = [:]
        if let path = options.examinerTest {
            for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n") {
                let item = try JSONDecoder().decode(ExaminerTestItem.self, from: Data(line.utf8))
                test[item.subject, default: []].append(item)
            }
        }
        self.test = test
        testQuestions = Set(test.values.joined().map(\.question))
    }

    /// What is said, and what is wrong with it.
    struct Reply {
        var text: String
        var flaw: String?
    }

    /// The words of a reply to a writer's request; nil where it asks for something else.
    ///
    /// - Parameters:
    ///   - message: The last user's message.
    ///   - request: A hash of the request's bytes.
    func reply(to message: String, request: UInt64) -> Reply? {
        guard let subject = Self.between("Examples on the subject ", ":", in: message) else {
            return nil
        }
        var draws = TutorDraws(Hash.mix(seed, request))
        let chance = draws.unit()
        if message.contains("Reply with a JSON object") {
            return whole(subject, message, chance, &draws)
        }
        if message.contains("Write one new question") {
            return question(subject, message, chance, &draws)
        }
        guard let asked = Self.last("Question: ", "\n", in: message) else { return nil }
        // An item that went wrong before doesn't go wrong again.
        let isSpoilt =
            testQuestions.contains(asked)
            || message.components(separatedBy: "Question: \(asked)\n").count > 2
        if message.hasSuffix("Wrong answers:") {
            return distractors(asked, message, isSpoilt: isSpoilt, chance, &draws)
        }
        guard let question = ExaminerQuestion(reading: asked) else {
            return Reply(text: "I can't answer this.")
        }
        if !isSpoilt, chance < options.examinerBreaks {
            return Reply(
                text: "Well.\n\nThe answer is \(question.answer).", flaw: "decomposed_broken")
        }
        if !isSpoilt, chance < options.examinerBreaks + options.examinerErrors {
            return Reply(text: question.wrongAnswers(1, &draws)[0], flaw: "decomposed_wrong")
        }
        return Reply(text: question.answer)
    }

    // MARK: - One call

    private func whole(
        _ subject: String, _ message: String, _ chance: Double, _ draws: inout TutorDraws
    ) -> Reply {
        let count = Int(Self.between("any of them, with ", " ", in: message) ?? "") ?? 4
        var item = ExaminerItem(subject: subject, choices: count, &draws)
        var flaw: String?
        switch self.flaw(chance) {
        case .breaks:
            flaw = "direct_broken"
            let json = Self.json(item)
            switch draws.below(3) {
            case 0: return Reply(text: "Here is one:\n" + json, flaw: flaw)
            case 1: return Reply(text: String(json.dropLast(2)), flaw: flaw)
            default:
                return Reply(
                    text: json.replacingOccurrences(of: "\"choices\"", with: "\"options\""),
                    flaw: flaw)
            }
        case .doubles:
            flaw = "direct_doubled"
            item.choices[(item.answer + 1) % count] = item.choices[(item.answer + 2) % count]
        case .leaks:
            if let leaked = leaked(subject, &draws) {
                flaw = "direct_leaked"
                item = ExaminerItem(
                    question: leaked.question, choices: leaked.choices, answer: leaked.answer)
            }
        case .repeats:
            if let shown = Self.between("\n\n{", "}", in: message),
                let example = try? JSONDecoder().decode(
                    ExaminerShownItem.self, from: Data("{\(shown)}".utf8))
            {
                flaw = "direct_repeated"
                item = ExaminerItem(
                    question: example.question, choices: example.choices,
                    answer: Self.letters.firstIndex(of: example.answer) ?? 0)
            }
        case .errs:
            flaw = "direct_wrong"
            item.answer = (item.answer + 1 + draws.below(count - 1)) % count
        case nil: break
        }
        return Reply(text: Self.json(item), flaw: flaw)
    }

    private enum Flaw {
        case breaks, doubles, leaks, repeats, errs
    }

    private func flaw(_ chance: Double) -> Flaw? {
        var left = chance
        let all: [(Flaw, Double)] = [
            (.breaks, options.examinerBreaks), (.doubles, options.examinerDoubles),
            (.leaks, options.examinerLeaks), (.repeats, options.examinerRepeats),
            (.errs, options.examinerErrors),
        ]
        for (flaw, share) in all {
            left -= share
            if left < 0 { return flaw }
        }
        return nil
    }

    // MARK: - Three calls

    private func question(
        _ subject: String, _ message: String, _ chance: Double, _ draws: inout TutorDraws
    ) -> Reply {
        let new = ExaminerItem(subject: subject, choices: 2, &draws).question
        switch flaw(chance) {
        case .breaks:
            return Reply(text: "Of course.\n\n\(new)", flaw: "decomposed_broken")
        case .leaks:
            guard let leaked = leaked(subject, &draws) else { return Reply(text: new) }
            return Reply(text: leaked.question, flaw: "decomposed_leaked")
        case .repeats:
            guard let shown = Self.between("Question: ", "\n", in: message) else {
                return Reply(text: new)
            }
            return Reply(text: shown, flaw: "decomposed_repeated")
        case .doubles, .errs, nil: return Reply(text: new)
        }
    }

    private func distractors(
        _ asked: String, _ message: String, isSpoilt: Bool, _ chance: Double,
        _ draws: inout TutorDraws
    ) -> Reply {
        let count = Int(Self.between("\n\nWrite ", " ", in: message) ?? "") ?? 3
        let given = Self.last("Right answer: ", "\n", in: message) ?? ""
        guard let question = ExaminerQuestion(reading: asked) else {
            return Reply(text: "I can't.")
        }
        // What it takes for wrong after a slip holds what is right.
        let isWrong = given != question.answer
        var wrong = question.wrongAnswers(count, besides: [given], &draws)
        if isWrong { wrong[draws.below(count)] = question.answer }
        var flaw: String?
        if !isSpoilt, !isWrong, chance < options.examinerDoubles {
            flaw = "decomposed_doubled"
            wrong[0] = count > 1 ? wrong[1] : given
        }
        let lines = wrong.enumerated().map { index, text in
            draws.unit() < 0.3 ? "\(index + 1). \(text)" : text
        }
        return Reply(text: lines.joined(separator: "\n"), flaw: flaw)
    }

    private func leaked(_ subject: String, _ draws: inout TutorDraws) -> ExaminerTestItem? {
        test[subject].map { draws.one(of: $0) }
    }

    // MARK: - Answering

    /// The probability of each letter for an item that is shown with letters; nil where none is.
    ///
    /// The right choice has from 0.95 (level 1) down to 0.6, by the question; the others share the rest, the first
    /// most; two per cent are other words'.
    func letters(of message: String) -> [(letter: String, probability: Double)]? {
        guard let asked = Self.last("Question: ", "\n", in: message) else { return nil }
        let lines = message.split(separator: "\n")
        let choices = lines.compactMap { line -> (letter: String, text: String)? in
            guard let dot = line.range(of: ". "), line[..<dot.lowerBound].count == 1 else {
                return nil
            }
            return (String(line[..<dot.lowerBound]), String(line[dot.upperBound...]))
        }
        guard choices.count > 1, let question = ExaminerQuestion(reading: asked) else { return nil }
        let right = choices.firstIndex { $0.text == question.answer } ?? 0
        let hash = Array(asked.utf8).withUnsafeBytes { Hash.bytes($0) }
        let draw = Hash.unit(Hash.mix(seed, hash))
        let sure = 0.95 - 0.1 * Double(question.level - 1) - 0.15 * draw
        var scores = choices.indices.map { index in
            index == right ? sure : (1 - sure) / Double(choices.count - 1)
        }
        scores[0] *= exp(options.examinerBias)
        let sum = scores.reduce(0, +)
        return zip(choices, scores).map { ($0.letter, 0.98 * $1 / sum) }
    }

    // MARK: - Reading

    private static let letters = ["A", "B", "C", "D", "E", "F", "G", "H"]

    private static func json(_ item: ExaminerItem) -> String {
        let listed = item.choices.map { "\"\($0)\"" }.joined(separator: ", ")
        return "{\"question\": \"\(item.question)\", \"choices\": [\(listed)], "
            + "\"answer\": \"\(letters[item.answer])\"}"
    }

    private static func between(_ start: String, _ end: String, in text: String) -> String? {
        guard let first = text.range(of: start),
            let last = text.range(of: end, range: first.upperBound..<text.endIndex)
        else { return nil }
        return String(text[first.upperBound..<last.lowerBound])
    }

    private static func last(_ start: String, _ end: String, in text: String) -> String? {
        guard let first = text.range(of: start, options: .backwards) else { return nil }
        let rest = text[first.upperBound...]
        return String(rest[..<(rest.range(of: end)?.lowerBound ?? rest.endIndex)])
    }
}

/// An item of a test file.
struct ExaminerTestItem: Decodable, Sendable {
    let subject: String
    let question: String
    let choices: [String]
    let answer: Int
}

/// An item as it is shown in a prompt.
private struct ExaminerShownItem: Decodable {
    let question: String
    let choices: [String]
    let answer: String
}
