// What a user can choose about LLM2LLM, with the published defaults where there are any.

extension Recipe {
    /// The options of `llm2llm` and its baselines.
    public struct LLM2LLMOptions: Sendable, Equatable {
        /// The form of the task.
        public enum Task: String, Sendable, CaseIterable {
            /// A worked answer that ends in `#### n`.
            case numeric
            /// One of the labels.
            case classification
            /// One of several choices, by its letter.
            case choice
        }

        /// Where new items come from.
        public enum Augmentation: String, Sendable, CaseIterable {
            /// The teacher writes them for the wrong seeds, round by round.
            case llm2llm
            /// Nowhere: the seeds alone.
            case none
            /// EDA's edits of each seed, once.
            case eda
            /// The teacher writes them for all seeds alike, once.
            case bulk
            /// A pool's items that are nearest to the wrong seeds, round by round.
            case nearest
            /// A pool's items at random, once.
            case random

            /// Whether there are rounds; otherwise the data set is made once, before training.
            public var hasRounds: Bool { self == .llm2llm || self == .nearest }
            /// Whether a teacher that writes text is asked.
            public var asksTeacher: Bool { self == .llm2llm || self == .bulk }
            /// Whether items are taken from a pool.
            public var takesFromPool: Bool { self == .nearest || self == .random }
        }

        /// The form of the task.
        public var task = Task.numeric
        /// Where new items come from.
        public var augmentation = Augmentation.llm2llm
        /// Students trained, one after the other; one round less of new items.
        public var rounds = 10
        /// New items for each wrong seed and round.
        public var perSeed = 1
        /// Times that the teacher is asked for a wrong seed in a round, before it counts as failed.
        public var attempts = 5
        /// The highest ROUGE-L F measure of a new question to one that is there.
        public var similarity = 0.95
        /// Compares with the items of all rounds, not of this one alone.
        public var comparesAllRounds = false
        /// The teacher's own answers that are asked for to check an item's; 0: it isn't checked.
        public var agreementSamples = 0
        /// How many of these must agree with the item's answer.
        public var agreementCount = 1
        /// Shows the teacher what the student answered.
        public var showsStudentAnswer = false
        /// The teacher's sampling temperature.
        public var temperature = 1.0
        /// The teacher's nucleus.
        public var topP = 1.0
        /// Longest reply of the teacher in tokens.
        public var maximumTokens = 512
        /// The teacher's prompt.
        public var prompt = PromptOptions()
        /// `bulk`: requests to the teacher in all.
        public var calls = 0
        /// `eda`: new texts of each seed; `random`: new items in all.
        public var additions = 0
        /// `eda`: the edits, of synonym, insertion, swap and deletion.
        public var edits: [EasyDataEdit] = EasyDataEdit.allCases
        /// `eda`: the share of the words that an edit changes.
        public var editShare = 0.1
        /// `eda`: a file of synonyms, a line a set of words.
        public var synonyms = ""
        /// `nearest`, `random`: files of real items that the student hasn't seen.
        public var pool: [String] = []
        /// `nearest`: a sentence encoder's folder; empty takes the student's.
        public var poolEncoder = ""
        /// `choice`: the fields that hold the choices, in the order of the letters.
        public var choices: [String] = []
        /// Which items of a batch a student is trained on, as `llkd` has it; an item's answer counts as
        /// certain.
        public var selection = SelectionOptions(rule: .all)

        /// The defaults.
        public init() {}

        /// The teacher's prompt: templates, or nil for those of the task.
        public struct PromptOptions: Sendable, Equatable {
            /// The system's turn.
            public var system: String?
            /// A file with it.
            public var systemFile: String?
            /// The turn that shows the wrong seed.
            public var user: String?
            /// A file with it.
            public var userFile: String?
            /// A worked example's question; empty for none.
            public var exampleQuestion: String?
            /// Its answer key.
            public var exampleAnswer: String?
            /// The reply that would have been right.
            public var exampleReply: String?

            /// The defaults.
            public init() {}
        }
    }
}
