// The tutor itself: its problems are solvable, read back as they were told, and drawn by the seed alone.

import Foundation
import Testing

@testable import teacher_double

@Suite struct TutorTests {
    @Test func problemsAreReadBackAsTheyWereTold() {
        for seed in UInt64(0)..<600 {
            var draws = TutorDraws(seed)
            let shape = TutorShape.examination[Int(seed) % TutorShape.examination.count]
            let problem = TutorProblem(shape, &draws)
            let results = problem.results ?? []
            #expect(results.count == shape.operations)
            #expect(results.allSatisfy { (1...TutorProblem.limit).contains($0) })
            #expect(problem.solution.hasSuffix("#### \(problem.answer)"))
            let read = TutorProblem(reading: problem.question)
            #expect(read?.shape == shape && read?.numbers == problem.numbers)
            #expect(read?.solution == problem.solution, "\(problem.question)")
        }
        for other in ["", "Mia has 3 apples.", "What is 3 + 4?", "How many?"] {
            #expect(TutorProblem(reading: other) == nil)
        }
    }

    @Test func filesHoldNoQuestionTwice() {
        for mixture in TutorFileOptions.Mixture.allCases {
            let lines = TutorFiles.problems(mixture, count: 300, seed: 5).split(separator: "\n")
            #expect(lines.count == 300 && Set(lines).count == 300)
            #expect(
                TutorFiles.problems(mixture, count: 300, seed: 5).split(separator: "\n") == lines)
            #expect(TutorFiles.problems(mixture, count: 300, seed: 6) != lines.joined())
            for line in lines {
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8))
                #expect((object as? [String: String])?.count == 3)
            }
        }
    }

    @Test func ratesAreKept() {
        let tutor = tutor(errors: 0.2, isLaconic: false)
        var draws = TutorDraws(8)
        let problem = TutorProblem(TutorShape.hard[0], &draws)
        let replies = (0..<500).map {
            tutor.reply(to: problem.question, request: UInt64($0), choice: 0)
        }
        #expect((70...130).contains(replies.count { $0 != problem.solution }))
        #expect(replies[3] == tutor.reply(to: problem.question, request: 3, choice: 0))
        #expect(
            tutor.reply(to: "Who was Galileo ?", request: 1, choice: 0) == "I can't solve this.")
    }

    @Test func easyShapesComeAsOftenAsAskedFor() {
        let lines = TutorFiles.problems(.examination, count: 27, easyShare: 4, seed: 2)
        let easy = lines.split(separator: "\n").count { $0.split(separator: "=").count == 2 }
        #expect(easy == 20)
    }

    @Test func aLaconicTutorGivesStepsWhereTheyAreAskedFor() {
        let tutor = tutor(errors: 0.1, isLaconic: true)
        var draws = TutorDraws(8)
        let problem = TutorProblem(TutorShape.hard[0], &draws)
        func replies(_ prompt: String) -> [String] {
            (0..<500).map {
                tutor.reply(
                    to: prompt + problem.question, request: UInt64($0), choice: 0)
            }
        }
        let result = "#### \(problem.answer)"
        #expect((300...400).contains(replies("").count { $0 == result }))
        #expect(
            (420...480).contains(
                replies("Explain it in small steps.\n\n").count { $0 == problem.solution }))
        #expect(
            replies("Answer, then go over it.\n\n").allSatisfy {
                $0 == "\(result)\n\(problem.working)"
            })
    }

    /// One that neither repeats itself nor breaks the form.
    private func tutor(errors: Double, isLaconic: Bool) -> Tutor {
        var options = TutorOptions()
        options.tutorErrors = errors
        (options.tutorRepeats, options.tutorBreaks) = (0, 0)
        options.tutorLaconic = isLaconic
        return Tutor(options: options, seed: 1)
    }
}
