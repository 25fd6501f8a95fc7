// A decoder behind the server: it continues prompts and answers chats, with log-probabilities.

import Foundation
import Models
import Synchronization
import TensorCore
import Tokenizers

/// A decoder and its queue.
final class ServedDecoder: ServedModel {
    let name: String
    let summary: String
    private let decoder: Models.Decoder
    private let tokenizer: Tokenizer
    private let template: ChatTemplate?
    /// Why there is no template, for those who ask for a chat.
    private let templateTrouble: String
    private let queue: GenerationQueue
    private let maximumLength: Int
    private let truncates: Bool
    /// Requests without a seed draw by their number.
    private let unseeded = Atomic<UInt64>(0)

    /// What is reported of a place in a text; OpenAI's own limit is 20.
    private static let mostAlternatives = 1000

    /// How texts are taken in.
    struct Options: Sendable {
        /// The name by which requests ask for it; nil for the folder's.
        var name: String?
        /// Longest prompt and answer together in tokens; nil for the model's.
        var maximumLength: Int?
        /// Whether longer prompts lose their beginning; otherwise they are refused.
        var truncates = false
        /// The format of chats; nil for the folder's own.
        var chatTemplate: String?
        var limits = GenerationQueue.Limits()
    }

    /// Opens a folder.
    ///
    /// - Throws: `ModelError`, `TokenizerError`.
    init(folder path: String, options: Options, compute: Compute, metrics: ServeMetrics) throws {
        let decoder = try Models.Decoder(DecoderFolder(path: path), compute: compute)
        let tokenizer = try Tokenizer(contentsOf: path)
        let configuration = decoder.configuration
        let length = try ServedFolder.length(
            path, tokenizer, vocabulary: configuration.vocabularySize,
            longest: configuration.maximumLength, wanted: options.maximumLength)
        self.decoder = decoder
        self.tokenizer = tokenizer
        (template, templateTrouble) = try Self.template(path, named: options.chatTemplate)
        name = options.name ?? ServedFolder.name(path)
        maximumLength = length
        truncates = options.truncates
        queue = GenerationQueue(limits: options.limits, metrics: metrics) {
            GenerationBatch(decoder) { tokenizer.decode($0) }
        }
        summary =
            "decoder \(name): \(configuration.layerCount) layers of \(configuration.hiddenSize), "
            + "\(length) tokens, \(template.map { "chats as \($0.format.rawValue)" } ?? "no chats"), "
            + "\(compute.threadCount) threads, \(compute.instructionSet)"
    }

    /// The format of chats, or why there is none.
    private static func template(
        _ path: String, named name: String?
    ) throws(TokenizerError) -> (ChatTemplate?, String) {
        if let name { return (try ChatTemplate(named: name), "") }
        do throws(TokenizerError) {
            return (try ChatTemplate(folder: path), "")
        } catch {
            return (nil, error.message)
        }
    }

    var waitingCount: Int { queue.waitingCount }

    func start() { queue.start() }

    func stop() async { await queue.stop() }

    func complete(_ request: CompletionRequest) async throws -> Completion {
        guard !request.wantsJSON else {
            throw ServeError.invalid(
                "response_format: this server can't hold a model to JSON; ask for it in words")
        }
        let prompt = try fitted(try ids(of: request.prompt))
        let room = maximumLength - prompt.count
        let wanted = request.maximumTokens ?? room
        let seed = request.seed ?? unseeded.wrappingAdd(1, ordering: .relaxed).oldValue
        let requests = (0..<request.choiceCount).map { choice in
            GenerationRequest(
                sample: UInt64(choice), prompt: prompt,
                sampling: SamplingOptions(
                    temperature: request.temperature, topK: request.topK, topP: request.topP,
                    seed: seed),
                maximumTokens: min(wanted, room),
                stopTokens: decoder.configuration.endTokens, stopTexts: request.stops,
                alternatives: min(request.alternatives ?? 0, Self.mostAlternatives))
        }
        let texts = try await withThrowingTaskGroup(of: Generation.self) { group in
            for request in requests {
                group.addTask { [queue] in try await queue.generate(request) }
            }
            var texts: [Generation] = []
            for try await text in group { texts.append(text) }
            return texts.sorted { $0.sample < $1.sample }
        }
        return Completion(choices: texts.map(choice), promptTokens: prompt.count)
    }

    private func choice(_ text: Generation) -> Completion.Choice {
        Completion.Choice(
            text: text.text,
            tokens: text.tokens.map { token in
                Completion.Token(
                    text: piece(token.chosen.token),
                    logProbability: max(token.chosen.logProbability, -9999),
                    alternatives: token.alternatives.map {
                        (piece($0.token), max($0.logProbability, -9999))
                    })
            }, finishReason: text.finish == .length ? "length" : "stop")
    }

    private func piece(_ token: Int32) -> String {
        tokenizer.decode([token], skipSpecialTokens: false)
    }

    private func ids(of prompt: CompletionRequest.Prompt) throws -> [Int32] {
        switch prompt {
        case .text(let text): return tokenizer.encodeIDs(text, maximumLength: Int.max)
        case .chat(let messages):
            guard let template else {
                throw ServeError.invalid(
                    "this model has no chat template that is known (\(templateTrouble)); ask "
                        + "/v1/completions, or start the server with --chat-template")
            }
            let turns = try messages.enumerated().map { index, message in
                guard let role = ChatMessage.Role(rawValue: message.role) else {
                    throw ServeError.invalid(
                        "messages[\(index)].role '\(message.role.prefix(40))' is not one of system, "
                            + "user, assistant")
                }
                return ChatMessage(role, message.text)
            }
            do throws(TokenizerError) {
                return try template.encode(turns, with: tokenizer)
            } catch {
                throw ServeError.invalid("messages: \(error.message)")
            }
        }
    }

    /// A prompt that leaves room for a token.
    private func fitted(_ ids: [Int32]) throws -> [Int32] {
        guard ids.count >= maximumLength else { return ids }
        guard truncates else {
            throw ServeError.tooLong("the prompt", tokens: ids.count, limit: maximumLength - 1)
        }
        // What comes last matters most to what follows.
        return Array(ids.suffix(maximumLength * 3 / 4))
    }
}
