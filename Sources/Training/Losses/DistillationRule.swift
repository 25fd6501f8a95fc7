// Distillation as the loss rule of a language task: the rows of a pass meet what the teacher says of them,
// found by the sample's index and the token's place among its sample's predicted ones.

public import Models
public import TensorCore

/// Where a teacher's scores of predicted tokens come from.
public protocol TeacherSignals {
    /// What the teacher says of some predicted tokens, in their order.
    ///
    /// The same for the same tokens every time. Trained tokens without a signal are a programmer's
    /// mistake by then: who makes the samples checks.
    func scores(of tokens: PredictedTokens, compute: Compute) -> TeacherScores
}

/// The recorded top scores of samples, by global sample index.
public struct RecordedSignals: TeacherSignals, Sendable {
    private var bySample: [UInt32: TopScores] = [:]
    /// What the teacher's scores were divided by; nil as long as there are none.
    public private(set) var temperature: Double?

    /// No samples yet.
    public init() {}

    /// Takes the scores of a sample's predicted tokens, in their order.
    ///
    /// - Parameters:
    ///   - scores: The teacher's.
    ///   - sample: The text that the student learns from.
    ///   - vocabulary: The student's V.
    /// - Throws: `invalidOptions` unless there is a place for each predicted token, within the
    ///   vocabulary, at the temperature of the others.
    public mutating func add(
        _ scores: TopScores, for sample: LanguageSample, vocabulary: Int
    ) throws(TrainingError) {
        try DistillationLoss.check(
            .top(scores), count: sample.predictedCount, vocabulary: vocabulary)
        guard temperature ?? scores.temperature == scores.temperature else {
            throw TrainingError(
                .invalidOptions,
                "the teacher's scores of sample \(sample.sample) were recorded at temperature "
                    + "\(scores.temperature), others at \(temperature ?? 1); record them again")
        }
        temperature = scores.temperature
        bySample[sample.sample] = scores
    }

    /// The places of the tokens' samples, gathered.
    public func scores(of tokens: PredictedTokens, compute: Compute) -> TeacherScores {
        var gathered = TopScores(temperature: temperature ?? 1)
        for (sample, place) in zip(tokens.samples, tokens.places) {
            guard let scores = bySample[sample] else {
                preconditionFailure("no teacher's scores of sample \(sample)")
            }
            gathered.append(place: place, of: scores)
        }
        return .top(gathered)
    }
}

/// The loss of a `LanguageTask` that learns from a teacher's distributions.
public struct DistillationRule: TokenLossRule {
    /// What is added up.
    public let loss: DistillationLoss
    /// The teacher.
    public let signals: any TeacherSignals

    /// A loss against a teacher.
    ///
    /// - Throws: `invalidOptions` where the loss's numbers have no meaning.
    public init(
        _ loss: DistillationLoss, signals: any TeacherSignals
    ) throws(TrainingError) {
        try loss.check()
        self.loss = loss
        self.signals = signals
    }

    /// Turns scores into the loss's gradients; see `TokenLossRule`.
    public func apply(
        _ scores: Matrix, _ tokens: PredictedTokens, _ compute: Compute
    ) -> [Double] {
        // The factors hold the normaliser already.
        loss.apply(
            to: scores, tokens: 0..<scores.rows, targets: tokens.targets,
            teacher: signals.scores(of: tokens, compute: compute), weights: tokens.factors,
            normalizer: 1, compute: compute
        ).map(\.total)
    }
}
