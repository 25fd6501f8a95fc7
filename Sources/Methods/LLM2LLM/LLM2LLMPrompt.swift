// What the teacher is asked: to write items that exercise the same skills as one that went wrong, and,
// where its answers are checked, to answer an item itself.
//
// In substance the published prompt: the system's turn makes an educator of it and gives the rules, a
// worked example follows as a turn each way, then the wrong seed with its answer key. The words are
// ours. Templates are mustache; their names are `text`, `answer`, `choices`, `student_answer`, `count`,
// `labels`, `label_list`.

import Corpus
import Teacher

/// The compiled prompt of a run.
struct LLM2LLMPrompt: Sendable {
    private let task: LLM2LLMTask
    private let system: PromptTemplate
    private let user: PromptTemplate
    private let example: (item: LLM2LLMItem, reply: String)?
    private let showsStudentAnswer: Bool

    private static let fields = ["answer", "choices", "student_answer", "count"]

    /// Reads and compiles the templates.
    ///
    /// - Throws: `TeacherError` where a template can't be read, `MethodError` where a file can't.
    init(_ options: Recipe.LLM2LLMOptions, task: LLM2LLMTask) throws {
        self.task = task
        let prompt = options.prompt
        func template(
            _ text: String?, _ file: String?, _ key: String, _ usual: String
        ) throws -> PromptTemplate {
            try PromptTemplate(
                PromptTurns.source(text, file, "method.prompt.\(key)") ?? usual,
                place: "method.prompt.\(key)",
                dataFields: Self.fields, labels: task.labels)
        }
        let usual = LLM2LLMDefaultPrompt(task.kind)
        system = try template(prompt.system, prompt.systemFile, "system", usual.system)
        user = try template(prompt.user, prompt.userFile, "user", usual.user)
        guard user.showsRecord else {
            throw MethodError(
                .invalidRecipe,
                "method.prompt.user: the template doesn't show the question; put {{text}} where it "
                    + "belongs")
        }
        let question = prompt.exampleQuestion ?? usual.exampleQuestion
        // A worked example of another task would mislead: one's own prompt has one's own, or none.
        let isOwn = prompt.system ?? prompt.systemFile ?? prompt.user ?? prompt.userFile != nil
        if prompt.exampleQuestion == nil && isOwn || question.isEmpty {
            example = nil
        } else {
            example = (
                LLM2LLMItem(
                    id: "", question: question, answer: prompt.exampleAnswer ?? usual.exampleAnswer),
                prompt.exampleReply ?? usual.exampleReply
            )
        }
        showsStudentAnswer = options.showsStudentAnswer
    }

    /// Asks for items like one that went wrong.
    ///
    /// - Parameters:
    ///   - item: The wrong seed.
    ///   - said: What the student answered; nil where it isn't known.
    ///   - count: How many items are wanted.
    func generation(of item: LLM2LLMItem, said: String?, count: Int) -> [TextRequest.Message] {
        var turns: [TextRequest.Message] = []
        let opening = render(system, item, said: nil, count: count)
        if !opening.isEmpty { turns.append(.init(.system, opening)) }
        if let example {
            turns.append(.init(.user, render(user, example.item, said: nil, count: 1)))
            turns.append(.init(.assistant, example.reply))
        }
        turns.append(
            .init(.user, render(user, item, said: showsStudentAnswer ? said : nil, count: count)))
        return turns
    }

    /// Asks for the answer to a question, to compare it with.
    func check(of draft: GeneratedItems.Draft) -> [TextRequest.Message] {
        let item = LLM2LLMItem(
            id: "", question: draft.question, choices: draft.choices, answer: draft.answer)
        return [
            .init(.system, LLM2LLMDefaultPrompt.check(task)), .init(.user, task.prompt(item)),
        ]
    }

    private func render(
        _ template: PromptTemplate, _ item: LLM2LLMItem, said: String?, count: Int
    ) -> String {
        var fields = ["answer": item.answer, "count": "\(count)"]
        fields["choices"] = item.choices.map(LLM2LLMTask.listed)
        fields["student_answer"] = said
        return template.render(
            Record(
                id: item.id, text: item.question, fields: fields,
                source: Place(file: "", line: 0)), labels: task.labels, examples: [])
    }
}
