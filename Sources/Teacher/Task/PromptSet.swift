// The questions of a task: templates read and compiled, defaults put in, rendered to conversations.

import Corpus
import Foundation

/// One way of putting the question, compiled.
struct CompiledPrompt: Sendable {
    let system: PromptTemplate?
    let user: PromptTemplate
    private let options: LabelTaskOptions

    /// Reads and compiles a prompt; `name` is its key in the recipe.
    init(
        _ prompt: LabelTaskOptions.Prompt, name: String, options: LabelTaskOptions
    ) throws(TeacherError) {
        self.options = options
        let system = try Self.source(
            prompt.system, file: prompt.systemFile, name: "\(name).system")
        let user = try Self.source(prompt.user, file: prompt.userFile, name: "\(name).user")
        let defaults = Self.defaults(options)
        let systemText = system ?? ("the default system prompt", defaults.system)
        self.system =
            systemText.text.isEmpty
            ? nil
            : try PromptTemplate(
                systemText.text, place: systemText.place, dataFields: options.dataFields,
                labels: options.labels)
        let userText = user ?? ("the default user prompt", defaults.user)
        self.user = try PromptTemplate(
            userText.text, place: userText.place, dataFields: options.dataFields,
            labels: options.labels)
        guard self.user.showsRecord || self.system?.showsRecord == true else {
            throw TeacherError(
                .configuration,
                "\(userText.place): neither this template nor the system's shows the record's text; "
                    + "put {{text}} where it belongs")
        }
    }

    /// Whether another prompt has the same templates.
    func isSame(as other: CompiledPrompt) -> Bool {
        system?.source == other.system?.source && user.source == other.user.source
    }

    /// The record fields that it uses.
    var fields: [String] { (system?.fields ?? []) + user.fields }

    /// Whether the record's id is shown.
    var showsID: Bool { user.showsID || system?.showsID == true }

    /// The conversation up to the question.
    func turns(for record: Record, examples: [Record]) -> [Turn] {
        var turns: [Turn] = []
        if let system {
            let text = system.render(record, labels: options.labels, examples: examples)
            if !text.isEmpty { turns.append(Turn(.system, text)) }
        }
        // Examples that no template places are turns of their own.
        if !user.showsExamples, system?.showsExamples != true {
            for example in examples {
                let question = user.render(example, labels: options.labels, examples: [])
                turns.append(Turn(.user, question))
                turns.append(Turn(.assistant, answer(of: example)))
            }
        }
        let question = user.render(record, labels: options.labels, examples: examples)
        turns.append(Turn(.user, question))
        return turns
    }

    /// What is appended after an answer that can't be used.
    func correction(of answer: UnusableAnswer) -> [Turn] {
        let note = "That answer can't be used: \(answer.reason). \(Self.instruction(options))"
        let quoted = String(answer.words.prefix(2000))
        let isBlank = quoted.unicodeScalars.allSatisfy(\.properties.isWhitespace)
        if options.route == .completions {
            // Nobody is spoken to: the note is part of the text, and the answer follows it.
            return (isBlank ? [] : [Turn(.assistant, quoted)]) + [Turn(.user, "\(note)\nAnswer:")]
        }
        return (isBlank ? [] : [Turn(.assistant, quoted)]) + [Turn(.user, note)]
    }

    /// The answer that would have been right for an example.
    private func answer(of example: Record) -> String {
        let label = example.label ?? ""
        guard options.answer == .json else { return label }
        let isStated = options.confidenceSource == .verbalized
        return "{\"label\":\(JSONText.quoted(label))\(isStated ? ",\"confidence\":1" : "")}"
    }

    /// The prompts where the recipe gives none.
    private static func defaults(
        _ options: LabelTaskOptions
    ) -> (system: String, user: String) {
        let isChat = options.route == .chatCompletions
        switch options.answer {
        case .text: return ("", "{{text}}")
        case .label:
            return (
                "You label texts. Answer with exactly one of these labels and nothing else: "
                    + "{{label_list}}.", isChat ? "{{text}}" : "Text: {{text}}\nLabel:"
            )
        case .json:
            let confidence =
                options.confidenceSource == .verbalized
                ? ", \"confidence\": the probability from 0 to 1 that this label is right" : ""
            return (
                "You label texts. The labels are: {{label_list}}. Answer with one JSON object and "
                    + "nothing else, of the form {\"label\": one of the labels\(confidence)}.",
                isChat ? "{{text}}" : "Text: {{text}}\nJSON:"
            )
        }
    }

    /// What is wanted, in one sentence.
    private static func instruction(_ options: LabelTaskOptions) -> String {
        let list = options.labels.joined(separator: ", ")
        switch options.answer {
        case .text: return "Answer again, briefly and to the end."
        case .label: return "Answer with exactly one of these labels and nothing else: \(list)."
        case .json:
            let confidence =
                options.confidenceSource == .verbalized
                ? " and a number from 0 to 1 as \"confidence\"" : ""
            return "Answer with one JSON object and nothing else, with one of these labels as "
                + "\"label\"\(confidence): \(list)."
        }
    }

    /// A template and where it stands; of a file, its last line end isn't part of it.
    private static func source(
        _ text: String?, file: String?, name: String
    ) throws(TeacherError) -> (place: String, text: String)? {
        if let text { return (name, text) }
        guard let file else { return nil }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw TeacherError(
                .noInput, "\(name)_file: \(file) cannot be read: \(plainWords(of: error))")
        }
        guard var text = String(validating: data, as: UTF8.self) else {
            throw TeacherError(.configuration, "\(name)_file: \(file) isn't UTF-8")
        }
        if text.last?.isNewline == true { text.removeLast() }
        return (file, text)
    }
}
