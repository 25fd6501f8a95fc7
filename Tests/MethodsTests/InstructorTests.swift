// The instructor itself: its tasks are read back as they were told, and what it says in each role is what a
// Lion run expects of a teacher.

import Foundation
import Teacher
import Testing

@testable import Methods
@testable import teacher_double

@Suite struct InstructorTests {
    private func instructor(_ change: (inout InstructorOptions) -> Void = { _ in }) -> Instructor {
        var options = InstructorOptions()
        options.instructor = true
        (options.instructorErrors, options.instructorRambles) = (0, 0)
        (options.instructorSilences, options.instructorBias) = (0, 0)
        (options.instructorRepeats, options.instructorBreaks) = (0, 0)
        change(&options)
        return Instructor(options: options, seed: 1)
    }

    @Test func tasksAreReadBackAsTheyWereTold() {
        for number in 0..<480 {
            var draws = TutorDraws(UInt64(number))
            let task = InstructorTask(family: number % InstructorFamily.all.count, &draws)
            #expect(InstructorTask(reading: task.text) == task, "\(task.text)")
            #expect(!task.answer.isEmpty)
        }
        for other in ["", "Write it down.", "Put x in reverse order.", "copy: a b"] {
            #expect(InstructorTask(reading: other) == nil)
        }
    }

    @Test func mixtures() {
        let asked = InstructorFileOptions.tasks(.asked, count: 1000, seed: 3)
            .split(separator: "\n").map { String($0.split(separator: "\"")[7]) }
        let families = asked.compactMap { InstructorTask(reading: $0)?.family }
        #expect(families.count == 1000)
        let common = families.count { InstructorFamily.all[$0].isCommon }
        #expect((860...940).contains(common))
        let even = InstructorFileOptions.tasks(.examination, count: 160, seed: 3)
        #expect(even.split(separator: "\n").count == 160)
        #expect(even == InstructorFileOptions.tasks(.examination, count: 160, seed: 3))
        #expect(even != InstructorFileOptions.tasks(.examination, count: 160, seed: 4))
    }

    @Test func itAnswersJudgesAndWrites() throws {
        let prompts = try LionPrompts(Recipe.LionOptions().prompts)
        let teacher = instructor()
        var draws = TutorDraws(4)
        for family in InstructorFamily.all.indices {
            let task = InstructorTask(family: family, &draws)
            func reply(_ messages: String?, _ request: UInt64 = 1) -> String {
                teacher.reply(to: messages ?? "", request: request, choice: 0)
            }
            #expect(reply(prompts.answer.messages(text: task.text).last?.content) == task.answer)
            let judged = reply(
                prompts.referee.messages(task.text, "nonsense", task.answer).last?.content)
            #expect(JudgeScores(judged, isCut: false) == JudgeScores(1, 10))
            for request in UInt64(0)..<8 {
                let hard = reply(
                    prompts.generation(of: task.text, .hard).last?.content, request)
                #expect(InstructorTask(reading: hard)?.family == family)
                let easy = reply(
                    prompts.generation(of: task.text, .easy).last?.content, request)
                let rarer = try #require(InstructorTask(reading: easy))
                #expect(rarer.domain == task.domain)
                #expect(!InstructorFamily.all[rarer.family].isCommon)
            }
        }
    }

    @Test func itErrsAsOftenAsItIsTold() throws {
        let prompts = try LionPrompts(Recipe.LionOptions().prompts)
        var draws = TutorDraws(5)
        let task = InstructorTask(family: 3, &draws)
        func replies(_ prompt: String?, _ change: (inout InstructorOptions) -> Void) -> [String] {
            let teacher = instructor(change)
            return (0..<500).map { teacher.reply(to: prompt ?? "", request: $0, choice: 0) }
        }
        let wrong = replies(task.text) { $0.instructorErrors = 0.2 }
        // An item that is drawn may be the right one.
        #expect((60...130).contains(wrong.count { $0 != task.answer }))
        let silent = replies(prompts.referee.messages(task.text, "a", "b").last?.content) {
            $0.instructorSilences = 0.2
        }
        #expect((70...130).contains(silent.count { JudgeScores($0, isCut: false) == nil }))
        let broken = replies(prompts.generation(of: task.text, .hard).last?.content) {
            $0.instructorBreaks = 0.2
        }
        let reasons = broken.map { reply -> InstructionRejection? in
            guard
                case .failure(let fault) = InstructionFilter.instruction(
                    .text(reply, finishReason: "stop"))
            else { return nil }
            return fault.rejection
        }
        #expect((70...130).contains(reasons.count { $0 != nil }))
        #expect(
            Set(reasons.compactMap { $0 }) == [.short, .firstCharacter, .forbiddenWord])
    }
}
