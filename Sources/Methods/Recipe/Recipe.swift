// A run's recipe, typed: everything that decides what a run does. Reading it from YAML, with line
// numbers in its errors, is the command line's (Sources/retort/Recipe).

import Corpus
public import Models
public import Training

/// A run's recipe.
public struct Recipe: Sendable, Equatable {
    /// The run's name, shown in reports.
    public var name = "run"
    /// Where everything random starts.
    public var seed: UInt64 = 0
    /// The run's folder.
    public var outputDirectory = ""
    /// Where the label ledgers are, for runs that share them; nil for the run's own folder.
    public var labelDirectory: String?
    /// The texts.
    public var data = DataOptions()
    /// Who labels them.
    public var teacher = TeacherOptions()
    /// What the teacher may cost, over all runs of the folder.
    public var budget = BudgetOptions()
    /// How fast the teacher may be asked, by all ranks together.
    public var rate = RateOptions()
    /// Who learns.
    public var student = StudentOptions()
    /// Which samples it learns from.
    public var method = MethodOptions()
    /// How it learns.
    public var train = TrainingOptions()
    /// When checkpoints are saved.
    public var checkpoint = CheckpointOptions()
    /// When quality is measured.
    public var evaluate = EvaluationOptions()

    /// The defaults.
    public init() {}

    /// The texts of a run.
    public struct DataOptions: Sendable, Equatable {
        /// Unlabeled texts: files, read in order.
        public var pool: [String] = []
        /// Texts with gold labels, to measure with; may be none.
        public var test: [String] = []
        /// `jsonl`, `csv`, `tsv` or `lines`; nil goes by the file's name.
        public var format: String?
        /// The field or column with the text.
        public var textField = "text"
        /// The field or column with the gold label, used for measuring alone; nil if there is none.
        public var labelField: String? = "label"
        /// The field or column with the record's id; absent ids are hashes of the text.
        public var idField = "id"
        /// Further fields or columns that the teacher's prompts use.
        public var fields: [String] = []
        /// What to do with rows that can't be read: `refuse` or `skip`.
        public var onBadRow = "refuse"

        /// The defaults.
        public init() {}
    }

    /// The student of a run.
    public struct StudentOptions: Sendable, Equatable {
        /// The model folder that it starts from.
        public var model = ""
        /// Longest input in tokens; longer texts are cut.
        public var maximumLength = 128
        /// Draws a new classifier even when the folder has one.
        public var newHead = false
        /// Decoders: the chat format; nil for the folder's own.
        public var chatTemplate: String?
        /// Decoders: what the system's turn says; nil for none.
        public var system: String?
        /// Decoders: a plain form with `{{prompt}}` in it, instead of a chat.
        public var promptTemplate: String?
        /// Decoders: trains adapters alone; nil trains all weights.
        public var lora: LoRAOptions?

        /// The defaults.
        public init() {}
    }

    /// The method of a run.
    public struct MethodOptions: Sendable, Equatable {
        /// What of the teacher's answer the student learns.
        public enum Target: String, Sendable, CaseIterable {
            /// The most probable class.
            case hard
            /// All probabilities.
            case soft
        }

        /// The method.
        public var name = MethodName.llkd
        /// Which samples are trained on.
        public var selection = SelectionOptions()
        /// What of the teacher's answer is learnt.
        public var target = Target.hard
        /// `soft`: flattens the teacher's and the student's probabilities.
        public var temperature = 1.0
        /// `llm2llm`: its options, and those of its baselines.
        public var llm2llm = LLM2LLMOptions()
        /// `priming`: its options.
        public var priming = PrimingOptions()
        /// `sequence`: its options.
        public var sequence = SequenceOptions()
        /// `mcqa`: its options.
        public var mcqa = MCQAOptions()

        /// The defaults.
        public init() {}
    }

    /// Checkpoints of a run.
    public struct CheckpointOptions: Sendable, Equatable {
        /// Save every so many steps; 0 saves at the end alone.
        public var saveSteps = 200
        /// How many are kept; at least 2.
        public var keepLatest = 2

        /// The defaults.
        public init() {}
    }

    /// Evaluation of a run.
    public struct EvaluationOptions: Sendable, Equatable {
        /// Evaluate every so many steps; 0 evaluates at the end alone.
        public var evaluationSteps = 200
        /// Log every so many steps to the terminal; the metrics log has all.
        public var loggingSteps = 10
        /// Generative students: the most tokens of an answer.
        public var maximumNewTokens = 256
        /// Generative students: how an answer is compared with the one that is wanted.
        public var compare = AnswerComparison.exact

        /// The defaults.
        public init() {}
    }
}

extension Recipe {
    /// The recipe with everything at its default that may change between two calls of one run: where it
    /// rests, how often it saves and says something, how the teacher's servers are reached and paid.
    public var decisive: Recipe {
        var recipe = self
        let fresh = Recipe()
        recipe.name = fresh.name
        recipe.outputDirectory = fresh.outputDirectory
        recipe.labelDirectory = fresh.labelDirectory
        recipe.checkpoint = fresh.checkpoint
        recipe.evaluate.loggingSteps = fresh.evaluate.loggingSteps
        recipe.budget = fresh.budget
        recipe.rate = fresh.rate
        recipe.teacher.servers = fresh.teacher.servers
        recipe.teacher.leaseSize = nil
        recipe.teacher.retryFailed = false
        return recipe
    }
}
