// The inputs of training: the texts with what the teacher said of them.

import Corpus
import Teacher

/// The inputs with the teacher's answers.
struct LabelledInputs {
    /// Nil when labelling was stopped.
    private let labelled: LabelledPool?
    /// The teacher's answers to the test texts, where it was asked.
    let testAnswers: [LabelRecord?]?
    let asked: Int
    let cached: Int
    /// Texts that the teacher gave no label.
    let missing: Int
    /// What the labels cost; nil where they cost nothing.
    let spending: LedgerTotals?
    /// The temperature that was fitted to the teacher's confidences.
    let scaling: TemperatureScaling?

    init(
        pool: LabelledPool?, testAnswers: [LabelRecord?]?, asked: Int, cached: Int, missing: Int,
        spending: LedgerTotals?, scaling: TemperatureScaling?
    ) {
        labelled = pool
        self.testAnswers = testAnswers
        self.asked = asked
        self.cached = cached
        self.missing = missing
        self.spending = spending
        self.scaling = scaling
    }

    /// Labelling that was stopped by a signal.
    static var stopped: LabelledInputs {
        LabelledInputs(
            pool: nil, testAnswers: nil, asked: 0, cached: 0, missing: 0, spending: nil,
            scaling: nil)
    }

    var isComplete: Bool { labelled != nil }

    /// The pool with its labels; only of complete labelling.
    var pool: LabelledPool {
        guard let labelled else { preconditionFailure("labelling was stopped") }
        return labelled
    }
}
