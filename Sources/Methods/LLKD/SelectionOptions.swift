// What a user can choose about sample selection, with the defaults of the `llkd` method.

/// Which samples of a batch the student is trained on.
public enum SelectionRule: String, Sendable, CaseIterable {
    /// Every sample.
    case all
    /// Each sample with the same chance, `randomRatio`.
    case random
    /// The teacher-confident ones.
    case confidence
    /// The student-uncertain ones.
    case uncertainty
    /// Learning with Less: both gates, weighted.
    case llkd

    /// True when the rule looks at the student's entropy, which costs a forward pass.
    public var needsUncertainty: Bool { self == .uncertainty || self == .llkd }
}

/// The options of selection.
public struct SelectionOptions: Sendable, Equatable {
    /// The rule.
    public var rule: SelectionRule
    /// `random`: the chance to keep a sample.
    public var randomRatio: Double
    /// `confidence` and `uncertainty`: keep this share of each batch instead of gating at the moving
    /// average (the fixed-ratio baselines); nil for the gate.
    public var ratio: Double?
    /// Momentum `m` of the moving averages, in 0..<1.
    public var momentum: Double
    /// Steps gated by confidence alone, while the student's entropy says nothing yet.
    public var warmupSteps: Int
    /// Lowers the confidence threshold of classes that the teacher seldom picks.
    public var adaptConfidence: Bool
    /// Lowers the uncertainty threshold of classes on which the student is already sure.
    public var adaptUncertainty: Bool
    /// Weights what is kept by confidence x uncertainty.
    public var weighted: Bool
    /// Steers both thresholds so that about this share of the visits is kept; nil leaves them alone.
    public var targetRatio: Double?

    /// The defaults.
    public init(
        rule: SelectionRule = .llkd, randomRatio: Double = 0.1, ratio: Double? = nil,
        momentum: Double = 0.99,
        warmupSteps: Int = 20, adaptConfidence: Bool = false, adaptUncertainty: Bool = true,
        weighted: Bool = true, targetRatio: Double? = nil
    ) {
        self.rule = rule
        self.randomRatio = randomRatio
        self.ratio = ratio
        self.momentum = momentum
        self.warmupSteps = warmupSteps
        self.adaptConfidence = adaptConfidence
        self.adaptUncertainty = adaptUncertainty
        self.weighted = weighted
        self.targetRatio = targetRatio
    }
}
