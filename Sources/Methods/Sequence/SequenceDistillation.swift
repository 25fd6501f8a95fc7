// Sequence-level knowledge distillation (Kim and Rush 2016, arXiv 1606.07947): the teacher answers, and the
// student learns its answers as if they were true.
//
//   1. the teacher answers each prompt of the pool, once or several times
//   2. the student is fine-tuned on the answers that are whole                      FineTuningStage
//
// Our choices: the published teacher is a translation model whose best answer is found by beam search; a language
// model behind a server has none, so its answer is greedy, or sampled `answers` times at a temperature, each
// another example. Cut, failed and empty answers are counted and not learnt.
//
// docs/methods.md goes through this file as an example of how a method is added.

import Corpus
import Foundation
import Teacher
import Training

extension Recipe {
    /// The options of `sequence`.
    public struct SequenceOptions: Sendable, Equatable {
        /// The teacher's answers to each prompt.
        public var answers = 1
        /// The teacher's sampling temperature.
        public var temperature = 0.0
        /// The teacher's longest answer in tokens.
        public var maximumTokens = 512
        /// What the teacher, and not the student, is told before the prompt; nil for nothing.
        public var system: String?
        /// Which answers of a batch are learnt.
        public var selection = SelectionOptions(rule: .all)

        /// The defaults.
        public init() {}
    }
}

/// A run of sequence-level distillation.
struct SequenceDistillation {
    private let session: RunSession
    private var options: Recipe.SequenceOptions { session.recipe.method.sequence }

    init(_ session: RunSession) {
        self.session = session
    }

    /// Carries everything out that isn't done yet.
    ///
    /// - Parameter resume: `never` begins again; anything else goes on.
    /// - Returns: True when all is done; false when stopped, to be called again.
    func run(resume: ResumePoint) throws -> Bool {
        let inputs = try GenerativeInputs(session, needsAnswers: false)
        return try session.carryOut(
            inputs.fingerprint, resume,
            report: { try FineTuningReport.table(session.folder) }
        ) { secondsBefore in
            inputs.say(session.console)
            let (examples, leftOut) = try answered(inputs.pool)
            return try FineTuningStage(
                session: session, inputs: inputs,
                selection: options.selection,
                spending: LedgerTotals(folder: session.folder.labels), leftOut: leftOut
            ).run(examples, resume, secondsBefore)
        }
    }

    /// Step 1: the prompts with the teacher's answers, and how many answers aren't learnt, by reason.
    private func answered(
        _ prompts: [TextExample]
    ) throws -> (examples: [TextExample], leftOut: [String: Int]) {
        let teacher = try TextTeacher(session)
        session.console.say("teacher: \(teacher.description)")
        let answers = try teacher.answers(to: prompts.flatMap(requests))
        var examples: [TextExample] = []
        var leftOut: [String: Int] = [:]
        for (place, answer) in answers.enumerated() {
            let prompt = prompts[place / options.answers]
            switch answer {
            case .text(let text, _) where !text.allSatisfy(\.isWhitespace):
                examples.append(
                    TextExample(
                        id: "\(prompt.id)+\(place % options.answers + 1)", prompt: prompt.prompt,
                        answer: text))
            case .text: leftOut["empty", default: 0] += 1
            case .cut: leftOut["cut", default: 0] += 1
            case .failed: leftOut["failed", default: 0] += 1
            }
        }
        let reasons = leftOut.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
            .joined(separator: ", ")
        guard !examples.isEmpty else {
            throw MethodError(
                .unusableLabels,
                "none of the teacher's \(answers.count) answers can be learnt (\(reasons)); look at "
                    + "them with retort labels show \(session.folder.labels)")
        }
        session.console.say(
            "answers: \(examples.count)" + (reasons.isEmpty ? "" : ", not learnt: \(reasons)"))
        return (examples, leftOut)
    }

    private func requests(_ prompt: TextExample) -> [TextRequest] {
        let system = options.system.map { [TextRequest.Message(.system, $0)] } ?? []
        return TextRequest(
            id: prompt.id, messages: system + [.init(.user, prompt.prompt)],
            sampling: .init(
                temperature: options.temperature,
                seed: options.temperature > 0 ? session.recipe.seed : nil),
            maximumTokens: options.maximumTokens
        ).repeated(options.answers)
    }
}
