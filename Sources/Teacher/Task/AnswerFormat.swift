// In which form a server is told that an answer shall be JSON. Not every server takes a JSON schema, and
// what it takes is known once it has refused one; asking again in a lesser form costs nothing, because a
// refusal costs nothing.

import Synchronization

/// The forms of `response_format`, from the strictest on.
public enum AnswerFormat: Int, Sendable, CaseIterable, Comparable {
    /// A JSON schema with the labels.
    case schema
    /// Some JSON object.
    case object
    /// Nothing: the prompt alone asks for JSON.
    case plain

    /// Stricter forms come first.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What the servers of a rank take, as far as they have said.
public final class AnswerFormatChoice: Sendable {
    private struct State {
        var format = AnswerFormat.schema
        var note: String?
    }

    private let state = Mutex(State())

    /// Nothing is refused yet.
    public init() {}

    /// The strictest form that was not refused.
    public var format: AnswerFormat { state.withLock { $0.format } }

    /// Takes in a refusal of a request that was sent in a form.
    ///
    /// - Returns: Whether it was the form that was refused, and a lesser one can be tried.
    public func refused(_ format: AnswerFormat, reason: String) -> Bool {
        guard format != .plain, Self.isAboutForm(reason),
            let next = AnswerFormat(rawValue: format.rawValue + 1)
        else { return false }
        state.withLock { state in
            // Many requests are refused at once; the first one is told.
            guard state.format <= format else { return }
            state.format = next
            let form = next == .object ? "as an object without a schema" : "by the prompt alone"
            state.note =
                "the server doesn't take response_format (\(reason)); from here on answers in JSON "
                + "are asked for \(form)"
        }
        return true
    }

    /// What should be said of it, once.
    public func takeNote() -> String? {
        state.withLock { state in
            defer { state.note = nil }
            return state.note
        }
    }

    private static func isAboutForm(_ reason: String) -> Bool {
        let words = reason.lowercased()
        return [
            "response_format", "response format", "schema", "json_object", "guided", "grammar",
            "structured output",
        ].contains { words.contains($0) }
    }
}
