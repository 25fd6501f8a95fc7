// `extra_body`: members that go into the request as they are written. What a request's cost and form
// depend on can't be given here: it would be reserved and read otherwise than it was asked.

import Corpus

/// Further members of a request's body.
struct ExtraBody: Sendable, Equatable {
    /// The members' text, to stand behind others; empty if there are none.
    private(set) var members = ""
    /// Their names, in order.
    private(set) var names: [String] = []
    /// `max_completion_tokens`, which takes the place of `max_tokens` with newer models.
    private(set) var maximumCompletionTokens: Int?

    /// Members with keys of their own in the recipe.
    private static let ours = [
        "model": "teacher.model", "messages": "teacher.prompt", "prompt": "teacher.prompt",
        "n": "teacher.samples", "max_tokens": "teacher.max_tokens",
        "temperature": "teacher.temperature", "top_p": "teacher.top_p", "seed": "teacher.seed",
        "logprobs": "teacher.confidence", "top_logprobs": "teacher.top_logprobs",
    ]
    /// Members that change what comes back into what isn't read, or what it costs.
    private static let refused = ["stream", "stream_options", "echo", "best_of", "use_beam_search"]

    /// No members.
    init() {}

    /// Reads the text of an object.
    init(_ text: String) throws(TeacherError) {
        let bytes = Array(text.utf8)
        do throws(JSONTrouble) {
            var scanner = JSONScanner()
            try scanner.beginObject(bytes.span)
            var parts: [String] = []
            while let key = try scanner.nextKey(bytes.span) {
                let name = try scanner.text(key, bytes.span)
                _ = try scanner.upcoming(bytes.span)
                let start = scanner.position
                try scanner.skipValue(bytes.span)
                let value = String(
                    decoding: bytes[start..<scanner.position], as: UTF8.self)
                names.append(name)
                parts.append("\(JSONText.quoted(name)):\(value)")
                if name == "max_completion_tokens" { maximumCompletionTokens = Int(value) ?? 0 }
            }
            try scanner.finish(bytes.span)
            members = parts.joined(separator: ",")
        } catch {
            throw TeacherError(
                .configuration, "teacher.extra_body wants one JSON object: \(error.reason)")
        }
        try check()
    }

    private func check() throws(TeacherError) {
        for (index, name) in names.enumerated() {
            if let key = Self.ours[name] {
                throw TeacherError(
                    .configuration, "teacher.extra_body can't hold '\(name)'; set \(key)")
            }
            if Self.refused.contains(name) {
                throw TeacherError(
                    .configuration,
                    "teacher.extra_body can't hold '\(name)': the answer would not be what is read "
                        + "and paid for")
            }
            if names[..<index].contains(name) {
                throw TeacherError(.configuration, "teacher.extra_body holds '\(name)' twice")
            }
        }
        if let maximumCompletionTokens, !(1...1_000_000).contains(maximumCompletionTokens) {
            throw TeacherError(
                .configuration,
                "teacher.extra_body: max_completion_tokens must be a number from 1 to 1000000")
        }
    }
}
