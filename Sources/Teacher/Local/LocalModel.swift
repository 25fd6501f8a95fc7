// A decoder's folder as a teacher in this process: the model, its tokenizer and its way of writing
// conversations, opened once, and the name by which its answers are known.
//
// Not here: what is asked (LocalTeacher for labels, LocalTextJob for texts, SignalRecorder for scores).

import Corpus
import Crypto
import Foundation
public import Models
public import TensorCore
public import Tokenizers

/// An opened decoder that teaches.
///
/// One caller at a time.
public final class LocalModel: @unchecked Sendable {
    /// `local:` and a hash of weights, configuration, tokenizer and template; the folder's path isn't in it.
    public let identity: String
    /// One line for people.
    public let description: String
    /// The model.
    public let decoder: Models.Decoder
    /// Its tokenizer.
    public let tokenizer: Tokenizer
    /// How it reads conversations; nil for a model that continues plain text.
    public let template: ChatTemplate?
    /// Longest prompt and answer together in tokens.
    public let maximumLength: Int
    /// Tokens that end an answer.
    public let stopTokens: [Int32]
    /// What prompts begin with, read once.
    let prefix: PromptPrefix

    /// Opens a folder.
    ///
    /// - Parameters:
    ///   - path: The decoder's folder.
    ///   - chatTemplate: A template's name, or `none` for plain text; nil: the folder's own, and plain
    ///     text where it has none.
    ///   - maximumLength: Longest prompt and answer together in tokens; nil: the model's.
    ///   - compute: Where it runs.
    /// - Throws: `ModelError`, `TokenizerError` for a folder that can't be read or a template that isn't
    ///   known.
    public init(
        folder path: String, chatTemplate: String? = nil, maximumLength: Int? = nil,
        compute: Compute
    ) throws {
        let template = try Self.template(path, named: chatTemplate)
        let tokenizer = try Tokenizer(contentsOf: path)
        let decoder = try Models.Decoder(DecoderFolder(path: path), compute: compute)
        self.template = template
        self.tokenizer = tokenizer
        self.decoder = decoder
        let configuration = decoder.configuration
        self.maximumLength = min(maximumLength ?? .max, configuration.maximumLength)
        var stops = configuration.endTokens
        if let end = template.flatMap({ tokenizer.id(of: $0.answerEnd) }), !stops.contains(end) {
            stops.append(end)
        }
        stopTokens = stops
        prefix = PromptPrefix(decoder)
        let way = template?.format.rawValue ?? "plain text"
        identity = "local:\(try Self.digest(path, template: way, length: self.maximumLength))"
        description =
            "decoder \(path) in this process, \(configuration.layerCount) layers of "
            + "\(configuration.hiddenSize), \(way)"
    }

    /// The template of a folder, without opening its weights.
    ///
    /// - Parameter name: A template's name, or `none`; nil: the folder's own, if it has one.
    public static func template(
        _ folder: String, named name: String?
    ) throws(TokenizerError) -> ChatTemplate? {
        if let name { return name == "none" ? nil : try ChatTemplate(named: name) }
        let files = FileManager.default
        let hasOwn =
            files.fileExists(atPath: "\(folder)/chat_template.jinja")
            || (files.contents(atPath: "\(folder)/tokenizer_config.json")
                .flatMap { try? JSONSerialization.jsonObject(with: $0) as? [String: Any] })?[
                    "chat_template"] != nil
        return hasOwn ? try ChatTemplate(folder: folder) : nil
    }

    /// The files of a folder that shape a local teacher's answers, in the order of their names.
    public static func files(of folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let known: Set = [
            "chat_template.jinja", "config.json", "generation_config.json", "tokenizer.json",
            "tokenizer_config.json",
        ]
        return names.filter { known.contains($0) || $0.hasSuffix(".safetensors") }
            .sorted(by: JSONText.precedes).map { "\(folder)/\($0)" }
    }

    private static func digest(
        _ folder: String, template: String, length: Int
    ) throws -> String {
        var hash = SHA256()
        for path in files(of: folder) {
            // Mapped, not read: the weights are large, and in the page cache already.
            let data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
            let name = (path as NSString).lastPathComponent
            hash.update(data: Array("\(name):\(data.count):".utf8))
            hash.update(data: data)
        }
        hash.update(data: Array("\(template):\(length)".utf8))
        return ContentHash.hexadecimal(hash.finalize().prefix(8))
    }

    /// The tokens of a conversation up to where the answer begins.
    ///
    /// - Throws: `TokenizerError` for turns that the template can't hold, and where nothing is said.
    func prompt(_ turns: [Turn]) throws(TokenizerError) -> [Int32] {
        let ids =
            try template?.encode(turns.map(ChatMessage.init), with: tokenizer)
            ?? tokenizer.encodeIDs(RequestWriter.prompt(turns), maximumLength: .max)
        guard !ids.isEmpty else {
            throw TokenizerError(.badConversation, "the prompt is empty; give at least a word")
        }
        return ids
    }

    /// The text of tokens.
    func text(_ ids: [Int32]) -> String { tokenizer.decode(ids) }
}

extension ChatMessage {
    init(_ turn: Turn) {
        let role: Role =
            switch turn.role {
            case .system: .system
            case .user: .user
            case .assistant: .assistant
            }
        self.init(role, turn.content)
    }
}
