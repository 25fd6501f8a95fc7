// The files that a closed loop with the tutor needs: problems as JSON lines, and a small untrained decoder
// whose tokenizer has a token for every word that the tutor says; and the examiner's items. All are
// functions of the seed.

import ArgumentParser
import Foundation

/// What is written instead of serving.
struct TutorFileOptions: ParsableArguments, Sendable {
    enum Mixture: String, ExpressibleByArgument, CaseIterable, Sendable {
        /// Sums without a story, of one to three operations, and stories of one.
        case broad
        /// Every shape of the examination, those of one operation `easyShare` times as often.
        case examination
    }

    @Option(help: "Writes problems of a mixture and ends: broad or examination.")
    var tutorData: Mixture?

    @Option(help: "Writes the examiner's items, so many of each subject, and ends.")
    var examinerData: Int?

    @Option(help: "How many problems are written.")
    var count = 100

    @Option(help: "How often each shape of one operation comes in an examination.")
    var easyShare = 1

    @Option(help: "Writes an untrained decoder into this folder and ends.")
    var tutorStudent: String?

    @Option(help: "Width of the decoder, a multiple of 32.")
    var studentWidth = 128

    @Option(help: "Layers of the decoder.")
    var studentLayers = 4

    func validate() throws {
        guard count > 0, easyShare > 0, studentWidth > 0, studentWidth % 32 == 0, studentLayers > 0
        else {
            throw ValidationError("counts and the student's sizes must be above 0, widths x 32")
        }
    }

    /// Writes what is asked for; false where nothing is.
    func write(seed: UInt64) throws -> Bool {
        if let tutorData {
            let lines = TutorFiles.problems(
                tutorData, count: count, easyShare: easyShare, seed: seed)
            try FileHandle.standardOutput.write(contentsOf: Data(lines.utf8))
        }
        if let tutorStudent {
            try TutorStudent(width: studentWidth, layers: studentLayers, seed: seed)
                .write(to: tutorStudent)
        }
        if let examinerData {
            let lines = TutorFiles.items(examinerData, seed: seed)
            try FileHandle.standardOutput.write(contentsOf: Data(lines.utf8))
        }
        return tutorData != nil || tutorStudent != nil || examinerData != nil
    }
}

/// Files of problems and items.
enum TutorFiles {
    /// Items of multiple choice as JSON lines, subject by subject; no question twice.
    static func items(_ count: Int, seed: UInt64) -> String {
        var lines = ""
        for (place, subject) in ExaminerQuestion.subjects.enumerated() {
            var draws = TutorDraws(Hash.mix(seed, UInt64(place)))
            var seen: Set<String> = []
            while seen.count < count {
                let item = ExaminerItem(subject: subject, choices: 4, &draws)
                guard seen.insert(item.question).inserted else { continue }
                lines += item.json(id: "\(subject)/\(seed)-\(seen.count)", subject: subject)
            }
        }
        return lines
    }

    /// Problems as JSON lines with `id`, `question`, `answer`; no question twice.
    static func problems(
        _ mixture: TutorFileOptions.Mixture, count: Int, easyShare: Int = 1, seed: UInt64
    ) -> String {
        let shapes =
            Array(repeating: TutorShape.easy, count: easyShare).flatMap { $0 } + TutorShape.hard
        var lines = ""
        var seen: Set<String> = []
        var number: UInt64 = 0
        while seen.count < count {
            number += 1
            var draws = TutorDraws(Hash.mix(seed, number))
            // Shapes in turn, so that a few dozen hold each as they should.
            let (question, answer) = problem(mixture, shapes[seen.count % shapes.count], &draws)
            // A small mixture runs out of new questions: then repeats are let in.
            guard seen.insert(question).inserted || number > UInt64(50 * count) else { continue }
            if number > UInt64(50 * count) { seen.insert("\(question) \(number)") }
            lines +=
                "{\"id\":\"\(mixture.rawValue)-\(seed)-\(seen.count)\",\"question\":\"\(question)\","
                + "\"answer\":\"\(answer)\"}\n"
        }
        return lines
    }

    private static func problem(
        _ mixture: TutorFileOptions.Mixture, _ shape: TutorShape, _ draws: inout TutorDraws
    ) -> (question: String, answer: String) {
        switch mixture {
        case .examination:
            let problem = TutorProblem(shape, &draws)
            return (problem.question, problem.solution)
        case .broad:
            guard draws.unit() < 0.5 else {
                let problem = TutorProblem(draws.one(of: TutorShape.easy), &draws)
                return (problem.question, problem.solution)
            }
            let problem = TutorProblem(draws.one(of: TutorShape.examination), &draws)
            return ("What is \(sum(of: problem))?", problem.solution)
        }
    }

    /// A problem's chain without its story: `3 * 4, then + 5`.
    private static func sum(of problem: TutorProblem) -> String {
        let steps = (problem.shape.beginsWithRows ? [TutorStep.times] : []) + problem.shape.steps
        let told = zip(steps, problem.numbers.dropFirst()).map { "\($0.rawValue) \($1)" }
        return "\(problem.numbers[0]) " + told.joined(separator: ", then ")
    }
}
