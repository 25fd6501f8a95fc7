// The teacher's replies in every shape that they come in, the three forms of tasks, and the prompts.

import Corpus
import Foundation
import Teacher
import TestSupport
import Testing

@testable import Methods

@Suite struct LLM2LLMTaskTests {
    static let numeric = LLM2LLMTask(kind: .numeric, labels: [], choiceFields: [])
    static let classes = LLM2LLMTask(
        kind: .classification, labels: ["LOC", "HUM"], choiceFields: [])
    static let choice = LLM2LLMTask(kind: .choice, labels: [], choiceFields: ["a", "b", "c"])

    private static func read(
        _ reply: String, isCut: Bool = false, _ task: LLM2LLMTask = numeric
    ) -> GeneratedItems { GeneratedItems(reply, isCut: isCut, task: task) }

    @Test func numberedItems() {
        let reply = """
            Here are some:
            1. Question: A has 2.
            Then 3 more?
            Answer: 2 + 3 = 5. #### 5

            2) Question: B?
            Answer: #### -1,200

            **3. Question:** C has 12 pens. 4. Question marks?
            **Answer:** so #### $0.5
            """
        let items = Self.read(reply)
        #expect(items.rejections.isEmpty)
        #expect(
            items.drafts.map(\.question) == [
                "A has 2.\nThen 3 more?", "B?", "C has 12 pens. 4. Question marks?",
            ])
        #expect(
            items.drafts.map(\.answer) == ["2 + 3 = 5. #### 5", "#### -1,200", "so #### $0.5"])
    }

    @Test(arguments: [
        ("", [ItemRejection.noItem]), ("I can't.", [.noItem]),
        ("1. Question: a? 5 #### 5", [.form]), ("1. Question: a?\nAnswer: 5", [.form]),
        ("1. Question: a?\nAnswer: 5 #### 5 #### 5", [.form]),
        ("1. Question: a?\nAnswer: b Answer: 5 #### 5", [.form]),
        ("1. Question: a? 5 #### 5\n2. c?\nAnswer: 6 #### 6", [.form]),
        ("1. Question:\nAnswer: #### 5", [.content]),
        ("1. Question: a?\nAnswer: so #### many", [.content]),
        ("1. a?\nAnswer: #### 5\n2. Question: b?\nAnswer: #### 6", []),
        ("1. Question: a?\nAnswer: 5\n2. Question: b?\nAnswer: #### 6", [.form]),
    ])
    func rejected(reply: String, reasons: [ItemRejection]) {
        let items = Self.read(reply)
        #expect(items.rejections == reasons)
        #expect(items.drafts.count == (reply.contains("b?") ? 1 : 0))
    }

    @Test func theLastPieceOfACutReplyIsDropped() {
        let reply = "1. Question: a?\nAnswer: #### 1\n2. Question: b?\nAnswer: #### 12"
        let cut = Self.read(reply, isCut: true)
        #expect(cut.drafts.map(\.question) == ["a?"] && cut.rejections == [.cut])
        #expect(Self.read(reply).drafts.count == 2)
        #expect(Self.read("1. Quest", isCut: true).rejections == [.cut])
    }

    @Test func labelsAndChoices() {
        let labels = Self.read(
            "1. Question: Where?\nAnswer: loc\n2. Question: Who?\nAnswer: NUM", Self.classes)
        #expect(labels.drafts == [.init(question: "Where?", answer: "LOC")])
        #expect(labels.rejections == [.content])
        let choices = Self.read(
            "Question: Which?\nIt is one.\nA. first\nB) second\nof two\n(C) third\nAnswer: (b)",
            Self.choice)
        #expect(
            choices.drafts == [
                .init(
                    question: "Which?\nIt is one.", choices: ["first", "second\nof two", "third"],
                    answer: "B")
            ])
        #expect(
            Self.read("Question: W?\nA. x\nB. y\nAnswer: D", Self.choice).rejections == [.content])
        #expect(Self.read("Question: W?\nAnswer: A", Self.choice).rejections == [.content])
    }

    private static func record(
        _ text: String, _ label: String?, _ fields: [String: String] = [:]
    ) -> Record {
        Record(
            id: "1", text: text, label: label, fields: fields,
            source: Place(file: "s.jsonl", line: 4))
    }

    @Test func readingAndJudgingNumbers() throws {
        let task = Self.numeric
        let item = try task.item(Self.record("q", "2 * 600 = 1200. #### 1,200"))
        #expect(task.prompt(item) == "q" && item.isSeed)
        for right in ["#### 1200", "so #### $1,200.00\n#### 7", "x ####1200 pens"] {
            #expect(task.isRight(right, item), "\(right)")
        }
        // The sign counts; what states nothing is wrong; the first mark is the answer.
        for wrong in ["1200", "#### -1200", "#### 120", "#### 7 #### 1200", "", "####"] {
            #expect(!task.isRight(wrong, item), "\(wrong)")
        }
        #expect(try task.item(Self.record("q", "7")).answer == "#### 7")
        for bad in [nil, "", "seven", "#### seven"] {
            let error = #expect(throws: MethodError.self) { try task.item(Self.record("q", bad)) }
            #expect(error?.message.contains("s.jsonl:4") == true)
        }
    }

    @Test func readingAndJudgingLabelsAndChoices() throws {
        let text = try Self.classes.item(Self.record("Who?", "HUM"))
        #expect(Self.classes.isRight(" HUM\n", text) && !Self.classes.isRight("LOC", text))
        #expect(throws: MethodError.self) { try Self.classes.item(Self.record("?", "NUM")) }
        let fields = ["a": "x", "b": "y", "c": "z"]
        let item = try Self.choice.item(Self.record("Which?", "1", fields))
        #expect(item.answer == "B" && item.choices == ["x", "y", "z"])
        #expect(Self.choice.prompt(item) == "Which?\nA. x\nB. y\nC. z")
        #expect(Self.choice.isRight("B. y", item) && Self.choice.isRight("(b)", item))
        #expect(!Self.choice.isRight("A", item) && !Self.choice.isRight("Because", item))
        #expect(throws: MethodError.self) { try Self.choice.item(Self.record("?", "D", fields)) }
    }

    @Test func promptsShowTheSeedAndTheRules() throws {
        var options = Recipe.LLM2LLMOptions()
        let item = try Self.numeric.item(Self.record("How many <pens>?", "1 + 1 = 2. #### 2"))
        let turns = try LLM2LLMPrompt(options, task: Self.numeric)
            .generation(of: item, said: "#### 3", count: 2)
        #expect(turns.map(\.role) == [.system, .user, .assistant, .user])
        #expect(turns[3].content.contains("Write 2 new problem(s)"))
        #expect(turns[3].content.contains("Question: How many <pens>?\nAnswer: 1 + 1 = 2. #### 2"))
        #expect(!turns[3].content.contains("#### 3"))
        #expect(
            GeneratedItems(turns[2].content, isCut: false, task: Self.numeric).drafts.count == 1)
        options.showsStudentAnswer = true
        let shown = try LLM2LLMPrompt(options, task: Self.numeric)
            .generation(of: item, said: "#### 3", count: 1)
        #expect(shown[3].content.contains("#### 3") && !shown[1].content.contains("#### 3"))
        let labels = try LLM2LLMPrompt(options, task: Self.classes)
            .generation(of: Self.classes.item(Self.record("Who?", "HUM")), said: nil, count: 1)
        #expect(labels.map(\.role) == [.system, .user])
        #expect(labels[0].content.contains("LOC, HUM"))
    }

    @Test func promptsOfTheRecipe() throws {
        let folder = try TemporaryFolder()
        try folder.write("user.txt", "{{count}}: {{text}} = {{answer}}\n")
        var options = Recipe.LLM2LLMOptions()
        options.prompt.system = ""
        options.prompt.userFile = folder.file("user.txt")
        let item = try Self.numeric.item(Self.record("q", "7"))
        let turns = try LLM2LLMPrompt(options, task: Self.numeric)
            .generation(of: item, said: nil, count: 3)
        #expect(turns == [.init(.user, "3: q = #### 7")])
        options.prompt.user = "{{text}}"
        #expect(throws: MethodError.self) { try LLM2LLMPrompt(options, task: Self.numeric) }
        options.prompt.userFile = nil
        options.prompt.user = "{{answer}}"
        options.prompt.system = "{{question}}"
        #expect(throws: TeacherError.self) { try LLM2LLMPrompt(options, task: Self.numeric) }
    }
}
