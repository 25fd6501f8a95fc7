// A question with its worked answer: what generative students learn from and are measured on. Prompts
// and answers are plain text; what stands around them is the student's chat format.

/// A prompt with the answer that is wanted.
public struct TextExample: Sendable, Hashable, Codable {
    /// Its name: given, or a hash of the prompt.
    public var id: String
    /// What is asked.
    public var prompt: String
    /// What is to be said, whole.
    public var answer: String

    /// An example; without an id it is named by the hash of its prompt.
    public init(id: String? = nil, prompt: String, answer: String) {
        self.id = id ?? ContentHash.id(of: prompt)
        self.prompt = prompt
        self.answer = answer
    }

    /// The example that a record with a label is: its text asks, its label answers; nil without one.
    public init?(_ record: Record) {
        guard let answer = record.label else { return nil }
        self.init(id: record.id, prompt: record.text, answer: answer)
    }
}
