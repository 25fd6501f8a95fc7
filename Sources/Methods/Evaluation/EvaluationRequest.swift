// What is to be measured, and how: the options of `retort evaluate` as a plain value.

/// A measurement that is asked for.
public struct EvaluationRequest: Sendable {
    /// What a model is to do with a text.
    public enum Task: String, Sendable, CaseIterable {
        /// Name its class.
        case classify
        /// Answer it in words.
        case answer
        /// Choose one of its choices: files of multiple-choice items.
        case choose
    }

    /// Where the texts with their gold labels or answers are (`test`), and what their fields are called.
    public var data: Recipe.DataOptions
    /// The model's folder, its longest input, and how a decoder is asked.
    public var student = Recipe.StudentOptions()
    /// What the model is to do; nil: what its folder is for; a decoder with
    /// `labels` classifies.
    public var task: Task?
    /// The class names that a decoder chooses from, in order; empty: those of the data.
    public var labels: [String] = []
    /// What of a choice a decoder's probabilities are taken of.
    public var scoring = Recipe.MCQAOptions.Scoring.letters
    /// When an answer in words is right.
    public var comparison = AnswerComparison.exact
    /// The longest answer in words, in tokens.
    public var answerTokens = 256
    /// Draws of the bootstrap; 0 for no intervals.
    public var replicates = 2000
    /// Where its draws start.
    public var seed: UInt64 = 0

    /// A measurement on some data.
    public init(data: Recipe.DataOptions) {
        self.data = data
    }
}
