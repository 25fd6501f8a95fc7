// A system's turn and a user's turn as templates: one's own out of the recipe or a file, else the method's.

import Corpus
import Foundation
import Teacher

extension Recipe {
    /// One's own templates of a system's and a user's turn; nil for the method's.
    public struct TurnOptions: Sendable, Equatable {
        /// The system's turn.
        public var system: String?
        /// A file with it.
        public var systemFile: String?
        /// The user's turn.
        public var user: String?
        /// A file with it.
        public var userFile: String?

        /// The defaults.
        public init() {}

        /// The files that are named.
        var files: [String] { [systemFile, userFile].compactMap { $0 } }
    }
}

/// The compiled templates of two turns.
struct PromptTurns: Sendable {
    /// The method's own templates.
    struct Words {
        let system: String
        let user: String
    }

    /// The system's turn; one that says nothing is left out.
    let system: PromptTemplate
    /// The user's turn.
    let user: PromptTemplate

    /// - Parameters:
    ///   - options: One's own.
    ///   - key: The recipe's key of the section, for messages.
    ///   - usual: The method's, where there are none of one's own.
    ///   - fields: What templates may use besides `text`.
    /// - Throws: `TeacherError` where a template can't be read, `MethodError` where a file can't.
    init(_ options: Recipe.TurnOptions, key: String, usual: Words, fields: [String]) throws {
        func template(_ text: String?, _ file: String?, _ name: String, _ usual: String) throws
            -> PromptTemplate
        {
            try PromptTemplate(
                Self.source(text, file, "\(key).\(name)") ?? usual, place: "\(key).\(name)",
                dataFields: fields, labels: [])
        }
        system = try template(options.system, options.systemFile, "system", usual.system)
        user = try template(options.user, options.userFile, "user", usual.user)
    }

    /// The turns that ask.
    func messages(text: String, fields: [String: String] = [:]) -> [TextRequest.Message] {
        let record = Record(id: "", text: text, fields: fields, source: Place(file: "", line: 0))
        let opening = system.render(record, labels: [], examples: [])
        let asking = TextRequest.Message(.user, user.render(record, labels: [], examples: []))
        return opening.isEmpty ? [asking] : [.init(.system, opening), asking]
    }

    /// A template's source: given as text, or as the name of a file whose last line end doesn't count.
    ///
    /// - Parameter key: The recipe's key of the text, for messages; that of the file ends in `_file`.
    static func source(
        _ text: String?, _ file: String?, _ key: String
    ) throws(MethodError) -> String? {
        guard let file else { return text }
        guard text == nil else {
            throw MethodError(
                .invalidRecipe, "\(key) and \(key)_file are both given; give one of them")
        }
        guard let data = FileManager.default.contents(atPath: file),
            var words = String(data: data, encoding: .utf8)
        else {
            throw MethodError(.invalidRecipe, "\(file): can't be read; \(key)_file names a text")
        }
        if words.hasSuffix("\n") { words.removeLast() }
        return words
    }
}
