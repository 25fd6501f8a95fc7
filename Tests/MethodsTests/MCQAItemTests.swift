// Items of multiple choice: the forms of files that are read, what is refused in what a teacher writes, and
// which items are nearly the same.

import Corpus
import Foundation
import TestSupport
import Testing

@testable import Methods

@Suite struct ChoiceItemReaderTests {
    @Test func theFormsThatArePublished() throws {
        let folder = try TemporaryFolder()
        let mmlu = try folder.write(
            "mmlu.jsonl",
            """
            {"uid": "law/1", "subject": "law", "question": "Who?", "choices": ["a", "b ", "c"], "answer": 2}
            {"id": "2", "question": "What?", "choices": ["B", "A"], "answer": "A"}

            {"question": "Which?", "choices": ["one", "two"], "answer": "two"}
            """)
        let items = try ChoiceItemReader([mmlu]).items
        #expect(items.map(\.answer) == [2, 0, 1])
        #expect(items[0].id == "law/1" && items[0].choices == ["a", "b", "c"])
        #expect(items[1].subject == "general" && items[2].id.count == 16)
        let structured = try folder.write(
            "csqa.jsonl",
            """
            {"answerKey": "B", "id": "x", "question": {"stem": "Where?", "question_concept": "y", \
            "choices": [{"label": "A", "text": "here"}, {"label": "B", "text": "there"}]}}
            """)
        #expect(
            try ChoiceItemReader([structured]).items
                == [
                    ChoiceItem(
                        id: "x", subject: "general", question: "Where?",
                        choices: ["here", "there"], answer: 1)
                ])
        let instructions = try folder.write(
            "obqa.json",
            """
            [
              {"instruction": "Please choose the correct answer to the question: Fog is\\n\\n\
            Answer1: a marsh Answer2: a desert\\n\\nAnswer format: answer1/answer2", "input": "",
               "answer": "answer2"}
            ]
            """)
        let instructed = try ChoiceItemReader([instructions]).items[0]
        #expect(instructed.question == "Fog is" && instructed.choices == ["a marsh", "a desert"])
        #expect(instructed.answer == 1)
    }

    @Test(
        arguments: [
            (
                "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 2}",
                "none of the choices"
            ),
            ("{\"question\": \"q\", \"choices\": [\"a\"], \"answer\": 0}", "1 choices"),
            ("{\"question\": \" \", \"choices\": [\"a\", \"b\"], \"answer\": 0}", "empty"),
            ("{\"choices\": [\"a\", \"b\"], \"answer\": 0}", "no question"),
            ("{\"question\": \"q\", \"choices\": [\"a\", \"\"], \"answer\": 0}", "none empty"),
            ("question", "not a JSON object"),
        ])
    func whatIsNoItemIsNamedWithItsLine(_ line: String, _ words: String) throws {
        let folder = try TemporaryFolder()
        let good = "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 0}\n"
        let path = try folder.write("items.jsonl", good + line + "\n")
        let error = #expect(throws: MethodError.self) { try ChoiceItemReader([path]) }
        #expect(error?.message.contains("items.jsonl:2: ") == true)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func theSameRowTwiceCountsOnceAndAnotherUnderItsIdIsRefused() throws {
        let folder = try TemporaryFolder()
        let row =
            "{\"id\": \"1\", \"question\": \"q\", \"choices\": [\"a\", \"b\"], \"answer\": 0}\n"
        let twice = try ChoiceItemReader([try folder.write("a.jsonl", row + row)])
        #expect(twice.items.count == 1 && twice.repeats == 1)
        let other = try folder.write(
            "b.jsonl", row + row.replacingOccurrences(of: "\"q\"", with: "\"r\""))
        #expect(throws: MethodError.self) { try ChoiceItemReader([other]) }
    }

    @Test(.enabled(if: SharedData.has("data/mmlu"), "no data at hand"))
    func realFiles() throws {
        func count(_ path: String) throws -> Int {
            try ChoiceItemReader([SharedData.path("data/\(path)")]).items.count
        }
        #expect(try count("mmlu/dev.jsonl") == 285)
        #expect(try count("mmlu/test.jsonl.gz") == 14_042)
        #expect(try count("commonsenseqa/dev_rand_split.jsonl.gz") == 1_221)
        #expect(try count("openbookqa/test_instr.json") == 500)
        #expect(try count("openbookqa/train_instr.json.gz") == 4_952)
    }
}

@Suite struct GeneratedItemTests {
    private func fault(_ json: String) -> ItemFault? {
        do throws(ItemFault) {
            _ = try DraftItem(json: json, most: 4)
            return nil
        } catch {
            return error
        }
    }

    @Test func anItemInOneReply() throws {
        let whole = """
            {"question": " Who? ", "choices": ["x", "y", "z"], "answer": "C", "note": 1}
            """
        let item = try DraftItem(json: whole, most: 4)
        #expect(item.question == "Who?" && item.choices == ["x", "y", "z"] && item.answer == 2)
        #expect(try DraftItem(json: "```json\n\(whole)\n```", most: 4) == item)
        let words = whole.replacingOccurrences(of: "\"C\"", with: "\"Y.\"")
        #expect(try DraftItem(json: words, most: 4).answer == 1)
        // A choice's words count before its letter.
        let letters = "{\"question\": \"q\", \"choices\": [\"B\", \"A\"], \"answer\": \"A\"}"
        #expect(try DraftItem(json: letters, most: 4).answer == 1)
    }

