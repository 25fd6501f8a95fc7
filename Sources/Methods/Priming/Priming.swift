// Response-priming prompting (arXiv 2412.17846): the teacher is told how to answer, the student isn't, and
// learns from the teacher's signal. Which prompt makes the signal easier to learn is measured.
//
//   for each arm a (none, teacher, ground truth, confidence, one's own)
//     1. the teacher reads prompt a + question:                                       PrimingArm
//        logits: and the gold answer; its scores of the answer's tokens are kept      PrimingSignals
//        text:   and answers itself; right answers are kept                           PrimingTexts
//     2. the student, from its original weights, reads the question alone:            DistillationRule
//        logits: learns gold answer and scores, alpha CE + (1 - alpha) T^2 D
//        text:   learns the teacher's answer by cross-entropy
//     3. it answers the validation and the test questions, all arms in one way
//
// Controls: the student as it is, and trained on the gold answers alone.
//
// Our choices, where the published code was faulty: signals are kept by question and token, never by order;
// both models score the same tokens with the answer so far in sight; what is chosen is chosen on validation
// questions cut from the training ones; all arms answer greedily with the same limit of tokens.

import Corpus
import Foundation
import Models
import Training

/// All students of a run, from the questions to their figures.
struct Priming {
    let session: RunSession
    let data: PrimingData
    let files: PrimingFiles
    let fingerprint: String
    let student: GenerativeStudent
    /// Nil where there are controls alone.
    let teacher: PrimingTeacher?

    private var options: Recipe.PrimingOptions { session.recipe.method.priming }

    /// How a call ended.
    enum Outcome {
        case stopped(String)
        /// Of each condition its seeds' results.
        case complete([[PrimingResult]])
    }

    /// What a student is taught.
    struct Lesson {
        var examples: [TextExample]
        var rule: any TokenLossRule = TokenCrossEntropy()
        var leftOut: [String: Int] = [:]
    }

    func run() throws -> Outcome {
        var results: [[PrimingResult]] = []
        for condition in PrimingCondition.all(options) {
            var lesson: Lesson?
            var ofSeeds: [PrimingResult] = []
            for seed in seeds(of: condition) {
                if let known = try files.result(condition, seed) {
                    ofSeeds.append(known)
                    continue
                }
                if lesson == nil { lesson = try self.lesson(condition) }
                guard let taught = lesson else { return .stopped("asking the teacher") }
                guard let result = try measure(condition, taught, seed: seed) else {
                    return .stopped("training \(condition.name), seed \(seed)")
                }
                ofSeeds.append(result)
            }
            results.append(ofSeeds)
        }
        return .complete(results)
    }

    private func seeds(of condition: PrimingCondition) -> [UInt64] {
        let count = condition == .untrained ? 1 : options.seeds
        return (0..<UInt64(count)).map { session.recipe.seed &+ $0 }
    }

    /// Step 1: what the teacher has to say in this condition; nil when stopped.
    private func lesson(_ condition: PrimingCondition) throws -> Lesson? {
        switch condition {
        case .untrained: return Lesson(examples: [])
        case .fineTuned: return Lesson(examples: data.training)
        case .arm(let arm):
            let prompt = try PrimingPrompt(arm, options.prompts)
            session.console.say("arm \(arm.rawValue): asking the teacher")
            return try teacher?.lesson(prompt, data.training)
        }
    }

    /// Steps 2 and 3; nil when stopped.
    private func measure(
        _ condition: PrimingCondition, _ lesson: Lesson, seed: UInt64
    ) throws -> PrimingResult? {
        let stage = files.stage(condition, seed)
        try student.reset()
        if !lesson.examples.isEmpty {
            session.console.say(
                "\(condition.name), seed \(seed): \(lesson.examples.count) examples")
            try session.byLeader { try stage.create() }
            let outcome = try student.train(
                GenerativeStudent.Lessons(
                    examples: lesson.examples, options: session.recipe.train, folder: stage,
                    fingerprint: "\(fingerprint)-\(condition.name)-\(seed)", seed: seed,
                    rule: lesson.rule),
                resume: .automatic)
            guard outcome.isComplete else { return nil }
        }
        var result = PrimingResult(condition: condition.name, seed: seed)
        result.trainedOn = lesson.examples.count
        result.leftOut = lesson.leftOut
        result.validation = try scores(of: data.validation)
        result.test = try scores(of: data.test)
        if condition != .untrained { try student.export(to: stage.student) }
        try session.byLeader {
            try files.write(result, condition)
            // The exported student is what is left of the stage.
            try stage.removeCheckpoints()
        }
        session.console.say("\(condition.name), seed \(seed): \(result.sentence)")
        return result
    }

    /// The student's figures on some questions.
    private func scores(of examples: [TextExample]) throws -> PrimingScores {
        guard !examples.isEmpty else { return PrimingScores() }
        var scores = PrimingScores()
        if options.judgesAnswers {
            let evaluate = session.recipe.evaluate
            let answers = try student.answers(
                to: examples.map(\.prompt),
                AnswerOptions(maximumTokens: evaluate.maximumNewTokens))
            scores.right = try AnswerScore(answers, wanted: examples, by: evaluate.compare).right
        }
        let losses = try student.losses(of: examples)
        scores.losses = losses.map(\.sum)
        scores.tokens = losses.map(\.count)
        return scores
    }
}

/// Where the students of a run rest.
struct PrimingFiles {
    let folder: RunFolder

    private var arms: String { "\(folder.path)/arms" }

    /// The folder of one student's training.
    func stage(_ condition: PrimingCondition, _ seed: UInt64) -> RunFolder {
        RunFolder(path: "\(arms)/\(condition.name)/seed-\(seed)", labels: folder.labels)
    }

    /// A student's figures, if they are known.
    func result(_ condition: PrimingCondition, _ seed: UInt64) throws -> PrimingResult? {
        try PrimingResult.read(path(condition, seed))
    }

    /// Keeps a student's figures.
    func write(_ result: PrimingResult, _ condition: PrimingCondition) throws {
        let stage = stage(condition, result.seed)
        try stage.create()
        try result.write(to: path(condition, result.seed), stage)
    }

    /// Removes all students of an earlier run.
    func remove() throws {
        guard FileManager.default.fileExists(atPath: arms) else { return }
        do {
            try FileManager.default.removeItem(atPath: arms)
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(arms): can't be removed: \((error as NSError).localizedDescription)")
        }
    }

    /// Makes a student the run's: a link, since it may be large.
    func choose(_ condition: String, _ seed: UInt64) throws {
        let target = "arms/\(condition)/seed-\(seed)/student"
        do {
            if (try? FileManager.default.destinationOfSymbolicLink(atPath: folder.student)) != nil {
                try FileManager.default.removeItem(atPath: folder.student)
            }
            try FileManager.default.createSymbolicLink(
                atPath: folder.student, withDestinationPath: target)
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(folder.student): can't be made: \((error as NSError).localizedDescription)")
        }
    }

    private func path(_ condition: PrimingCondition, _ seed: UInt64) -> String {
        "\(stage(condition, seed).path)/result.json"
    }
}
