// From prompts and answers to token ids, one way for training and for asking: a student that is asked in
// another form than it was taught in answers worse than it can.
//
// Chat: the format of the folder, or one that the recipe names; the answer is what the assistant says and
// what ends its turn. Plain: the prompt inside a template, the answer's tokens, the end token.

import Corpus
import Foundation
import Models
import Tokenizers
import Training

/// How a student reads prompts and answers.
struct ExampleFormat {
    private enum Style {
        case chat(ChatTemplate, system: String?)
        case plain(begin: [Int32], before: String, after: String, end: Int32?)
    }

    private let style: Style
    private let tokenizer: Tokenizer
    /// Tokens of prompt and answer together, at most.
    let maximumLength: Int
    /// Tokens that end an answer.
    let stopTokens: [Int32]
    /// One line for people.
    let description: String

    /// - Throws: `MethodError` for a template that can't be, `TokenizerError` for a chat format that isn't
    ///   known.
    init(
        _ options: Recipe.StudentOptions, folder: DecoderFolder, tokenizer: Tokenizer
    ) throws {
        self.tokenizer = tokenizer
        let longest = folder.configuration.maximumLength
        guard options.maximumLength <= longest else {
            throw MethodError(
                .invalidRecipe,
                "student.max_seq_length \(options.maximumLength) is more than the \(longest) "
                    + "positions of \(folder.path)")
        }
        maximumLength = options.maximumLength
        let ends = folder.configuration.endTokens
        if let template = options.promptTemplate {
            let parts = template.components(separatedBy: "{{prompt}}")
            guard parts.count == 2 else {
                throw MethodError(
                    .invalidRecipe,
                    "student.prompt_template holds {{prompt}} \(parts.count - 1) times; once is wanted"
                )
            }
            // What the tokenizer puts before a text; some put an end behind it, where here text follows.
            let begin = tokenizer.encodeIDs("", maximumLength: Int.max).filter {
                !ends.contains($0)
            }
            style = .plain(begin: begin, before: parts[0], after: parts[1], end: ends.first)
            stopTokens = ends
            description = "a plain template"
        } else {
            let chat =
                try options.chatTemplate.map { try ChatTemplate(named: $0) }
                ?? Self.chat(of: folder.path)
            style = .chat(chat, system: options.system)
            let answerEnd = tokenizer.id(of: chat.answerEnd)
            stopTokens = ends + (answerEnd.map { [$0] } ?? []).filter { !ends.contains($0) }
            description = "chats as \(chat.format.rawValue)"
        }
    }

    private static func chat(of path: String) throws -> ChatTemplate {
        do throws(TokenizerError) {
            return try ChatTemplate(folder: path)
        } catch {
            throw MethodError(
                .invalidRecipe,
                "\(error.message); name the format in student.chat_template, or give a plain "
                    + "student.prompt_template (\"{{prompt}}\")")
        }
    }

    /// The ids that ask for an answer.
    func prompt(_ prompt: String) throws -> [Int32] {
        switch style {
        case .chat(let chat, let system):
            return try chat.encode(Self.turns(system, prompt), with: tokenizer)
        case .plain(let begin, let before, let after, _):
            let pieces = [
                TextPiece(before, isGuarded: false), TextPiece(prompt, isGuarded: true),
                TextPiece(after, isGuarded: false),
            ]
            return begin + tokenizer.encodeIDs(pieces)
        }
    }

    /// The ids of prompt and answer, and the labels: the answer's ids where they are to be predicted.
    func example(_ example: TextExample) throws -> (ids: [Int32], labels: [Int32]) {
        switch style {
        case .chat(let chat, let system):
            let turns =
                Self.turns(system, example.prompt) + [ChatMessage(.assistant, example.answer)]
            let (ids, isAnswer) = try chat.encodeAnswers(turns, with: tokenizer)
            return (ids, zip(ids, isAnswer).map { $1 ? $0 : DecoderBatch.ignored })
        case .plain(_, _, _, let end):
            let asked = try prompt(example.prompt)
            let answer =
                tokenizer.encodeIDs([TextPiece(example.answer, isGuarded: true)])
                + (end.map { [$0] } ?? [])
            return (asked + answer, asked.map { _ in DecoderBatch.ignored } + answer)
        }
    }

    /// The sample that training takes; nil where prompt and answer are longer than the student reads.
    func sample(_ example: TextExample, index: Int) throws -> LanguageSample? {
        let (ids, labels) = try self.example(example)
        guard ids.count <= maximumLength else { return nil }
        return LanguageSample(tokens: ids, labels: labels, sample: UInt32(index))
    }

    private static func turns(_ system: String?, _ prompt: String) -> [ChatMessage] {
        (system.map { [ChatMessage(.system, $0)] } ?? []) + [ChatMessage(.user, prompt)]
    }
}
