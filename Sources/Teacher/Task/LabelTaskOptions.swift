// What a recipe says of the questions to a teacher and of reading its answers, as a plain value.
// `LabelTask` checks it; which server, what price and how fast stand elsewhere.

/// How records are asked about, and what is made of the answers.
public struct LabelTaskOptions: Sendable, Equatable {
    /// What kind of answer is asked for.
    public enum AnswerKind: String, Sendable, CaseIterable {
        /// One of the labels, in plain words.
        case label
        /// A JSON object with the label, and with a confidence where that is verbalized.
        case json
        /// Any text; it is kept as it is.
        case text
    }

    /// Where the probabilities of the labels come from.
    public enum Confidence: String, Sendable, CaseIterable {
        /// The log-probabilities of the answer's tokens.
        case logprobs
        /// The share of votes among samples and prompts.
        case votes
        /// The number that the teacher states.
        case verbalized
        /// Nowhere: the label alone is kept.
        case none
    }

    /// Whether the server is sent a JSON schema.
    public enum SchemaMode: String, Sendable, CaseIterable {
        /// With chats whose answer is JSON.
        case auto
        /// Never: for servers that don't take it.
        case off
    }

    /// One way of putting the question: two templates, each given as text or as a file.
    public struct Prompt: Sendable, Equatable {
        /// The template of the system turn.
        public var system: String?
        /// The template of the user turn.
        public var user: String?
        /// A file with the template of the system turn.
        public var systemFile: String?
        /// A file with the template of the user turn.
        public var userFile: String?

        /// A prompt; what isn't given is the default of the answer's kind.
        public init(
            system: String? = nil, user: String? = nil, systemFile: String? = nil,
            userFile: String? = nil
        ) {
            self.system = system
            self.user = user
            self.systemFile = systemFile
            self.userFile = userFile
        }
    }

    /// Labelled examples that are shown to the teacher.
    public struct Examples: Sendable, Equatable {
        /// How examples are chosen for a record.
        public enum Choice: String, Sendable, CaseIterable {
            /// The same ones for all records, drawn by the seed.
            case seed
            /// `count` of each class, in turn, drawn by the seed.
            case `class`
            /// Those nearest to the record by the cosine of their embeddings.
            case nearest
        }

        /// The file: JSONL, CSV or TSV with a text and a label.
        public var path: String
        /// How many are shown; with `class`, of each class.
        public var count: Int
        /// How they are chosen.
        public var choose: Choice
        /// The seed of the draw.
        public var seed: UInt64
        /// The field of the text.
        public var textField: String
        /// The field of the label.
        public var labelField: String

        /// Describes examples.
        public init(
            path: String, count: Int = 4, choose: Choice = .seed, seed: UInt64 = 0,
            textField: String = "text", labelField: String = "label"
        ) {
            self.path = path
            self.count = count
            self.choose = choose
            self.seed = seed
            self.textField = textField
            self.labelField = labelField
        }
    }

    /// The model's name, as the server knows it.
    public var model: String
    /// Which part of the API is asked.
    public var route = TeacherRequest.Route.chatCompletions
    /// The class names, in order; for the kinds `label` and `json`.
    public var labels: [String]
    /// What kind of answer is asked for.
    public var answer = AnswerKind.label
    /// The ways of putting the question; each is asked, and together they vote.
    public var prompts = [Prompt()]
    /// Examples to show, if any.
    public var examples: Examples?
    /// The record fields that templates may use beyond text and id; nil: any name is one.
    public var dataFields: [String]?
    /// Whether a JSON schema goes with the request.
    public var jsonSchema = SchemaMode.auto
    /// Where probabilities come from; nil: log-probabilities for labels, nowhere for text.
    public var confidence: Confidence?
    /// How many alternatives are asked for at each token (1 to 20).
    public var topLogprobs = 20
    /// The least sum of the labels' probabilities by which they are trusted (0 to 1).
    public var minimumLabelMass = 0.5
    /// How many answers a request asks for (`n`).
    public var samples = 1
    /// How often an unusable answer is asked again (0 to 5).
    public var reAsk = 1
    /// The longest answer in tokens; nil: 16 for labels, 256 for JSON and text.
    public var maximumTokens: Int?
    /// The temperature of sampling.
    public var temperature = 0.0
    /// Nucleus sampling, where the server shall do it (above 0, to 1).
    public var topP: Double?
    /// The seed that the server is given, if any.
    public var seed: Int?
    /// Further members of the body: the text of a JSON object.
    public var extraBody: String?

    /// Options with their defaults.
    public init(model: String, labels: [String] = []) {
        self.model = model
        self.labels = labels
    }

    /// The longest answer in tokens, default put in.
    public var answerTokens: Int { maximumTokens ?? (answer == .label ? 16 : 256) }

    /// Where probabilities come from, default put in.
    public var confidenceSource: Confidence { confidence ?? (answer == .text ? .none : .logprobs) }
}
