// A tutor of word problems behind the protocol: given a problem that went wrong, it writes new ones of the
// same kind (story, operations, sizes of the numbers) with worked answers; given a problem alone, or
// behind a prompt that says how to answer, it solves it. What it says is a function of the request's bytes. At times it errs, repeats itself, or
// breaks the form, each with a probability.

import ArgumentParser
import Foundation

/// How good the tutor is, as options.
struct TutorOptions: ParsableArguments, Sendable {
    @Flag(help: "Answers as a tutor of word problems instead of with labels.")
    var tutor = false

    @Option(help: "Chance that a written or given answer is wrong.")
    var tutorErrors = 0.03

    @Option(help: "Chance that a problem repeats the one that is shown.")
    var tutorRepeats = 0.05

    @Option(help: "Chance that an item breaks the form.")
    var tutorBreaks = 0.05

    @Flag(help: "Gives results alone unless steps are asked for, three times as often wrong.")
    var tutorLaconic = false

    func validate() throws {
        guard [tutorErrors, tutorRepeats, tutorBreaks].allSatisfy({ (0...1).contains($0) }) else {
            throw ValidationError("a tutor's chance lies between 0 and 1")
        }
    }
}

/// Writes and solves problems.
struct Tutor: Sendable {
    let options: TutorOptions
    let seed: UInt64

    /// The words of a choice.
    ///
    /// - Parameters:
    ///   - message: The last user's message.
    ///   - request: A hash of the request's bytes.
    ///   - choice: The choice's index.
    func reply(to message: String, request: UInt64, choice: Int) -> String {
        var draws = TutorDraws(Hash.mix(Hash.mix(seed, request), UInt64(choice)))
        guard let shown = Self.shown(in: message) else { return answer(to: message, &draws) }
        let problem = TutorProblem(reading: shown)
        let count = min(20, max(1, Self.count(in: message)))
        return (1...count).map { item($0, like: problem, shown, &draws) }
            .joined(separator: "\n\n")
    }

    /// The problem of the last `Question:` with an `Answer:` behind it; nil where none is shown.
    private static func shown(in message: String) -> String? {
        guard let start = message.range(of: "Question:", options: .backwards),
            let end = message.range(of: "Answer:", range: start.upperBound..<message.endIndex)
        else { return nil }
        return message[start.upperBound..<end.lowerBound]
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The number behind `Write`; 1 where there is none.
    private static func count(in message: String) -> Int {
        guard let write = message.range(of: "Write ") else { return 1 }
        return Int(message[write.upperBound...].prefix { $0.isNumber }) ?? 1
    }

    private func item(
        _ number: Int, like problem: TutorProblem?, _ shown: String, _ draws: inout TutorDraws
    ) -> String {
        var draws = TutorDraws(Hash.mix(UInt64(draws.below(1 << 30)), UInt64(number)))
        let isRepeated = draws.unit() < options.tutorRepeats
        let isBroken = draws.unit() < options.tutorBreaks
        let new: TutorProblem
        if let problem, isRepeated {
            new = problem
        } else if let problem {
            new = TutorProblem(
                problem.shape, digits: problem.digits, frame: problem.frame, &draws)
        } else {
            // Of a strange problem it makes one that it knows.
            new = TutorProblem(draws.one(of: TutorShape.examination), &draws)
        }
        let answer = solution(of: new, &draws)
        guard isBroken else { return "\(number). Question: \(new.question)\nAnswer: \(answer)" }
        switch draws.below(4) {
        case 0: return "\(number). Question: \(new.question)\n\(answer)"
        case 1: return "\(number). \(new.question)\nAnswer: \(answer)"
        case 2: return "\(number). Question: \(new.question)\nAnswer: \(new.working)"
        default: return "\(number). Question: \(new.question)\nAnswer: \(answer) #### so"
        }
    }

    /// The solution of the problem in the last paragraph, as what stands before it asks for it.
    private func answer(to message: String, _ draws: inout TutorDraws) -> String {
        let paragraphs = message.components(separatedBy: "\n\n")
        guard
            let problem = TutorProblem(
                reading: paragraphs[paragraphs.count - 1].trimmingCharacters(in: .whitespaces))
        else { return "I can't solve this." }
        let prompt = paragraphs.dropLast().joined(separator: " ")
        guard options.tutorLaconic, !prompt.contains("step") else {
            return solution(of: problem, &draws)
        }
        let errors = 3 * options.tutorErrors
        let said = draws.unit() < errors ? slip(problem, &draws) : problem.answer
        guard prompt.contains("go over") else { return "#### \(said)" }
        // A check finds a slip, but the result stands before it.
        return "#### \(problem.answer)\n\(problem.working)"
    }

    /// The worked answer, or at times one with a slip in its last step.
    private func solution(of problem: TutorProblem, _ draws: inout TutorDraws) -> String {
        guard draws.unit() < options.tutorErrors else { return problem.solution }
        let wrong = slip(problem, &draws)
        return problem.working.replacingOccurrences(
            of: "= \(problem.answer).", with: "= \(wrong).") + " #### \(wrong)"
    }

    private func slip(_ problem: TutorProblem, _ draws: inout TutorDraws) -> Int {
        problem.answer + (draws.unit() < 0.5 ? 1 : -1) * (1 + draws.below(9))
    }
}
