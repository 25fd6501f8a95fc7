// Which method a recipe asks for.

public import Training

/// The methods and plain baselines, by their names in recipes.
public enum MethodName: String, Sendable, CaseIterable {
    /// Learning with less: a classifier on chosen samples (arXiv 2411.08028).
    case llkd
    /// Plain fine-tuning of a decoder on prompts with answers.
    case fineTune = "fine_tune"
    /// Response priming: a teacher under prompts that make its signal easier to learn (arXiv 2412.17846).
    case priming
    /// LLM2LLM: data that a teacher writes from what the student gets wrong (arXiv 2403.15042).
    case llm2llm
    /// Sequence-level distillation: a decoder on the teacher's answers (arXiv 1606.07947).
    case sequence
    /// Few-shot multiple choice: a teacher writes items and scores their choices (arXiv 2412.09807).
    case mcqa
}

/// Carries out a recipe's method.
public enum MethodRun {
    /// Carries everything out that isn't done yet.
    ///
    /// - Parameters:
    ///   - session: The run's means.
    ///   - resume: Where training goes on.
    ///   - asksTeacher: False to go by the labels that are there.
    /// - Returns: True when all is done; false when stopped, to be called again.
    public static func carryOut(
        _ session: RunSession, resume: ResumePoint, asksTeacher: Bool = true
    ) throws -> Bool {
        switch session.recipe.method.name {
        case .llkd: try DistillationRun(session).run(resume: resume, asksTeacher: asksTeacher)
        case .fineTune: try FineTuning(session).run(resume: resume)
        case .priming: try PrimingRun(session).run(resume: resume)
        case .llm2llm: try LLM2LLMRun(session).run(resume: resume)
        case .sequence: try SequenceDistillation(session).run(resume: resume)
        case .mcqa: try MCQARun(session).run(resume: resume)
        }
    }
}
