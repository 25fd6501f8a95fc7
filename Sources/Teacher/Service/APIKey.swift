// The secret that a server wants. It goes into one header and nowhere else: no description, dump, error
// or log shows it, and what a server says is cleaned of it before anybody reads it.

import Foundation

/// A server's key, which can be used but not seen.
public struct APIKey: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let secret: String

    /// A key as it stands; spaces and line ends around it are dropped.
    ///
    /// Throws `.configuration` if nothing is left, or if a header can't carry it.
    public init(_ secret: String) throws(TeacherError) {
        let trimmed = secret.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty else {
            throw TeacherError(
                .configuration,
                "the teacher's api_key is empty: give a key, or leave api_key out for a server"
                    + " that wants none")
        }
        guard trimmed.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw TeacherError(
                .configuration,
                "the teacher's api_key holds a space, a control character or one beyond ASCII:"
                    + " copy it again, whole and alone")
        }
        self.secret = trimmed
    }

    /// A key in which each `${NAME}` stands for an environment variable.
    ///
    /// Throws `.configuration`, with the variable's name, if one isn't set or a brace isn't closed.
    public init(expanding text: String) throws(TeacherError) {
        try self.init(expanding: text) { ProcessInfo.processInfo.environment[$0] }
    }

    /// The same with another environment.
    init(expanding text: String, lookUp: (String) -> String?) throws(TeacherError) {
        try self.init(
            EnvironmentText.expanded(text, key: "api_key", lookUp: lookUp))
    }

    /// Three stars.
    public var description: String { "***" }
    /// Three stars.
    public var debugDescription: String { "***" }
    /// Shows nothing inside.
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The value of the header `Authorization`.
    var headerValue: String { "Bearer \(secret)" }

    /// A text without the key; nor words that begin like it, since some servers show a part.
    func scrubbed(_ text: String) -> String {
        let clean = text.replacingOccurrences(of: secret, with: "***")
        guard secret.utf8.count >= 8 else { return clean }
        let beginning = secret.prefix(5)
        return clean.split(separator: " ", omittingEmptySubsequences: false).map { word in
            guard let start = word.range(of: beginning) else { return String(word) }
            return word[..<start.lowerBound] + "***"
        }.joined(separator: " ")
    }
}
