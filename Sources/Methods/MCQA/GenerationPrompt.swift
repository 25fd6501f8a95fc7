// What the teacher is asked while it writes items, in our words: the paper's prompts aren't known. Each
// request shows the real examples of the subject in an order of its own.

import Corpus
import Teacher

/// The prompts of one request, from the examples of its subject.
struct GenerationPrompt {
    let subject: String
    /// The real examples in the order in which they are shown.
    let examples: [ChoiceItem]
    /// How many choices an item shall have.
    let choices: Int

    /// The subject as people write it.
    private var topic: String { subject.split(separator: "_").joined(separator: " ") }

    /// The direct way's one call.
    var wholeItem: [TextRequest.Message] {
        let shown = examples.map { example in
            let choices = example.choices.map(JSONText.quoted).joined(separator: ", ")
            return
                "{\"question\": \(JSONText.quoted(example.question)), \"choices\": [\(choices)], "
                + "\"answer\": \"\(LLM2LLMTask.letters[example.answer])\"}"
        }.joined(separator: "\n")
        return [
            .init(
                .system,
                "You write multiple-choice questions for examinations. Reply with one JSON object and "
                    + "nothing else."),
            .init(
                .user,
                "Examples on the subject \(topic):\n\n\(shown)\n\nWrite one new question on the same "
                    + "subject, as hard as these and unlike any of them, with \(choices) different choices "
                    + "of which exactly one is right. Reply with a JSON object with the members "
                    + "\"question\", \"choices\" and \"answer\", the letter of the right choice."),
        ]
    }

    /// The decomposed way's first call.
    var question: [TextRequest.Message] {
        let shown = examples.map { "Question: \($0.question)" }.joined(separator: "\n\n")
        return [
            .init(
                .system,
                "You write questions for examinations. Reply with the question alone, without choices "
                    + "and without its answer."),
            .init(
                .user,
                "Examples on the subject \(topic):\n\n\(shown)\n\nWrite one new question on the same "
                    + "subject, as hard as these and unlike any of them."),
        ]
    }

    /// The second: the right answer.
    func answer(to question: String) -> [TextRequest.Message] {
        let shown = examples.map { "Question: \($0.question)\nAnswer: \($0.rightChoice)" }
            .joined(separator: "\n\n")
        return [
            .init(
                .system,
                "You answer examination questions. Reply with the right answer alone, as short as in the "
                    + "examples."),
            .init(
                .user,
                "Examples on the subject \(topic):\n\n\(shown)\n\nQuestion: \(question)\nAnswer:"),
        ]
    }

    /// The third: wrong but plausible answers.
    func distractors(of question: String, answer: String) -> [TextRequest.Message] {
        let shown = examples.map { example in
            let wrong = example.choices.indices.filter { $0 != example.answer }
                .map { example.choices[$0] }.joined(separator: "\n")
            return "Question: \(example.question)\nRight answer: \(example.rightChoice)\n"
                + "Wrong answers:\n\(wrong)"
        }.joined(separator: "\n\n")
        return [
            .init(
                .system,
                "You write wrong answers for multiple-choice examinations: plausible to who knows little, "
                    + "clearly wrong to who knows. Reply with one a line and nothing else."),
            .init(
                .user,
                "Examples on the subject \(topic):\n\n\(shown)\n\nWrite \(choices - 1) different wrong "
                    + "answers.\n\nQuestion: \(question)\nRight answer: \(answer)\nWrong answers:"),
        ]
    }
}