    @Test func whatIsRefusedInIt() {
        func item(_ choices: String, _ answer: String, _ question: String = "q") -> String {
            "{\"question\": \"\(question)\", \"choices\": \(choices), \"answer\": \(answer)}"
        }
        #expect(fault("Here: " + item("[\"a\", \"b\"]", "\"A\"")) == .form)
        #expect(fault(item("[\"a\", \"b\"]", "\"A\"", "")) == .form)
        #expect(fault(item("[\"a\", \"b\"]", "1")) == .form)
        #expect(fault(item("\"a\"", "\"A\"")) == .form)
        #expect(fault(item("[\"a\"]", "\"A\"")) == .choices)
        #expect(fault(item("[\"a\", \"b\", \"c\", \"d\", \"e\"]", "\"A\"")) == .choices)
        #expect(fault(item("[\"a\", \"\"]", "\"A\"")) == .choices)
        #expect(fault(item("[\"a b\", \"A  b.\"]", "\"A\"")) == .choices)
        #expect(fault(item("[\"a\", \"b\"]", "\"C\"")) == .answer)
        #expect(fault(item("[\"a\", \"a\"]", "\"C\"")) == .choices)
    }

    @Test func repliesOfThreeCalls() throws {
        #expect(try DecomposedReply.question("Question: Who\nis it?\n") == "Who\nis it?")
        #expect(throws: ItemFault.form) { try DecomposedReply.question("Of course.\n\nWho?") }
        #expect(throws: ItemFault.form) { try DecomposedReply.answer("Answer: ") }
        #expect(try DecomposedReply.answer(" 42. ") == "42.")
        let lines = "1. one\nb) two\n- three\n\n* four\n-5\nA. Smith\n3.5"
        #expect(
            try DecomposedReply.distractors(lines, count: 9)
                == ["one", "two", "three", "four", "-5", "Smith", "3.5"])
        #expect(try DecomposedReply.distractors(lines, count: 2) == ["one", "two"])
        #expect(throws: ItemFault.form) { try DecomposedReply.distractors(" \n", count: 3) }
    }

    @Test func anOrderOfItsOwnForEachItem() {
        var firsts: [Int] = [0, 0, 0, 0]
        for number in 0..<400 {
            let item = ChoiceItem(
                id: "s/\(number)", subject: "s", question: "q", choices: ["a", "b", "c", "d"],
                answer: 0)
            let shuffled = item.shuffled(seed: 3)
            #expect(shuffled.rightChoice == "a" && Set(shuffled.choices).count == 4)
            #expect(shuffled == item.shuffled(seed: 3))
            firsts[shuffled.answer] += 1
        }
        // 100 of each, give or take four standard deviations.
        #expect(firsts.allSatisfy { abs($0 - 100) < 35 }, "\(firsts)")
    }
}

@Suite struct OverlapTests {
    /// What the index finds is what comparing with all of them finds.
    @Test(arguments: [0.3, 0.6, 0.8, 0.9, 1.0])
    func nearTextsAreFoundWithoutComparingAll(threshold: Double) {
        var numbers = SampleNumbers(seed: UInt64(100 * threshold))
        func text() -> String {
            (0..<(1 + numbers.below(14))).map { _ in "w\(numbers.below(6) * numbers.below(9))" }
                .joined(separator: " ")
        }
        var texts = (0..<150).map { _ in text() }
        // Near ones for certain: a word changed, dropped, moved.
        for index in 0..<60 {
            var words = texts[index].split(separator: " ")
            words[numbers.below(words.count)] = "new"
            texts.append(words.joined(separator: " "))
        }
        var index = NearDuplicates(threshold: threshold, like: texts.map(RougeL.words))
        var found = 0
        for (number, text) in texts.enumerated() {
            let expected = texts[..<number].firstIndex {
                RougeL.fMeasure($0, text) > threshold
            }
            #expect(index.near(RougeL.words(text)) == expected, "\(text)")
            found += expected == nil ? 0 : 1
            index.add(RougeL.words(text))
        }
        #expect(threshold == 1 ? found == 0 : found > 10)
    }

    private func item(_ question: String, _ choices: [String], _ answer: Int = 0) -> ChoiceItem {
        ChoiceItem(id: question, subject: "s", question: question, choices: choices, answer: answer)
    }

    @Test func theSameItemHoweverItIsWritten() {
        let known = item("What is 37 plus 45?", ["82", "72", "83"])
        var gate = OverlapGate([known], similarity: 0.9)
        #expect(gate.overlap(of: item("what is 37 plus 45", ["1", "82."], 1)) == .exact)
        #expect(gate.overlap(of: item("What is 37 plus 46?", ["83", "82", "72"])) == nil)
        #expect(gate.overlap(of: item("What is 37 plus 45?", ["72", "83", "82"])) == .near)
        #expect(gate.overlap(of: item("Is it?", ["yes", "no"])) == nil)
    }

    @Test func longQuestionsCountByThemselves() {
        let long = "Which of the kings of the country signed the treaty after the war"
        let known = item(long, ["John", "Henry"])
        var gate = OverlapGate([known, item("Which is true?", ["x", "y"])], similarity: 0.9)
        #expect(gate.overlap(of: item(long + " ended", ["Edward", "George"])) == .near)
        #expect(gate.overlap(of: item("Which is true?", ["v", "w"])) == nil)
        let signs = item("What is the sign?", ["+", "-"])
        var other = OverlapGate([signs], similarity: 0.99)
        #expect(other.overlap(of: item("What is the sign?", ["-", "*"])) != .exact)
    }
}
