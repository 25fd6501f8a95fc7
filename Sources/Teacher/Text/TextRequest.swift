// What a method asks a teacher in words, and what comes of it: a conversation in, a text out. Which
// teacher it is, on servers or in this process, stands elsewhere, and so does the ledger.

import Corpus
import Crypto

/// One text that is wanted of a teacher.
public struct TextRequest: Sendable, Hashable {
    /// Who speaks.
    public enum Role: String, Sendable, Hashable {
        case system, user, assistant
    }

    /// A turn of the conversation.
    public struct Message: Sendable, Hashable {
        /// Who speaks.
        public var role: Role
        /// What is said.
        public var content: String

        /// A turn.
        public init(_ role: Role, _ content: String) {
            self.role = role
            self.content = content
        }
    }

    /// How the answer's tokens are chosen.
    public struct Sampling: Sendable, Hashable {
        /// Divides the scores, 0 to 2; 0 takes the best token.
        public var temperature: Double
        /// Keeps the best tokens up to this sum of probabilities; nil leaves it to the teacher.
        public var topP: Double?
        /// Where random draws start; nil leaves it to the teacher, as long as the attempt is 0.
        public var seed: UInt64?

        /// Greedy unless told otherwise.
        public init(temperature: Double = 0, topP: Double? = nil, seed: UInt64? = nil) {
            self.temperature = temperature
            self.topP = topP
            self.seed = seed
        }
    }

    /// What is scored instead of a text being written.
    public enum Scored: Sendable, Hashable {
        /// The first so many capital letters, as what the answer begins with.
        ///
        /// Servers tell them among the alternatives of the answer's first token.
        case letters(Int)
        /// Whole answers, each by the mean log-probability of its tokens.
        ///
        /// A decoder in this process alone: servers don't score texts that they didn't write.
        case texts([String])
    }

    /// For whose sake it is asked: an example's id, for people and for recorded answers.
    public var id: String
    /// The conversation; its last turn is the one to be answered.
    public var messages: [Message]
    /// How tokens are chosen.
    public var sampling: Sampling
    /// The longest answer in tokens.
    public var maximumTokens: Int
    /// Counts askings of the same words, from 0: another number is another request, with an answer of
    /// its own.
    public var attempt: Int
    /// What is scored; nil for a text.
    public var scored: Scored?

    /// A text that is wanted.
    public init(
        id: String, messages: [Message], sampling: Sampling = Sampling(), maximumTokens: Int = 512,
        attempt: Int = 0
    ) {
        self.id = id
        self.messages = messages
        self.sampling = sampling
        self.maximumTokens = maximumTokens
        self.attempt = attempt
    }

    /// Choices that are to be scored behind a conversation.
    public init(id: String, messages: [Message], scoring scored: Scored) {
        self.init(id: id, messages: messages, maximumTokens: 1)
        self.scored = scored
    }

    /// The same words asked several times: attempts from this one's on.
    public func repeated(_ count: Int) -> [TextRequest] {
        (0..<count).map { index in
            var request = self
            request.attempt += index
            return request
        }
    }

    /// What its random draws start from; nil where that is left to the teacher.
    ///
    /// Seed and attempt are mixed, so that attempt 1 of seed 1 isn't attempt 0 of seed 2; 31 bits,
    /// which every server takes.
    var drawnSeed: UInt64? {
        guard sampling.seed != nil || attempt > 0 else { return nil }
        return CounterRandom(seed: sampling.seed ?? 0, UInt64(attempt))[0] >> 33
    }

    /// 128 bits of a hash of all that is asked, in hexadecimal: who asks and whom isn't part of it.
    var digest: String {
        var parts = [
            "retort text", JSONText.number(sampling.temperature),
            sampling.topP.map(JSONText.number) ?? "", sampling.seed.map(String.init) ?? "",
            "\(maximumTokens)", "\(attempt)",
        ]
        for message in messages { parts += [message.role.rawValue, message.content] }
        if let scored { parts += scored.parts }
        var hash = SHA256()
        for part in parts { hash.update(data: Array("\(part.utf8.count):\(part)".utf8)) }
        return ContentHash.hexadecimal(hash.finalize().prefix(16))
    }

    /// The record under which its answer stands in the ledger: a recorded teacher finds it by the
    /// digest, whoever answered.
    var recordID: String { "\(id) \(digest)" }

    /// Refuses what can't be asked, with `configuration`.
    func check() throws(TeacherError) {
        guard messages.last.map({ $0.role != .system }) == true else {
            throw TeacherError(
                .configuration, "text request '\(id)': it has no turn to answer; give a user's")
        }
        guard attempt >= 0 else {
            throw TeacherError(
                .configuration, "text request '\(id)': attempt \(attempt); count from 0")
        }
    }
}

extension TextRequest.Scored {
    /// What tells it from other requests of the same words.
    var parts: [String] {
        switch self {
        case .letters(let count): ["letters", "\(count)"]
        case .texts(let texts): ["texts"] + texts
        }
    }

    /// How many choices there are.
    public var count: Int {
        switch self {
        case .letters(let count): count
        case .texts(let texts): texts.count
        }
    }
}

/// What came of a text that was wanted.
public enum TextAnswer: Sendable, Hashable {
    /// A whole text, and why it ended, as the teacher says.
    case text(String, finishReason: String?)
    /// A text that ended at the limit of tokens.
    case cut(String)
    /// None, and why.
    case failed(String)

    /// The words, whole or cut; nil where there are none.
    public var words: String? {
        switch self {
        case .text(let text, _), .cut(let text): text
        case .failed: nil
        }
    }

    /// Reads the first choice of a server's answer.
    init(body: [UInt8]) {
        do throws(LabelFailure) {
            let whole = try ResponseBody(body)
            guard let choice = whole.choices.first else {
                self = .failed("the answer has no choices")
                return
            }
            self.init(choice)
        } catch {
            self = .failed(error.reason)
        }
    }

    private init(_ choice: ResponseBody.Choice) {
        do throws(UnusableAnswer) {
            let vote = try Self.reading.vote(choice)
            self = .text(vote.text, finishReason: vote.finishReason)
        } catch {
            self = error.kind == .cut ? .cut(error.words) : .failed(error.failure.reason)
        }
    }

    /// Reads texts; it asks for no model.
    private static let reading: AnswerReading = {
        var options = LabelTaskOptions(model: "")
        options.answer = .text
        return AnswerReading(options)
    }()
}
