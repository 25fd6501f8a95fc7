// The parts of response priming that need no model: prompts, the division of the questions, the teacher's own
// answers, answers put behind another prompt.

import Corpus
import Models
import Teacher
import Testing

@testable import Methods

@Suite struct PrimingPartsTests {
    static func examples(_ count: Int) -> [TextExample] {
        (0..<count).map {
            TextExample(id: "q\($0)", prompt: "What is \($0)?", answer: "#### \($0)")
        }
    }

    // MARK: - Prompts

    @Test func prompts() throws {
        var options = Recipe.PrimingOptions.PromptOptions()
        #expect(try PrimingPrompt(.none, options).text("1 + 1?") == "1 + 1?")
        for arm in [PrimingArm.teacher, .groundTruth, .confidence] {
            let text = try PrimingPrompt(arm, options).text("1 + 1?")
            #expect(text.hasSuffix("\n\n1 + 1?") && text.count > 100)
        }
        options.teacher = "Q: {{question}} Teach!"
        options.confidence = "Check."
        #expect(
            try PrimingPrompt(.teacher, options).text("1 {{question}}")
                == "Q: 1 {{question}} Teach!")
        #expect(try PrimingPrompt(.confidence, options).text("1?") == "Check.\n\n1?")
        #expect(throws: MethodError.self) { try PrimingPrompt(.custom, options) }
        options.custom = "Mine."
        #expect(try PrimingPrompt(.custom, options).text("1?") == "Mine.\n\n1?")
    }

    // MARK: - Questions

    @Test func division() throws {
        var recipe = Recipe()
        recipe.method.priming.validationRatio = 0.25
        recipe.evaluate.compare = .number
        let pool = Self.examples(400)
        // The same question under another name.
        let again = pool.map { TextExample(id: $0.id + "b", prompt: $0.prompt, answer: $0.answer) }
        let data = try PrimingData(pool: pool + again, test: Self.examples(3), recipe)
        let (training, validation) = (
            Set(data.training.map(\.prompt)), data.validation.map(\.prompt)
        )
        #expect(data.training.count + data.validation.count == 800 && data.test.count == 3)
        #expect(validation.allSatisfy { !training.contains($0) })
        #expect((140...260).contains(validation.count))
        let same = try PrimingData(pool: pool + again, test: [], recipe)
        #expect(same.training == data.training)
        recipe.seed = 1
        #expect(
            try PrimingData(pool: pool, test: [], recipe).validation.map(\.prompt) != validation)
    }

    @Test func questionsThatCannotBe() throws {
        var recipe = Recipe()
        recipe.evaluate.compare = .number
        recipe.method.priming.validationRatio = 0
        #expect(throws: MethodError.self) {
            try PrimingData(pool: Self.examples(9), test: [], recipe)
        }
        recipe.method.priming.validationRatio = 1
        #expect(throws: MethodError.self) {
            try PrimingData(pool: Self.examples(9), test: [], recipe)
        }
        recipe.method.priming.validationRatio = 0.5
        let wordless = Self.examples(9) + [TextExample(prompt: "Who?", answer: "nobody")]
        #expect(throws: MethodError.self) { try PrimingData(pool: wordless, test: [], recipe) }
        recipe.method.priming.judgesAnswers = false
        #expect(throws: Never.self) { try PrimingData(pool: wordless, test: [], recipe) }
        recipe.method.priming.signal = .text
        #expect(throws: MethodError.self) { try PrimingData(pool: wordless, test: [], recipe) }
        recipe.method.priming.correctOnly = false
        #expect(throws: Never.self) { try PrimingData(pool: wordless, test: [], recipe) }
    }

    // MARK: - The teacher's own answers

    @Test(arguments: [true, false])
    func answers(correctOnly: Bool) throws {
        var options = Recipe.PrimingOptions()
        options.correctOnly = correctOnly
        options.teacherTemperature = 0.7
        options.teacherTokens = 99
        let examples = Self.examples(5)
        let prompt = try PrimingPrompt(.teacher, options.prompts)
        let texts = PrimingTexts(options: options, compare: .number) { requests in
            #expect(requests.map(\.id) == examples.map(\.id))
            #expect(requests.allSatisfy { $0.maximumTokens == 99 && $0.attempt == 0 })
            #expect(requests.allSatisfy { $0.sampling.temperature == 0.7 })
            #expect(requests[2].messages.map(\.content) == [prompt.text(examples[2].prompt)])
            return [
                .text("So it is \\boxed{0.0}.", finishReason: "stop"), .failed("no server"),
                .cut("2, because"), .text("It is 4", finishReason: "stop"),
                .text("Surely 4", finishReason: nil),
            ]
        }
        let lesson = try texts.lesson(prompt, examples)
        #expect(lesson.examples.map(\.id) == (correctOnly ? ["q0", "q4"] : ["q0", "q3", "q4"]))
        #expect(lesson.examples.first?.answer == "So it is \\boxed{0.0}.")
        #expect(lesson.examples.first?.prompt == "What is 0?")
        var leftOut = ["failed": 1, "cut": 1]
        if correctOnly { leftOut["wrong"] = 1 }
        #expect(lesson.leftOut == leftOut)
    }

    @Test func noAnswers() throws {
        let texts = PrimingTexts(options: .init(), compare: .number) { requests in
            requests.map { _ in .text("no idea", finishReason: "stop") }
        }
        let prompt = try PrimingPrompt(.none, .init())
        #expect {
            _ = try texts.lesson(prompt, Self.examples(7))
        } throws: { error in
            (error as? MethodError)?.code == .unusableLabels && "\(error)".contains("7 wrong")
        }
    }

    // MARK: - Answers behind another prompt

    @Test func spans() throws {
        let ignored = DecoderBatch.ignored
        let span = try SignalSample(
            id: "q", teacherPrompt: [9, 8, 7, 6],
            student: ([1, 2, 3, 4, 5, 0], [ignored, ignored, 3, 4, 5, ignored]))
        #expect(span.prompt == [9, 8, 7, 6] && span.answer == [3, 4, 5])
        for labels in [
            [ignored, ignored, ignored], [1, 2, 3], [ignored, 2, ignored, 4],
        ] as [[Int32]] {
            let ids = (1...Int32(labels.count)).map { $0 }
            #expect(throws: MethodError.self) {
                try SignalSample(id: "q", teacherPrompt: [9], student: (ids, labels))
            }
        }
    }
}
