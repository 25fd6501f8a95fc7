// A server's answer read out of its bytes: chats and plain completions in the OpenAI form, as the
// servers at large write it. Strict where a value would be made up otherwise, forgiving where a
// server leaves something out. It judges nothing: `AnswerReading` does.
//
// Reference: the API's chat completion and completion objects; known deviations are listed in
// `docs/prompts.md`.

import Corpus

/// What a body says.
struct ResponseBody: Sendable, Equatable {
    /// A token that could have stood at a place.
    struct Alternative: Sendable, Equatable {
        /// Its bytes, which may be part of a character.
        var text: [UInt8]
        /// Its natural log-probability, at most 0; nil where the server gives none that can be.
        var logProbability: Double?
    }

    /// A token of the answer, with what else could have stood there.
    struct Token: Sendable, Equatable {
        var chosen: Alternative
        /// As the server orders them; the chosen one may or may not be among them.
        var alternatives: [Alternative] = []
    }

    /// One of the answers.
    struct Choice: Sendable, Equatable {
        var index: Int?
        /// The words; nil where the server says null or nothing.
        var content: String?
        /// Why the model won't answer, where it says so in a member of its own.
        var refusal: String?
        var finishReason: String?
        /// The tokens; nil where there are no log-probabilities.
        var tokens: [Token]?
    }

    /// The answers, in the order of their `index`.
    private(set) var choices: [Choice] = []
    /// Tokens, where the server gives two counts that can be.
    private(set) var usage: LabelRecord.Usage?

    /// Reads a body; throws `malformed` where it isn't an object with choices.
    init(_ body: [UInt8]) throws(LabelFailure) {
        try self.init(body, countsOnly: false)
    }

    /// Tokens, why the first choice ended, and whether a body is a whole answer at all.
    ///
    /// Whole is a JSON object with choices. For the settling of costs, before anybody reads the
    /// words.
    static func usageAndFinish(
        of body: [UInt8]
    ) -> (usage: LabelRecord.Usage?, finishReason: String?, isWhole: Bool) {
        do throws(LabelFailure) {
            let answer = try ResponseBody(body, countsOnly: true)
            return (answer.usage, answer.choices.first?.finishReason, true)
        } catch {
            return (nil, nil, false)
        }
    }

    private init(_ body: [UInt8], countsOnly: Bool) throws(LabelFailure) {
        do throws(JSONTrouble) {
            var reader = ResponseReader(countsOnly: countsOnly)
            try reader.read(body.span)
            choices = reader.choices
            usage = reader.usage
        } catch {
            throw LabelFailure(
                .malformed, "the answer isn't whole (\(error.reason)): \(Self.beginning(of: body))")
        }
        guard !choices.isEmpty else {
            throw LabelFailure(
                .malformed, "the answer has no choices: \(Self.beginning(of: body))")
        }
        // A server that doesn't number them gives them in order.
        if choices.allSatisfy({ $0.index != nil }) {
            choices = choices.enumerated().sorted {
                ($0.element.index ?? 0, $0.offset) < ($1.element.index ?? 0, $1.offset)
            }.map(\.element)
        }
    }

    /// The first words of a body, on one line.
    static func beginning(of body: [UInt8]) -> String {
        guard !body.isEmpty else { return "(nothing)" }
        return LabelFailure.excerpt(String(decoding: body.prefix(400), as: UTF8.self))
    }
}

extension LabelFailure {
    /// The beginning of a server's words on one line, at most 120 characters.
    static func excerpt(_ text: String) -> String {
        let line = text.unicodeScalars.prefix(400).map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: " "
            default: String(scalar)
            }
        }.joined()
        return line.count <= 120 ? line : "\(line.prefix(117))..."
    }
}
