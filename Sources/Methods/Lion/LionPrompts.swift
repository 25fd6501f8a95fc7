// What Lion's teacher and generator are asked; the referee's prompt is every judge's (JudgePrompt). In
// substance the published prompts, in our words. Templates are mustache; their name is `text`.

import Teacher

/// The compiled prompts of a run.
struct LionPrompts {
    /// The teacher's: the instruction as it is.
    let answer: PromptTurns
    let referee: JudgePrompt
    private let hard: PromptTurns
    private let easy: PromptTurns

    /// Reads and compiles the templates.
    ///
    /// - Throws: `TeacherError` where a template can't be read, `MethodError` where a file can't.
    init(_ options: Recipe.LionOptions.Prompts) throws {
        func turns(
            _ own: Recipe.TurnOptions, _ name: String, _ usual: PromptTurns.Words
        ) throws -> PromptTurns {
            let turns = try PromptTurns(
                own, key: "method.prompts.\(name)", usual: usual, fields: [])
            guard turns.user.showsRecord else {
                throw MethodError(
                    .invalidRecipe,
                    "method.prompts.\(name).user: the template doesn't show the instruction; put "
                        + "{{text}} where it belongs")
            }
            return turns
        }
        answer = try turns(options.teacher, "teacher", .init(system: "", user: "{{text}}"))
        referee = try JudgePrompt(options.referee, key: "method.prompts.referee")
        hard = try turns(options.hard, "hard", Self.hard)
        easy = try turns(options.easy, "easy", Self.easy)
    }

    /// Asks for a new instruction from one that is there.
    func generation(of instruction: String, _ kind: LionKind) -> [TextRequest.Message] {
        (kind == .hard ? hard : easy).messages(text: instruction)
    }

    private static let writer = "You write tasks that an assistant is to be tried on."

    private static let hard = PromptTurns.Words(
        system: writer,
        user: """
            Read the given task and write one new task modelled on it.
            The new task is of the same field and of the same type as the given one, about as long and about \
            as difficult. It makes sense, it can be understood by itself, and an assistant that only reads and \
            writes text can answer it.

            [Given task]
            {{text}}

            Write nothing but the new task: no heading, no answer, no remark.

            [New task of the same type]
            """)

    private static let easy = PromptTurns.Words(
        system: writer,
        user: """
            Read the given task and write one new task that it leads you to.
            The new task is of the same field as the given one, but rarer: of a type that people seldom ask \
            for, far out on the long tail. It makes sense, it can be understood by itself, and an assistant \
            that only reads and writes text can answer it.

            [Given task]
            {{text}}

            Write nothing but the new task: no heading, no answer, no remark.

            [New task of a rarer type]
            """)
}
