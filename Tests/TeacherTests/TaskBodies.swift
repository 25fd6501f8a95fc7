// Bodies of servers for the tests of tasks, written as servers write them.

import Corpus
import Foundation

@testable import Teacher

/// Builds bodies.
enum TaskBodies {
    /// A chat's answer; `places` are tokens with their alternatives, the drawn one first.
    static func chat(
        _ content: String?, finish: String? = "stop", places: [[(String, Double)]]? = nil,
        usage: (Int, Int)? = (10, 2)
    ) -> [UInt8] {
        chat([content], finish: finish, places: places, usage: usage)
    }

    static func chat(
        _ contents: [String?], finish: String? = "stop", places: [[(String, Double)]]? = nil,
        usage: (Int, Int)? = (10, 2)
    ) -> [UInt8] {
        let choices = contents.enumerated().map { index, content in
            "{\"index\":\(index),\"message\":{\"role\":\"assistant\",\"content\":"
                + "\(content.map(JSONText.quoted) ?? "null")},\"logprobs\":"
                + "\(places.map(logprobs) ?? "null"),\"finish_reason\":"
                + "\(finish.map(JSONText.quoted) ?? "null")}"
        }
        let counts =
            usage.map { ",\"usage\":{\"prompt_tokens\":\($0.0),\"completion_tokens\":\($0.1)}" }
            ?? ""
        return Array(
            "{\"id\":\"x\",\"object\":\"chat.completion\",\"choices\":[\(choices.joined(separator: ","))]\(counts)}"
                .utf8)
    }

    /// `{"content":[{"token":...,"logprob":...,"bytes":[...],"top_logprobs":[...]}]}`, from
    /// probabilities.
    static func logprobs(_ places: [[(String, Double)]]) -> String {
        let tokens = places.map { place in
            let others = place.map { "{\(member($0.0, $0.1))}" }.joined(separator: ",")
            return "{\(member(place[0].0, place[0].1)),\"top_logprobs\":[\(others)]}"
        }
        return "{\"content\":[\(tokens.joined(separator: ","))]}"
    }

    private static func member(_ text: String, _ probability: Double) -> String {
        let bytes = text.utf8.map(String.init).joined(separator: ",")
        return
            "\"token\":\(JSONText.quoted(text)),\"logprob\":\(log(probability)),\"bytes\":[\(bytes)]"
    }

    /// A record.
    static func record(
        _ text: String, id: String? = nil, fields: [String: String] = [:]
    ) -> Record {
        Record(id: id, text: text, fields: fields, source: Place(file: "pool.jsonl", line: 1))
    }

    /// What a request asks, as JSON.
    static func object(_ request: TeacherRequest) throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(request.body)) as? [String: Any] ?? [:]
    }

    /// Role and content of a chat's messages.
    static func messages(_ request: TeacherRequest) throws -> [String] {
        let messages = try object(request)["messages"] as? [[String: String]] ?? []
        return messages.map { "\($0["role"] ?? "?"): \($0["content"] ?? "?")" }
    }
}

extension LabelStep {
    /// The requests that are asked.
    var asked: [TeacherRequest] {
        if case .ask(let requests) = self { requests } else { [] }
    }

    /// The label.
    var labelled: LabelRecord? {
        if case .label(let record) = self { record } else { nil }
    }

    /// The failure.
    var failure: LabelFailure? {
        if case .failed(let failure) = self { failure } else { nil }
    }
}
