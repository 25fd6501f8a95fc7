// A teacher of small tasks behind the protocol: it answers them, judges two answers, and writes new ones,
// whichever a message asks for. What it says is a function of the request's bytes. At times it errs, favours
// what is shown first, forgets the scores, talks on until it is cut, or writes what is no task.

import ArgumentParser
import Foundation

/// How good it is, as options.
struct InstructorOptions: ParsableArguments, Sendable {
    @Flag(help: "Answers, judges and writes small tasks instead of labels.")
    var instructor = false

    @Option(help: "Chance that an answer is wrong.")
    var instructorErrors = 0.02

    @Option(help: "Chance that an answer or a task talks on, as long as it may.")
    var instructorRambles = 0.02

    @Option(help: "Chance that a judgement has no scores.")
    var instructorSilences = 0.05

    @Option(help: "Chance that a judgement favours what is shown first.")
    var instructorBias = 0.2

    @Option(help: "Chance that a task repeats the one that is shown.")
    var instructorRepeats = 0.05

    @Option(help: "Chance that a new task is none.")
    var instructorBreaks = 0.08

    func validate() throws {
        let chances = [
            instructorErrors, instructorRambles, instructorSilences, instructorBias,
            instructorRepeats, instructorBreaks,
        ]
        guard chances.allSatisfy({ (0...1).contains($0) }) else {
            throw ValidationError("an instructor's chance lies between 0 and 1")
        }
    }
}

/// Answers, judges and writes tasks.
struct Instructor: TextVoice {
    let options: InstructorOptions
    let seed: UInt64

    func reply(to message: String, request: UInt64, choice: Int) -> String {
        var draws = TutorDraws(Hash.mix(Hash.mix(seed, request), UInt64(choice)))
        let parts = Self.parts(of: message)
        if let task = parts["Task"], let first = parts["Answer 1"], let second = parts["Answer 2"] {
            return judgement(of: [first, second], to: task, &draws)
        }
        // Behind the given task stand rules.
        if let given = parts["Given task"]?.components(separatedBy: "\n\n")[0] {
            return newTask(
                from: given, isRarer: parts["New task of a rarer type"] != nil, &draws)
        }
        return answer(to: message.trimmingCharacters(in: .whitespacesAndNewlines), &draws)
    }

    /// The parts of a message by the `[Heads]` that stand alone on their lines.
    private static func parts(of message: String) -> [String: String] {
        var parts: [String: String] = [:]
        var head: String?
        for line in message.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("["), line.hasSuffix("]") {
                head = String(line.dropFirst().dropLast())
                parts[head ?? ""] = ""
            } else if let head {
                parts[head, default: ""] += line + "\n"
            }
        }
        return parts.mapValues { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    private func answer(to message: String, _ draws: inout TutorDraws) -> String {
        guard draws.unit() >= options.instructorRambles else { return Self.ramble }
        guard let task = InstructorTask(reading: message) else { return "I can't do this." }
        guard draws.unit() < options.instructorErrors else { return task.answer }
        var items = task.answer.split(separator: " ").map(String.init)
        items[draws.below(items.count)] = draws.one(of: task.domain.items)
        return items.joined(separator: " ")
    }

    // MARK: - Judging

    private func judgement(
        of answers: [String], to text: String, _ draws: inout TutorDraws
    ) -> String {
        let task = InstructorTask(reading: text)
        var scores = answers.map { answer in
            task.map { Self.score(answer, wanted: $0.answer) } ?? 5
        }
        if draws.unit() < options.instructorBias { scores[0] = min(10, scores[0] + 1) }
        let opening = "Both answers were held against what is asked.\n"
        guard draws.unit() < options.instructorSilences else {
            return opening
                + scores.enumerated().map { "Score of answer \($0 + 1): \($1)" }
                .joined(separator: "\n")
        }
        switch draws.below(3) {
        case 0: return opening + "Neither is without merit."
        case 1: return opening + "Score of answer 1: good\nScore of answer 2: \(scores[1])"
        default: return Self.ramble
        }
    }

    /// 10 for what is right, else 1 to 7 by how much of it is there.
    static func score(_ answer: String, wanted: String) -> Int {
        guard answer != wanted else { return 10 }
        let (own, other) = (answer.split(separator: " "), wanted.split(separator: " "))
        let right = zip(own, other).count { $0 == $1 }
        return 1 + 6 * right / max(own.count, other.count, 1)
    }

    // MARK: - Writing

    private func newTask(
        from given: String, isRarer: Bool, _ draws: inout TutorDraws
    ) -> String {
        guard let task = InstructorTask(reading: given) else {
            return "Write down anything you like."
        }
        if draws.unit() < options.instructorRepeats { return given }
        let rare = InstructorFamily.all.indices.filter {
            InstructorFamily.all[$0].domain == task.domain && !InstructorFamily.all[$0].isCommon
        }
        let new = InstructorTask(family: isRarer ? draws.one(of: rare) : task.family, &draws).text
        if draws.unit() < options.instructorRambles { return "\(new) \(Self.ramble)" }
        guard draws.unit() < options.instructorBreaks else { return new }
        switch draws.below(4) {
        case 0: return "Instruction: \(new)"
        case 1: return "\"\(new)\""
        case 2: return "Do it."
        default: return "Über \(new)"
        }
    }

    /// Words without an end in sight.
    private static let ramble = String(
        repeating: "And then there is more to be said of it. ", count: 40)
}
