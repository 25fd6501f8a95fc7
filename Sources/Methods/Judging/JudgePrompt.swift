// What a judge is asked: an instruction and two answers, side by side. In substance the prompt of Lion's
// referee, which is that of the Vicuna evaluation with the explanation first; the words are ours. Templates
// are mustache; their names are `text`, `answer_1`, `answer_2`.

import Corpus
import Teacher

/// The compiled prompt of a judge.
struct JudgePrompt: Sendable {
    private let turns: PromptTurns

    private static let usual = PromptTurns.Words(
        system: "You judge answers with care, precisely and without favour.",
        user: """
            [Task]
            {{text}}

            [Answer 1]
            {{answer_1}}

            [Answer 2]
            {{answer_2}}

            [Your judgement]
            Two assistants have answered the task above. Weigh how helpful, how relevant, how correct and how \
            detailed each answer is, and score each from 1 to 10; a better answer has a higher score.
            First explain in a few sentences what speaks for and against each. Neither the order in which the \
            answers stand nor mere length may sway you.
            Then close with these two lines, a number in place of N, and nothing after them:
            Score of answer 1: N
            Score of answer 2: N
            """)

    /// Reads and compiles the templates.
    ///
    /// - Parameters:
    ///   - options: One's own templates.
    ///   - key: The recipe's key for messages.
    init(_ options: Recipe.TurnOptions, key: String) throws {
        turns = try PromptTurns(
            options, key: key, usual: Self.usual, fields: ["answer_1", "answer_2"])
        for name in ["text", "answer_1", "answer_2"] where !turns.user.shows(name) {
            throw MethodError(
                .invalidRecipe,
                "\(key).user: the template doesn't show {{\(name)}}; put it where it belongs")
        }
    }

    /// Asks which of two answers is better, and by how much.
    func messages(_ task: String, _ first: String, _ second: String) -> [TextRequest.Message] {
        turns.messages(text: task, fields: ["answer_1": first, "answer_2": second])
    }
}
