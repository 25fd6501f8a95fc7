// The examiner itself: its questions are read back as they were asked, and its items have one right choice.

import Foundation
import Testing

@testable import teacher_double

@Suite struct ExaminerTests {
    @Test func questionsAreReadBackAsTheyWereAsked() {
        for seed in UInt64(0)..<400 {
            var draws = TutorDraws(seed)
            let kinds = ExaminerQuestion.Kind.allCases
            let level = 1 + Int(seed % 3)
            let question = ExaminerQuestion(kinds[Int(seed) % kinds.count], level: level, &draws)
            #expect(ExaminerQuestion(reading: question.text) == question, "\(question.text)")
            let besides = question.wrongAnswers(1, &draws)
            let wrong = question.wrongAnswers(5, besides: besides, &draws)
            #expect(Set(wrong + besides + [question.answer]).count == 7)
        }
        #expect(ExaminerQuestion(reading: "What is 37 plus 45?")?.answer == "82")
        #expect(ExaminerQuestion(reading: "What is bade spelled backwards?")?.answer == "edab")
        #expect(
            ExaminerQuestion(reading: "How many minutes are 2 hours and 10 minutes?")?.answer
                == "130")
        for other in ["", "What is it?", "What is a plus b?", "Which year comes 3 years?"] {
            #expect(ExaminerQuestion(reading: other) == nil)
        }
    }

    @Test func itemsHaveOneRightChoice() throws {
        let lines = TutorFiles.items(30, seed: 5).split(separator: "\n")
        #expect(lines.count == 90 && Set(lines).count == 90)
        for line in lines {
            let item = try JSONDecoder().decode(ExaminerTestItem.self, from: Data(line.utf8))
            let question = try #require(ExaminerQuestion(reading: item.question))
            #expect(question.kind.subject == item.subject)
            #expect(item.choices[item.answer] == question.answer)
            #expect(Set(item.choices).count == 4)
        }
        #expect(TutorFiles.items(30, seed: 5) != TutorFiles.items(30, seed: 6))
    }
}
