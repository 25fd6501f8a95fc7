// What a teacher's scores are recorded of, and the name under which they are found again: the sample's id
// and all its tokens. A student with another tokenizer, or with a text that was changed, meets no signal.

import Crypto

/// An answer to a prompt, as the teacher reads them.
public struct SignalSample: Sendable, Hashable {
    /// The sample's id, each once in a recording.
    public var id: String
    /// The prompt under which the teacher reads, at least one token; the student's may be another.
    public var prompt: [Int32]
    /// The answer, at each token of which scores are kept; at least one.
    public var answer: [Int32]

    /// An answer to a prompt.
    public init(id: String, prompt: [Int32], answer: [Int32]) {
        self.id = id
        self.prompt = prompt
        self.answer = answer
    }

    /// The name of its signal among those of a set.
    func key(in set: String) -> LabelKey {
        var bytes = Array("\(id)\0\(prompt.count)\0".utf8)
        for token in prompt + answer {
            let bits = UInt32(bitPattern: token)
            for shift: UInt32 in [0, 8, 16, 24] {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        return LabelKey(teacher: set, request: bytes)
    }
}

/// What all signals of a recording share.
public struct SignalSet: Sendable, Hashable {
    /// The teacher's identity.
    public let teacher: String
    /// k, the tokens kept at each place.
    public let count: Int
    /// What the teacher's scores were divided by before the softmax.
    public let temperature: Double

    /// A kind of signals.
    public init(teacher: String, count: Int, temperature: Double) {
        self.teacher = teacher
        self.count = count
        self.temperature = temperature
    }

    /// The name in keys: whose signals, how many tokens, at which temperature.
    public var identity: String { "\(teacher)/top\(count)/t\(temperature)" }
}
