// What a teacher gives the students of an arm: scores of gold answers, or answers of its own.

import Corpus
import Models
import Teacher
import Tokenizers
import Training

/// The teacher of a run, in one of its two parts.
enum PrimingTeacher {
    /// It is in this process and scores gold answers.
    case scorer(PrimingSignals)
    /// It answers, wherever it is.
    case writer(PrimingTexts)

    /// What a student learns in an arm.
    ///
    /// - Returns: nil when stopped.
    func lesson(
        _ prompt: PrimingPrompt, _ examples: [TextExample]
    ) throws -> Priming.Lesson? {
        switch self {
        case .scorer(let signals): try signals.lesson(prompt, examples)
        case .writer(let texts): try texts.lesson(prompt, examples)
        }
    }
}

/// A teacher's own answers as targets.
struct PrimingTexts {
    let options: Recipe.PrimingOptions
    /// What a right answer is.
    let compare: AnswerComparison
    /// The teacher's texts, in the order of the requests; a collective.
    let ask: ([TextRequest]) throws -> [TextAnswer]

    /// Why an answer is left out.
    private enum Reason: String {
        case failed, cut, wrong
    }

    func lesson(
        _ prompt: PrimingPrompt, _ examples: [TextExample]
    ) throws -> Priming.Lesson {
        let answers = try ask(
            examples.map { example in
                TextRequest(
                    id: example.id, messages: [.init(.user, prompt.text(example.prompt))],
                    sampling: .init(temperature: options.teacherTemperature),
                    maximumTokens: options.teacherTokens)
            })
        var lesson = Priming.Lesson(examples: [])
        for (example, answer) in zip(examples, answers) {
            switch judged(answer, example) {
            case .success(let text):
                lesson.examples.append(
                    TextExample(id: example.id, prompt: example.prompt, answer: text))
            case .failure(let reason): lesson.leftOut[reason.name, default: 0] += 1
            }
        }
        guard !lesson.examples.isEmpty else {
            let reasons = lesson.leftOut.sorted { $0.key < $1.key }
                .map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            throw MethodError(
                .unusableLabels,
                "arm \(prompt.arm.rawValue): none of the teacher's \(answers.count) answers can be "
                    + "learnt from (\(reasons)); look at them with retort labels, or set "
                    + "method.correct_only: false")
        }
        return lesson
    }

    private struct LeftOut: Error {
        let name: String
        init(_ reason: Reason) { name = reason.rawValue }
    }

    private func judged(
        _ answer: TextAnswer, _ example: TextExample
    ) -> Result<String, LeftOut> {
        switch answer {
        case .failed: return .failure(LeftOut(.failed))
        case .cut: return .failure(LeftOut(.cut))
        case .text(let text, _):
            guard options.correctOnly else { return .success(text) }
            guard compare.isRight(text, wanted: example.answer) == true else {
                return .failure(LeftOut(.wrong))
            }
            return .success(text)
        }
    }
}
