// What a teacher said of a record, in the form in which it is stored, exported and replayed.

/// A teacher's answer to one record.
public struct LabelRecord: Codable, Sendable, Hashable {
    /// Tokens that an answer cost.
    public struct Usage: Codable, Sendable, Hashable {
        /// Tokens sent.
        public var promptTokens: Int
        /// Tokens that came back.
        public var completionTokens: Int

        /// Counts of tokens.
        public init(promptTokens: Int, completionTokens: Int) {
            self.promptTokens = promptTokens
            self.completionTokens = completionTokens
        }

        enum CodingKeys: String, CodingKey {
            case promptTokens = "prompt_tokens"
            case completionTokens = "completion_tokens"
        }
    }

    /// The id of the record that it answers.
    public var id: String
    /// The class that the teacher named, where it named one: known where probabilities may not be.
    ///
    /// Where both are, it needn't be the most probable class.
    public var label: String?
    /// Probability by class name; classes that aren't named have none.
    public var labelProbabilities: [String: Double]?
    /// Probability of each choice of a multiple-choice item.
    public var choiceProbabilities: [Double]?
    /// The teacher's words, where it was asked for text.
    public var text: String?
    /// How the probabilities came about (`vote_share`, `label_logprob`, `verbalized`,
    /// `softmax_similarity`); named too where the method was tried and gave none.
    public var confidenceMethod: String?
    /// Tokens that it cost.
    public var usage: Usage?
    /// Why the answer ended (`stop`, `length`), where the teacher says.
    public var finishReason: String?

    /// Makes an answer.
    public init(
        id: String, label: String? = nil, labelProbabilities: [String: Double]? = nil,
        choiceProbabilities: [Double]? = nil, text: String? = nil,
        confidenceMethod: String? = nil, usage: Usage? = nil, finishReason: String? = nil
    ) {
        self.id = id
        self.label = label
        self.labelProbabilities = labelProbabilities
        self.choiceProbabilities = choiceProbabilities
        self.text = text
        self.confidenceMethod = confidenceMethod
        self.usage = usage
        self.finishReason = finishReason
    }

    enum CodingKeys: String, CodingKey {
        case id
        case label
        case labelProbabilities = "label_probabilities"
        case choiceProbabilities = "choice_probabilities"
        case text
        case confidenceMethod = "confidence_method"
        case usage
        case finishReason = "finish_reason"
    }

    /// One line of the recorded form: always the same bytes for the same answer.
    public var jsonLine: String {
        var members = ["\"id\":\(JSONText.quoted(id))"]
        if let label { members.append("\"label\":\(JSONText.quoted(label))") }
        if let labelProbabilities {
            members.append("\"label_probabilities\":\(JSONText.object(labelProbabilities))")
        }
        if let choiceProbabilities {
            let numbers = choiceProbabilities.map(JSONText.number).joined(separator: ",")
            members.append("\"choice_probabilities\":[\(numbers)]")
        }
        if let text { members.append("\"text\":\(JSONText.quoted(text))") }
        if let confidenceMethod {
            members.append("\"confidence_method\":\(JSONText.quoted(confidenceMethod))")
        }
        if let usage {
            members.append(
                "\"usage\":{\"prompt_tokens\":\(usage.promptTokens),"
                    + "\"completion_tokens\":\(usage.completionTokens)}")
        }
        if let finishReason {
            members.append("\"finish_reason\":\(JSONText.quoted(finishReason))")
        }
        return "{\(members.joined(separator: ","))}"
    }
}
