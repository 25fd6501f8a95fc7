// The ways in which the teacher is prompted. The paper's prompts in substance and in our own words: what is
// measured is the idea, and whoever wants another wording gives it in the recipe.

import Corpus

/// A way of asking the teacher.
public enum PrimingArm: String, Sendable, CaseIterable {
    /// The question alone.
    case none
    /// As one who teaches a beginner.
    case teacher
    /// As a strong model whose answers weaker ones learn from.
    case groundTruth = "ground_truth"
    /// With a check at the end.
    case confidence
    /// With a prompt of the user's.
    case custom

    /// What the teacher is told; nil where it is told nothing, or by the user alone.
    var words: String? {
        switch self {
        case .none, .custom: nil
        case .teacher:
            "You are a patient teacher, and the one who asks is your student. Guide the student to the "
                + "answer in small, clear and simple steps that somebody understands who doesn't "
                + "know the subject yet."
        case .groundTruth:
            "You are a very capable model, and your answer will be the reference from which smaller "
                + "models learn. Give a detailed answer that they can follow and learn from: write every "
                + "step down, and leave out nothing that matters."
        case .confidence:
            "Answer the question. When your answer is complete, go over it once more, briefly, and make "
                + "sure that it is right."
        }
    }
}

/// What the teacher reads of a question in one arm.
struct PrimingPrompt {
    private static let mark = "{{question}}"

    let arm: PrimingArm
    private let words: String?

    /// - Throws: `MethodError` where the arm `custom` has no prompt.
    init(_ arm: PrimingArm, _ options: Recipe.PrimingOptions.PromptOptions) throws {
        self.arm = arm
        let own: String? =
            switch arm {
            case .none: nil
            case .teacher: options.teacher
            case .groundTruth: options.groundTruth
            case .confidence: options.confidence
            case .custom: options.custom
            }
        words = own ?? arm.words
        guard arm != .custom || words != nil else {
            throw MethodError(
                .invalidRecipe, "method.prompts.custom is missing: the prompt of the arm custom")
        }
    }

    /// The prompt with the question in its place.
    func text(_ question: String) -> String {
        guard let words else { return question }
        guard words.contains(Self.mark) else { return "\(words)\n\n\(question)" }
        return words.replacing(Self.mark, with: question)
    }
}
