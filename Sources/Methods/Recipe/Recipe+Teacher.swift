// The sections of a recipe that say who labels, how it is reached, and what it may cost.

public import Teacher

extension Recipe {
    /// The teacher of a run.
    public struct TeacherOptions: Sendable, Equatable {
        /// The kinds of teachers.
        public enum Kind: String, Sendable, CaseIterable {
            /// A sentence encoder that compares texts with label sentences.
            case encoder
            /// A model behind OpenAI's API.
            case openai
            /// A decoder in this process.
            case local
            /// Answers that were recorded before.
            case recorded
        }

        /// Who it is.
        public var kind = Kind.encoder
        /// `encoder`, `local`: the model folder.
        public var model = ""
        /// `recorded`: a JSONL file of answers, or the `labels` folder of a run.
        public var path = ""
        /// `recorded`: whose answers, where a folder has those of several.
        public var recordedTeacher: String?
        /// `encoder`: divides the cosines before the softmax.
        public var temperature = 0.05
        /// `encoder`: a sentence a label, in the recipe's order.
        public var labelSentences: [(label: String, sentence: String)] = []
        /// `encoder`: labelled examples whose mean embeddings join the label sentences; may be none.
        public var prototypes: [String] = []
        /// `encoder`: longest input in tokens.
        public var maximumLength = 256
        /// `local`: the format of chats, or `none` for plain text; nil: the folder's own.
        public var chatTemplate: String?
        /// `local`: longest prompt and answer together in tokens; nil: the model's.
        public var contextLength: Int?
        /// The labels, where neither sentences nor recorded answers give them.
        public var labels: [String] = []
        /// Records that a rank takes at a time; nil: 256, or 16 of a server, 32 of a decoder.
        public var leaseSize: Int?
        /// `openai`: how its servers are reached.
        public var servers = ServerOptions()
        /// `openai`, `local`: what is asked and how answers are read.
        public var task = LabelTaskOptions(model: "")
        /// `openai`: the name in the ledger's keys; nil: `openai:` and the model's name.
        public var id: String?
        /// `openai`: a folder with the teacher's tokenizer, by which `plan` counts; may be empty.
        public var tokenizer = ""
        /// `openai`: a sentence encoder's folder, for examples that are nearest to a record.
        public var exampleModel = ""
        /// `openai`: a file of texts with gold labels, on which a temperature is fitted to its
        /// confidences.
        public var calibration: [String] = []
        /// `openai`: asks again for records that failed in an earlier call.
        public var retryFailed = false

        /// The defaults.
        public init() {}

        /// Records that a rank takes at a time.
        public var recordsPerLease: Int {
            leaseSize ?? (kind == .openai ? 16 : kind == .local ? 32 : 256)
        }

        /// The name in the ledger's keys.
        public var identity: String { id ?? "openai:\(task.model)" }

        /// Without what may change between two calls of one run.
        var decisive: Self {
            var options = self
            options.servers = ServerOptions()
            options.leaseSize = nil
            options.retryFailed = false
            return options
        }

        /// Whether two sets of options are the same.
        public static func == (left: Self, right: Self) -> Bool {
            left.kind == right.kind && left.model == right.model && left.path == right.path
                && left.recordedTeacher == right.recordedTeacher
                && left.temperature == right.temperature
                && left.labelSentences.elementsEqual(right.labelSentences, by: ==)
                && left.prototypes == right.prototypes
                && left.maximumLength == right.maximumLength && left.labels == right.labels
                && left.leaseSize == right.leaseSize && left.servers == right.servers
                && left.task == right.task && left.id == right.id
                && left.tokenizer == right.tokenizer && left.exampleModel == right.exampleModel
                && left.calibration == right.calibration && left.retryFailed == right.retryFailed
                && left.chatTemplate == right.chatTemplate
                && left.contextLength == right.contextLength
        }
    }

    /// How a teacher's servers are reached.
    public struct ServerOptions: Sendable, Equatable {
        /// Where they are; each rank spreads its requests over all of them.
        public var baseURLs: [String] = []
        /// The key that they want, as `${NAME}` of an environment variable.
        public var apiKey = ""
        /// Seconds for one exchange.
        public var timeout = 60.0
        /// Seconds until a connection must stand.
        public var connectTimeout = 5.0
        /// Times that a request is sent again.
        public var maxRetries = 8
        /// Seconds without any server before a rank gives up.
        public var giveUpSeconds = 60.0
        /// A proxy; nil takes the environment's.
        public var proxy: String?
        /// A PEM file of certificates to trust besides the system's.
        public var caFile: String?
        /// Money for a million tokens sent and a million that come back.
        public var inputPrice: Double?
        /// Money for a million tokens that come back.
        public var outputPrice: Double?

        /// The defaults.
        public init() {}
    }

    /// Caps on what a teacher may cost; nil is no cap.
    public struct BudgetOptions: Sendable, Equatable {
        /// Money.
        public var usd: Double?
        /// Tokens, both ways.
        public var tokens: Int?
        /// Requests.
        public var requests: Int?

        /// The defaults.
        public init() {}
    }

    /// How fast a teacher may be asked, by all ranks together; nil is no limit.
    public struct RateOptions: Sendable, Equatable {
        /// Requests a minute.
        public var requestsPerMinute: Int?
        /// Tokens a minute.
        public var tokensPerMinute: Int?
        /// Requests that wait for their answer at a time.
        public var maxInFlight = 64

        /// The defaults.
        public init() {}
    }
}
