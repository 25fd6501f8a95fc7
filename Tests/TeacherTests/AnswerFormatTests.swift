// Servers that don't take a JSON schema: the next form is asked for, and what was answered in any form counts.

import Corpus
import Foundation
import Testing

@testable import Teacher

@Suite struct AnswerFormatTests {
    private typealias Reply = ServiceTestServer.Reply

    private static func json(_ label: String) -> Reply {
        var reply = Reply()
        reply.body = String(decoding: TaskBodies.chat("{\"label\":\"\(label)\"}"), as: UTF8.self)
        return reply
    }

    /// Refuses requests that hold one of `forms`.
    private static func server(refusing forms: [String]) throws -> ServiceTestServer {
        try ServiceTestServer { question in
            let body = String(decoding: question.body, as: UTF8.self)
            if let form = forms.first(where: { body.contains("\"type\":\"\($0)\"") }) {
                return .status(
                    400, body: "{\"error\":{\"message\":\"response_format \(form): unknown\"}}")
            }
            return json(body.contains("a dog") ? "dog" : "cat")
        }
    }

    @Test(arguments: [["json_schema"], ["json_schema", "json_object"]])
    func theFormIsLearned(refused: [String]) async throws {
        let folder = try TemporaryFolder()
        let server = try Self.server(refusing: refused)
        defer { server.close() }
        var world = LabellingWorld(
            (0..<40).map { "\($0) of \($0 % 2 == 0 ? "a dog" : "a cat")" }, urls: [server.url],
            folder: folder.path)
        world.options.answer = .json
        world.options.confidence = LabelTaskOptions.Confidence.none
        let summary = try await world.label()
        #expect((summary.counts.labelled, summary.counts.failed) == (40, 0))
        #expect(server.seen.answeredWell == 40)
        // No more are refused than were sent before the first refusal came, in each form.
        #expect(server.seen.arrivals.count <= 40 + 24 * refused.count)
        // Another parser reads what came in the lesser form, and asks nothing for sure.
        let before = server.seen.arrivals.count
        world.options.minimumLabelMass = 0.9
        #expect(try await world.label().counts.labelled == 40)
        #expect(server.seen.arrivals.count == before)
    }

    @Test func otherRefusalsAreTheRecords() async throws {
        let choice = AnswerFormatChoice()
        #expect(!choice.refused(.schema, reason: "the prompt is too long"))
        #expect(choice.format == .schema && choice.takeNote() == nil)
        #expect(choice.refused(.schema, reason: "unknown: response_format"))
        #expect(choice.format == .object)
        // One that was under way in the old form doesn't take the next form away.
        #expect(choice.refused(.schema, reason: "unknown: response_format"))
        #expect(choice.format == .object)
        #expect(choice.takeNote()?.contains("without a schema") == true)
        #expect(choice.takeNote() == nil)
        #expect(choice.refused(.object, reason: "json_object isn't supported"))
        #expect(choice.format == .plain)
        #expect(!choice.refused(.plain, reason: "response_format"))
    }

    @Test func whatIsSentInEachForm() throws {
        var options = LabelTaskOptions(model: "m", labels: ["a", "b"])
        options.answer = .json
        let record = TaskBodies.record("x")
        func form(_ options: LabelTaskOptions, _ format: AnswerFormat) throws -> String? {
            let step = try LabelTask(options).next(for: record, format: format) { _ in nil }
            let object = try TaskBodies.object(step.asked[0])
            return (object["response_format"] as? [String: Any])?["type"] as? String
        }
        #expect(try form(options, .schema) == "json_schema")
        #expect(try form(options, .object) == "json_object")
        #expect(try form(options, .plain) == nil)
        options.jsonSchema = .off
        #expect(try form(options, .schema) == nil)
        options.jsonSchema = .auto
        options.extraBody = #"{"response_format":{"type":"own"}}"#
        #expect(try form(options, .object) == "own")
    }
}
