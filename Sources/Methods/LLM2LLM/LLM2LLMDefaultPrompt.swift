// The teacher's prompt where the recipe gives none: in substance the published one for GSM8K, and ours in
// its manner for labels and choices. The words are ours.

/// The prompt of a form of task.
struct LLM2LLMDefaultPrompt {
    let system: String
    let user: String
    let exampleQuestion: String
    let exampleAnswer: String
    let exampleReply: String

    init(_ task: Recipe.LLM2LLMOptions.Task) {
        switch task {
        case .numeric: self = .numeric
        case .classification: self = .classification
        case .choice: self = .choice
        }
    }

    private init(
        system: String, user: String, exampleQuestion: String = "", exampleAnswer: String = "",
        exampleReply: String = ""
    ) {
        self.system = system
        self.user = user
        self.exampleQuestion = exampleQuestion
        self.exampleAnswer = exampleAnswer
        self.exampleReply = exampleReply
    }

    private static let said = """
        {{#student_answer}}

        The student answered:
        {{student_answer}}
        {{/student_answer}}
        """

    private static let numeric = LLM2LLMDefaultPrompt(
        system: """
            You are a teacher. You are given a word problem that a student got wrong, with its answer key, \
            and you write new problems that exercise the same skills.

            Rules:
            - Each problem can be solved from its text alone, without a picture or a table.
            - Write plain English, fewer than 100 words a problem.
            - The answer is one whole or decimal number: no fraction, no unit, no words.
            - The answer key shows each step of the calculation and ends with `#### ` and the number.
            - Check the calculation. A wrong answer key does harm.
            - Use other names, other things and other numbers than the problem that is given.

            Write each problem in this form, numbered from 1, and nothing else:
            1. Question: the problem
            Answer: the calculation #### the number
            """,
        user: """
            The student got this problem wrong. Write {{count}} new problem(s) for the same skills.

            Question: {{text}}
            Answer: {{answer}}
            """ + said,
        exampleQuestion:
            "A farmer keeps 12 hens. Each lays 5 eggs a week. How many eggs does he have after 3 weeks?",
        exampleAnswer:
            "The hens lay 12 * 5 = 60 eggs a week. In 3 weeks that is 60 * 3 = 180. #### 180",
        exampleReply: """
            1. Question: A workshop has 8 benches. At each bench 6 chairs are made a day. How many chairs \
            are made in 4 days?
            Answer: In a day 8 * 6 = 48 chairs are made. In 4 days that is 48 * 4 = 192. #### 192
            """)

    private static let classification = LLM2LLMDefaultPrompt(
        system: """
            You write training texts for a classifier. Its classes are: {{label_list}}. You are given a text \
            that it got wrong, with the right class, and you write new texts of the same class that are hard \
            in the same way.

            Rules:
            - The class of each new text is beyond doubt, and it is one of the classes above.
            - Keep the language, the kind of text and about its length.
            - Change the subject, the names and the wording; no new text repeats another.

            Write each text in this form, numbered from 1, and nothing else:
            1. Question: the text
            Answer: the class
            """,
        user: """
            The classifier got this text wrong. Write {{count}} new text(s) of its class.

            Question: {{text}}
            Answer: {{answer}}
            """ + said)

    private static let choice = LLM2LLMDefaultPrompt(
        system: """
            You write multiple-choice questions. You are given one that a student got wrong, with the right \
            letter, and you write new ones that exercise the same skill.

            Rules:
            - Each question can be answered from its text alone.
            - It has as many choices as the one that is given, each on its own line behind its letter.
            - Exactly one choice is right, and the others are plausible.
            - Change the subject and the wording; the right letter needn't be the same.

            Write each question in this form, numbered from 1, and nothing else:
            1. Question: the question
            A. the first choice
            B. the second choice
            Answer: the right letter
            """,
        user: """
            The student got this question wrong. Write {{count}} new question(s) for the same skill.

            Question: {{text}}
            {{choices}}
            Answer: {{answer}}
            """ + said)

    /// The system's turn that asks for an answer.
    static func check(_ task: LLM2LLMTask) -> String {
        switch task.kind {
        case .numeric:
            "Solve the problem. Show each step of the calculation, and end with `#### ` and the number."
        case .classification:
            "Answer with exactly one of these labels and nothing else: "
                + task.labels.joined(separator: ", ") + "."
        case .choice: "Answer with the letter of the right choice and nothing else."
        }
    }
}
