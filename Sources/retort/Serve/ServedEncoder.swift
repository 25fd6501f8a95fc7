// A classifier behind the server: its answer to a prompt is the name of a label, and the
// distribution over its labels stands where a generator has that over its vocabulary.

import Foundation
import Models
import TensorCore
import Tokenizers
import Training

/// A classifier and its queue.
final class ServedEncoder: ServedClassifier {
    let name: String
    let labels: [String]
    let summary: String
    private let classifier: EncoderClassifier
    private let tokenizer: Tokenizer
    private let queue: BatchQueue
    private let maximumLength: Int
    private let truncates: Bool

    /// How texts are taken in.
    struct Options: Sendable {
        /// The name by which requests ask for it; nil for the folder's.
        var name: String?
        /// Longest text in tokens, special ones included; nil for the model's.
        var maximumLength: Int?
        /// Whether longer texts are cut; otherwise they are refused.
        var truncates = false
        var limits = BatchQueue.Limits()
    }

    /// Opens a folder.
    ///
    /// - Throws: `ModelError` where it holds no classifier, `TokenizerError`.
    init(folder path: String, options: Options, compute: Compute, metrics: ServeMetrics) throws {
        let classifier = try Self.classifier(in: path)
        let tokenizer = try Tokenizer(contentsOf: path)
        let configuration = classifier.configuration
        let length = try ServedFolder.length(
            path, tokenizer, vocabulary: configuration.vocabularySize,
            longest: configuration.maximumLength, wanted: options.maximumLength)
        self.classifier = classifier
        self.tokenizer = tokenizer
        labels = classifier.labels
        name = options.name ?? ServedFolder.name(path)
        maximumLength = length
        truncates = options.truncates
        let batchTokens = options.limits.batchTokens
        queue = BatchQueue(limits: options.limits, metrics: metrics) {
            let inference = Inference(
                classifier, compute: compute, maximumTokensPerPass: batchTokens)
            return { try inference.probabilities($0) }
        }
        summary =
            "classifier \(name): \(labels.count) labels, texts to \(length) tokens, "
            + "\(compute.threadCount) threads, \(compute.instructionSet)"
    }

    /// The folder's classifier; a head that the file lacks would be drawn at random, and served.
    private static func classifier(in path: String) throws -> EncoderClassifier {
        let servable = "`retort serve` takes text classifiers, as runs/NAME/student"
        let folder = try Self.folder(path, servable: servable)
        let classes = folder.configuration.labels.count
        if let missing = folder.missingWeight(of: .classification(classes: classes)) {
            throw ModelError(
                .unsupported, "\(path): no classifier (no tensor '\(missing)'); \(servable)")
        }
        if folder.architecture?.hasSuffix("ForMultipleChoice") == true {
            throw ModelError(.unsupported, "\(path): its head scores choices; \(servable)")
        }
        return try EncoderClassifier(folder)
    }

    // On its own, and no `catch ... where`: with that Swift 6.3's compiler never ends.
    private static func folder(
        _ path: String, servable: String
    ) throws(ModelError) -> ModelFolder {
        do {
            return try ModelFolder(path: path)
        } catch {
            guard error.code == .unsupported else { throw error }
            throw ModelError(.unsupported, "\(error.message); \(servable)")
        }
    }

    var waitingCount: Int { queue.waitingCount }

    func start() { queue.start() }

    func stop() async { await queue.stop() }

    func classify(_ texts: [String]) async throws -> [Classification] {
        let tokens = try texts.enumerated().map { index, text in
            try sequence(text, place: texts.count == 1 ? "the text" : "input[\(index)]")
        }
        return zip(try await queue.probabilities(tokens), tokens).map { probabilities, tokens in
            // The first of equals, as everywhere else.
            let best = probabilities.indices.reduce(0) {
                probabilities[$1] > probabilities[$0] ? $1 : $0
            }
            return Classification(
                best: best, probabilities: probabilities, tokenCount: tokens.ids.count)
        }
    }

    func complete(_ request: CompletionRequest) async throws -> Completion {
        guard request.choiceCount == 1 else {
            throw ServeError.invalid(
                "n is \(request.choiceCount): a classifier gives one answer a request; ask for "
                    + "logprobs to get the whole distribution")
        }
        guard !request.wantsJSON else {
            throw ServeError.invalid(
                "response_format: a classifier answers with a label's name alone")
        }
        let result = try await classify([Self.text(of: request.prompt)])[0]
        func log(_ index: Int) -> Double {
            // JSON has no minus infinity; -9999 is what other servers write for it.
            max(Foundation.log(result.probabilities[index]), -9999)
        }
        // By probability, equal ones by index: the same answer each time.
        let ranked = result.probabilities.indices.sorted {
            let (left, right) = (result.probabilities[$0], result.probabilities[$1])
            return left == right ? $0 < $1 : left > right
        }
        let alternatives = ranked.prefix(request.alternatives ?? 0).map { (labels[$0], log($0)) }
        let token = Completion.Token(
            text: labels[result.best], logProbability: log(result.best),
            alternatives: alternatives)
        return Completion(
            choices: [.init(text: token.text, tokens: [token], finishReason: "stop")],
            promptTokens: result.tokenCount)
    }

    /// What is classified of a prompt: the last thing that the user said.
    private static func text(of prompt: CompletionRequest.Prompt) throws -> String {
        switch prompt {
        case .text(let text): return text
        case .chat(let messages):
            guard let last = messages.last(where: { $0.role == "user" }) else {
                throw ServeError.invalid("messages: none has the role 'user'")
            }
            return last.text
        }
    }

    private func sequence(_ text: String, place: String) throws -> TokenSequence {
        // The tokenizer's file may cut by itself; without that the true length is seen here.
        let ids = tokenizer.encodeIDs(text, maximumLength: truncates ? maximumLength : Int.max)
        guard ids.count <= maximumLength else {
            throw ServeError.tooLong(place, tokens: ids.count, limit: maximumLength)
        }
        let tokens = TokenSequence(ids: ids)
        do {
            try classifier.configuration.check([tokens])
        } catch {
            throw ServeError.invalid("\(place): \(error.message)")
        }
        return tokens
    }
}
