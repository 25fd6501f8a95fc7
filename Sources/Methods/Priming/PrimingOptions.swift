// What a user can choose about response priming. The published alpha (0.609) and temperature (5.94) were
// found on the test questions, so they aren't the defaults here; whoever searches has validation questions for
// it, which are cut from the training ones.

public import Training

extension Recipe {
    /// The options of `priming`.
    public struct PrimingOptions: Sendable, Equatable {
        /// What of the teacher the student learns.
        public enum Signal: String, Sendable, CaseIterable {
            /// Its scores of the gold answer's tokens, by a teacher in this process.
            case logits
            /// Its own answer, by any teacher that writes.
            case text
        }

        /// What of the teacher the student learns.
        public var signal = Signal.logits
        /// The ways of asking the teacher that are compared.
        public var arms: [PrimingArm] = [.none, .teacher, .groundTruth, .confidence]
        /// Whether the student is measured as it is, too.
        public var measuresUntrained = true
        /// Whether a student trained on the gold answers alone is measured, too.
        public var measuresFineTuned = true
        /// The prompts of the arms; nil for those that come with the program.
        public var prompts = PromptOptions()
        /// Students trained in each arm, with seeds from the recipe's on.
        public var seeds = 1
        /// Part of the training questions that is held out to choose on.
        public var validationRatio = 0.1
        /// Whether students answer and are judged, as `evaluate` says; otherwise the loss on held-out
        /// answers is all that is measured.
        public var judgesAnswers = true
        /// `logits`: what the loss adds up.
        public var loss = DistillationLoss(
            .reverseKL, temperature: 2, alpha: 0.5, squaresTemperature: true)
        /// `logits`: tokens kept at each place.
        public var topCount = 64
        /// `text`: leaves out answers of the teacher that aren't right, as `evaluate.compare` has it.
        public var correctOnly = true
        /// `text`: longest answer of the teacher in tokens.
        public var teacherTokens = 512
        /// `text`: the teacher's sampling temperature.
        public var teacherTemperature = 0.0

        /// The defaults.
        public init() {}

        /// Prompts of one's own; each may show the question as `{{question}}`, which otherwise follows it.
        public struct PromptOptions: Sendable, Equatable {
            /// Of the arm `teacher`.
            public var teacher: String?
            /// Of the arm `ground_truth`.
            public var groundTruth: String?
            /// Of the arm `confidence`.
            public var confidence: String?
            /// Of the arm `custom`.
            public var custom: String?

            /// The program's own.
            public init() {}
        }
    }
}
