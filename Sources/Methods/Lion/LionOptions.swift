// What a user can choose about Lion, with the published defaults.

extension Recipe {
    /// The options of `lion` and its baseline.
    public struct LionOptions: Sendable, Equatable {
        /// What is done.
        public enum Arm: String, Sendable, CaseIterable {
            /// Imitation, discrimination and generation, in turn.
            case lion
            /// Imitation alone: `calls` answers of the teacher to the pool's instructions.
            case imitation
        }

        /// What is done.
        public var arm = Arm.lion
        /// How often new instructions are made; one student more is trained.
        public var iterations = 3
        /// New instructions of each kind, hard and easy, in an iteration.
        public var perKind = 3000
        /// Requests for each new instruction that is wanted, before the iteration does with fewer.
        public var attempts = 5
        /// The gap of scores from which on an instruction is hard.
        public var threshold = 1.0
        /// The highest ROUGE-L F measure of a new instruction to one that is there.
        public var similarity = 0.7
        /// Times that a judgement without scores is asked for again.
        public var reAsks = 2
        /// Instructions of the Cache Pool that are judged in an iteration, drawn; nil: all.
        public var judgeLimit: Int?
        /// `imitation`: answers of the teacher; 0: one for each instruction.
        public var calls = 0
        /// How each of the four draws its texts.
        public var decoding = Decoding()
        /// What each is asked.
        public var prompts = Prompts()
        /// Who judges; nil: the teacher.
        public var referee: TeacherOptions?
        /// Who writes instructions; nil: the teacher.
        public var generator: TeacherOptions?

        /// The defaults.
        public init() {}

        /// How texts are drawn, role by role.
        public struct Decoding: Sendable, Equatable {
            /// Answers that the student learns from.
            public var teacher = DecodingOptions(temperature: 0.7, maximumTokens: 1024)
            /// Judgements.
            public var referee = DecodingOptions(temperature: 0.2, maximumTokens: 1024)
            /// New instructions.
            public var generator = DecodingOptions(temperature: 1, maximumTokens: 512)
            /// The student's answers that are judged.
            public var student = DecodingOptions(temperature: 0.7, maximumTokens: 512)
        }

        /// Templates, role by role.
        public struct Prompts: Sendable, Equatable {
            /// The teacher's: the instruction alone.
            public var teacher = TurnOptions()
            /// The referee's.
            public var referee = TurnOptions()
            /// The generator's, for one like a hard instruction.
            public var hard = TurnOptions()
            /// The generator's, for one that is rarer than an easy instruction.
            public var easy = TurnOptions()

            /// The files that are named.
            var files: [String] { teacher.files + referee.files + hard.files + easy.files }
        }

        /// Students that are trained, one after the other.
        var students: Int { arm == .lion ? iterations + 1 : 1 }
    }
}
