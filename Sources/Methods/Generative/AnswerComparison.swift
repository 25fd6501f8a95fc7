// When an answer is right.

import Corpus

/// How an answer is compared with the one that is wanted.
public enum AnswerComparison: String, Sendable, CaseIterable {
    /// The same text, but for white space at both ends.
    case exact
    /// The same final number, however it is written.
    case number

    /// Whether an answer is right.
    ///
    /// - Returns: nil where the wanted answer has no number to compare with.
    func isRight(_ answer: String, wanted: String) -> Bool? {
        switch self {
        case .exact: return Self.trimmed(answer) == Self.trimmed(wanted)
        case .number:
            let grader = AnswerGrader()
            return grader.gold(of: wanted).map { grader.isRight(answer, gold: $0) }
        }
    }

    private static func trimmed(_ text: String) -> Substring {
        let start = text.drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return start[...last]
    }
}

/// How many answers are right.
struct AnswerScore: Codable, Equatable {
    /// Whether each answer is right.
    let right: [Bool]

    /// - Throws: `MethodError` for a wanted answer that can't be compared with.
    init(
        _ answers: [String], wanted examples: [TextExample], by comparison: AnswerComparison
    ) throws {
        right = try zip(answers, examples).map { answer, example in
            guard let isRight = comparison.isRight(answer, wanted: example.answer) else {
                throw MethodError(
                    .invalidRecipe,
                    "example '\(example.id)': no number in the answer that is wanted; set "
                        + "evaluate.compare: exact, or mend the file")
            }
            return isRight
        }
    }

    var correct: Int { right.count { $0 } }
    /// The share that is right; 0 without answers.
    var accuracy: Double { right.isEmpty ? 0 : Double(correct) / Double(right.count) }
}
