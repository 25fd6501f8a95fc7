// What the server needs of a model. The routes know only this: a generator plugs in beside the
// classifier by answering `complete`, with a scheduler of its own behind it.

import Foundation
import Models
import Tokenizers

/// A model that answers completions.
protocol ServedModel: Sendable {
    /// The name by which requests ask for it.
    var name: String { get }
    /// One line for the terminal.
    var summary: String { get }
    /// How much waits for computation, in texts.
    var waitingCount: Int { get }

    /// Begins to compute; requests before it wait.
    func start()

    /// Answers what waits, refuses what comes after, and returns when nothing computes any more.
    func stop() async

    /// One answer to a prompt.
    ///
    /// - Throws: `ServeError` where the prompt can't be answered.
    func complete(_ request: CompletionRequest) async throws -> Completion
}

/// A model that sorts texts into classes.
protocol ServedClassifier: ServedModel {
    /// The class names, by index.
    var labels: [String] { get }

    /// The classes of texts.
    ///
    /// - Throws: `ServeError` where a text can't be classified.
    func classify(_ texts: [String]) async throws -> [Classification]
}

/// What is asked of a model, the same for both completion routes.
struct CompletionRequest: Sendable, Equatable {
    /// A turn of a conversation.
    struct Message: Sendable, Equatable {
        let role: String
        let text: String
    }

    /// The two forms of a prompt.
    enum Prompt: Sendable, Equatable {
        case chat([Message])
        case text(String)
    }

    let prompt: Prompt
    /// The most tokens of the answer; nil for the model's own limit.
    var maximumTokens: Int?
    /// How many answers.
    var choiceCount = 1
    /// Alternatives with their log-probabilities wanted at each token; nil for none at all.
    var alternatives: Int?
    /// Whether the answer is to be JSON.
    var wantsJSON = false
    /// How a generator draws: divides the scores; 0 takes the likeliest.
    var temperature = 1.0
    /// How a generator draws: from the likeliest tokens that reach this sum.
    var topP = 1.0
    /// How a generator draws: from so many of the likeliest tokens; nil for all.
    var topK: Int?
    /// The same seed draws the same; nil for another one each time.
    var seed: UInt64?
    /// Texts that end an answer.
    var stops: [String] = []
}

/// An answer.
struct Completion: Sendable {
    /// A token with what might have stood in its place, likeliest first.
    struct Token: Sendable {
        let text: String
        /// Natural logarithm.
        let logProbability: Double
        let alternatives: [(text: String, logProbability: Double)]
    }

    /// One of the answers.
    struct Choice: Sendable {
        let text: String
        let tokens: [Token]
        /// `stop`, or `length` where the token limit ended it.
        let finishReason: String
    }

    let choices: [Choice]
    let promptTokens: Int

    /// Tokens of all choices.
    var completionTokens: Int { choices.reduce(0) { $0 + $1.tokens.count } }
}

/// A text's class.
struct Classification: Sendable {
    /// Index of the likeliest class.
    let best: Int
    /// By class index; they add up to 1.
    let probabilities: [Double]
    /// Tokens of the text, special ones included.
    let tokenCount: Int
}

/// What holds for any folder that is served.
enum ServedFolder {
    /// The name that requests ask for, where none was given.
    static func name(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    }

    /// The longest text, after a look at whether the tokenizer fits the model.
    ///
    /// - Throws: `ModelError` where it doesn't, or where more is wanted than the model takes.
    static func length(
        _ path: String, _ tokenizer: Tokenizer, vocabulary: Int, longest: Int, wanted: Int?
    ) throws -> Int {
        guard tokenizer.idBound <= vocabulary else {
            throw ModelError(
                .malformed,
                "\(path): the tokenizer has ids to \(tokenizer.idBound - 1), the model "
                    + "\(vocabulary) rows; they don't belong together")
        }
        let length = wanted ?? longest
        guard length <= longest else {
            throw ModelError(
                .invalidInput, "--max-length \(length): the model takes \(longest)")
        }
        return length
    }
}
