// What a user can choose about few-shot multiple-choice distillation. The paper has no code: what isn't
// known of it is a choice of ours, and an option.

extension Recipe {
    /// The options of `mcqa`.
    public struct MCQAOptions: Sendable, Equatable {
        /// How new items are written.
        public enum Generation: String, Sendable, CaseIterable {
            /// One call gives question, choices and answer as JSON.
            case direct
            /// Three calls: the question, its answer, wrong but plausible answers.
            case decomposed
            /// Each of the two for itself; students learn from both.
            case both
            /// None: the items of `items` are there already.
            case none

            /// The ways, one after the other.
            var ways: [GenerationWay] {
                switch self {
                case .direct: [.direct]
                case .decomposed: [.decomposed]
                case .both: [.direct, .decomposed]
                case .none: []
                }
            }
        }

        /// What of a choice the teacher scores.
        public enum Scoring: String, Sendable, CaseIterable {
            /// Its letter, at the place of the answer.
            case letters
            /// Its words, by the mean log-probability of their tokens: a teacher in this process.
            case texts
        }

        /// What becomes of an item whose answer isn't the teacher's own best choice.
        public enum Disagreement: String, Sendable, CaseIterable {
            /// It is flagged and stays.
            case keep
            /// It goes.
            case drop
        }

        /// A student, by what it learns.
        public enum Student: String, Sendable, CaseIterable {
            /// The teacher's probabilities.
            case soft
            /// One choice of each item.
            case hard
            /// The few real examples alone.
            case fewShot = "few_shot"
        }

        /// The one choice that counts.
        public enum HardLabel: String, Sendable, CaseIterable {
            /// The answer that the item came with.
            case answer
            /// The teacher's best choice.
            case teacher
        }

        /// How new items are written.
        public var generation = Generation.decomposed
        /// `none`: files of items.
        public var items: [String] = []
        /// The subjects that count; empty for all.
        public var subjects: [String] = []
        /// Real examples of each subject that are shown and trained on.
        public var examples = 5
        /// Items wanted of each subject and way.
        public var perSubject = 20
        /// Times that a missing item is asked for.
        public var attempts = 4
        /// The most choices of an item; new ones are asked for with as many.
        public var choices = 4
        /// The highest ROUGE-L F measure of an item to another one, a test item for one.
        public var similarity = 0.9
        /// The teacher's sampling temperature while it writes.
        public var samplingTemperature = 1.0
        /// Its nucleus.
        public var topP = 1.0
        /// Its longest reply in tokens.
        public var maximumTokens = 512
        /// What of a choice is scored.
        public var scoring = Scoring.letters
        /// Averages over all cyclic orders of the choices: teachers favour letters.
        public var cyclesChoices = false
        /// The least probability of all letters together by which scores are trusted.
        public var minimumLetterMass = 0.1
        /// What becomes of items whose answer the teacher doesn't find.
        public var disagreement = Disagreement.keep
        /// Without `data.test`: the share of the items that is held out.
        public var testRatio = 0.1
        /// The students that are trained; the first one is the run's.
        public var students: [Student] = [.soft]
        /// One student for all subjects, or one for each.
        public var isJoint = true
        /// Flattens the teacher's and the student's probabilities.
        public var temperature = 1.0
        /// The part of the hard label in a soft student's loss.
        public var hardWeight = 0.0
        /// The hard label; nil: the generator's answer, and of given items the teacher's choice.
        public var hardLabel: HardLabel?
        /// Passes over the few examples; nil: `train.epochs`.
        public var fewShotEpochs: Int?

        /// Which items of a batch are learnt, as `llkd` has it; the five examples are learnt all.
        public var selection = SelectionOptions(rule: .all)

        /// The defaults.
        public init() {}

        /// What the hard label is.
        var hardLabelInUse: HardLabel { hardLabel ?? (generation == .none ? .teacher : .answer) }
    }
}
