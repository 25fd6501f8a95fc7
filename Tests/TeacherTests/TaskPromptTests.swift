// Prompts rendered, templates refused, examples chosen.

import Corpus
import Foundation
import Testing

@testable import Teacher

@Suite struct TaskPromptTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func options(
        _ user: String? = nil, system: String? = nil
    ) -> LabelTaskOptions {
        var options = LabelTaskOptions(model: "m", labels: ["biased", "unbiased"])
        options.prompts = [.init(system: system, user: user)]
        return options
    }

    private func messages(
        _ options: LabelTaskOptions, _ record: Record = TaskBodies.record("a <b> & \"c\"\n")
    ) throws -> [String] {
        try TaskBodies.messages(LabelTask(options).firstRequests(for: record)[0])
    }

    @Test func theDefaultPrompt() throws {
        #expect(
            try messages(options()) == [
                "system: You label texts. Answer with exactly one of these labels and nothing "
                    + "else: biased, unbiased.",
                "user: a <b> & \"c\"\n",
            ])
        // An empty system prompt is none.
        #expect(try messages(options(system: "")) == ["user: a <b> & \"c\"\n"])
    }

    @Test func whatTemplatesSee() throws {
        let template =
            "{{#labels}}{{^first()}}, {{/first()}}'{{.}}'{{/labels}}\n"
            + "{{! a note}}\n{{id}}: {{{text}}}|{{&text}}|{{title}}|{{uppercased(title)}} {\"a\": 1}"
        let record = TaskBodies.record("<t>", id: "i", fields: ["title": "T & u"])
        #expect(
            try messages(options(template, system: ""), record) == [
                "user: 'biased', 'unbiased'\ni: <t>|<t>|T & u|T & U {\"a\": 1}"
            ])
        let task = try LabelTask(options(template + "{{source}}", system: "{{title}}{{lang}}"))
        #expect(task.usedFields == ["title", "lang", "source"])
        let step = task.next(for: record) { _ in nil }
        #expect(step.failure?.reason.contains("no field 'lang'") == true)
        #expect(task.firstRequests(for: record).isEmpty)
    }

    @Test(arguments: [
        ("{{text}} {{#labels}}{{.}}", "teacher.prompt.user, line 1: the template cannot be read"),
        ("a\nb {{text", "line 2: the template cannot be read: a tag isn't closed"),
        ("{{text}}\n{{#labels}}{{/label}}", "line 2: the template cannot be read: a section is"),
        ("{{text}}\n\n{{label}}", "line 3: 'label' is known of examples alone"),
        ("{{text}} {{> other}}", "can't have partials"), ("{{=<% %>=}}<%text%>", "can't have"),
        ("{{text}} {{a.b}}", "'a.b': names with a point"), ("{{text}}{{.}}", "within a section"),
        ("{{#examples}}{{text}}{{/examples}}", "put {{text}} where it belongs"),
        ("fixed", "put {{text}} where it belongs"),
    ])
    func templatesThatCannotBe(_ template: String, _ words: String) {
        let error = #expect(throws: TeacherError.self) { try LabelTask(options(template)) }
        #expect(error?.code == .configuration)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test func namesAreCheckedAgainstTheFieldsThatThereAre() throws {
        var options = options("{{text}} {{titel}}")
        options.dataFields = ["title"]
        let error = #expect(throws: TeacherError.self) { try LabelTask(options) }
        #expect(
            error?.message.hasPrefix(
                "teacher.prompt.user: nothing is named 'titel'; known are 'text', 'id', 'labels', "
                    + "'label_list', 'examples', 'title'") == true)
        options.dataFields = ["titel"]
        #expect(try LabelTask(options).usedFields == ["titel"])
        // A name of an inner, never rendered section is seen too.
        options.prompts = [
            .init(user: "{{text}}{{^labels}}{{#titel}}{{typo}}{{/titel}}{{/labels}}")
        ]
        #expect(throws: TeacherError.self) { try LabelTask(options) }
    }

    @Test func templatesInFiles() throws {
        var options = options()
        let file = try folder.write("user.txt", "Q: {{text}}\r\n\n".utf8)
        options.prompts = [.init(system: "", userFile: file)]
        #expect(try messages(options, TaskBodies.record("t")) == ["user: Q: t\r\n"])
        let before = try LabelTask(options).fingerprint
        _ = try folder.write("user.txt", "Q: {{text}}{{/x}}".utf8)
        let error = #expect(throws: TeacherError.self) { try LabelTask(options) }
        #expect(error?.message.hasPrefix("\(file), line 1: ") == true)
        _ = try folder.write("user.txt", "{{text}}".utf8)
        #expect(try LabelTask(options).fingerprint != before)
        options.prompts = [.init(userFile: folder.file("absent"))]
        #expect(throws: TeacherError.self) { try LabelTask(options) }
        _ = try folder.write("user.txt", [0xFF, 0x7B])
        options.prompts = [.init(userFile: file)]
        #expect(throws: TeacherError.self) { try LabelTask(options) }
        options.prompts = [.init(user: "{{text}}", userFile: file)]
        #expect(throws: TeacherError.self) { try LabelTask(options) }
    }

    private func withExamples(
        _ choose: LabelTaskOptions.Examples.Choice, count: Int, user: String? = "{{text}}"
    ) throws -> LabelTaskOptions {
        let rows = (0..<12).map { "t\($0),\(["biased", "unbiased"][$0 < 4 ? 0 : 1])" }
        let path = try folder.write("e.csv", ("text,label\n" + rows.joined(separator: "\n")).utf8)
        var options = options(user, system: "")
        options.examples = .init(path: path, count: count, choose: choose, seed: 7)
        return options
    }

    @Test func examplesAreTurns() throws {
        let options = try withExamples(.seed, count: 3, user: "Q {{text}}")
        let shown = try messages(options, TaskBodies.record("new"))
        #expect(shown.count == 7)
        #expect(shown.last == "user: Q new")
        #expect(shown[0].hasPrefix("user: Q t") && shown[1].hasPrefix("assistant: "))
        // The same for every record, but never the record itself.
        #expect(try messages(options, TaskBodies.record("other")).dropLast() == shown.dropLast())
        let first = String(shown[0].dropFirst("user: Q ".count))
        let own = try messages(options, TaskBodies.record(first))
        #expect(own.count == 7)
        #expect(own.filter { $0 == shown[0] } == ["user: Q \(first)"])
        var other = options
        other.examples?.seed = 8
        #expect(try messages(other, TaskBodies.record("new")) != shown)
    }

    @Test func asManyOfEachClass() throws {
        let shown = try messages(withExamples(.class, count: 2), TaskBodies.record("new"))
        #expect(
            shown.filter { $0.hasPrefix("assistant") }
                == ["biased", "unbiased", "biased", "unbiased"].map { "assistant: \($0)" })
    }

    @Test func theNearestStandLast() throws {
        let options = try withExamples(.nearest, count: 2)
        let embed: @Sendable ([String]) throws -> [[Float]] = { texts in
            texts.map { text in
                let angle = Float(text.dropFirst()).map { $0 / 12 } ?? 0
                return [3 * cosf(angle), 3 * sinf(angle)]
            }
        }
        let task = try LabelTask(options, embed: embed)
        func shown(_ text: String) throws -> [String] {
            try TaskBodies.messages(task.firstRequests(for: TaskBodies.record(text))[0])
                .filter { $0.hasPrefix("user") }
        }
        #expect(try shown("x5.2") == ["user: t6", "user: t5", "user: x5.2"])
        #expect(try shown("t5") == ["user: t6", "user: t4", "user: t5"])
        try task.prepare(for: ["x5.2", "x9.9"].map { TaskBodies.record($0) })
        #expect(try shown("x5.2") == ["user: t6", "user: t5", "user: x5.2"])
        #expect(try shown("x9.9") == ["user: t9", "user: t10", "user: x9.9"])
        #expect(throws: TeacherError.self) { try LabelTask(options) }
        #expect(throws: TeacherError.self) { try LabelTask(options, embed: { _ in [] }) }
    }

    @Test func examplesInATemplate() throws {
        let template = "{{#examples}}{{text}} -> {{label}}\n{{/examples}}{{text}} ->"
        var options = try withExamples(.class, count: 1, user: template)
        let shown = try messages(options, TaskBodies.record("new"))
        #expect(shown.count == 1)
        #expect(shown[0].hasSuffix("\nnew ->"))
        #expect(shown[0].contains(" -> biased\nt"))
        // Plain completions: one text that ends where the answer begins.
        options.route = .completions
        options.prompts = [.init()]
        let request = try LabelTask(options).firstRequests(for: TaskBodies.record("new"))[0]
        let prompt = try #require(try TaskBodies.object(request)["prompt"] as? String)
        #expect(prompt.hasPrefix("You label texts."))
        #expect(prompt.hasSuffix("\nLabel: unbiased\n\nText: new\nLabel:"))
        _ = try folder.write("e.csv", "text,label\na,strange".utf8)
        let error = #expect(throws: TeacherError.self) { try LabelTask(options) }
        #expect(error?.message.contains("e.csv:2: the example's label 'strange'") == true)
    }
}
