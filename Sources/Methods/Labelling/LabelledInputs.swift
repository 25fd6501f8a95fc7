// The inputs of training: the texts with what the teacher said of them.

import Corpus

/// The inputs with the teacher's answers.
struct LabelledInputs {
    let pool: LabelledPool
    /// The teacher's answers to the test texts, where it was asked.
    let testAnswers: [LabelRecord?]?
    /// What reports say of the labels.
    let report: LabellingReport
}
