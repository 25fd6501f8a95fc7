// One template of a prompt: mustache, rendered as plain text (no HTML escapes: `<` stays `<`).

package import Corpus
import Mustache

/// A template and the record fields that it uses.
package struct PromptTemplate: Sendable {
    /// As it was written.
    let source: String
    /// The record fields that it uses beyond those that every record has.
    let fields: [String]
    /// Whether it says anything of the record itself, besides its id.
    package let showsRecord: Bool
    /// Whether it shows the record's text.
    private let showsText: Bool
    /// Whether it shows the record's id.
    let showsID: Bool
    /// Whether it places the examples itself.
    let showsExamples: Bool
    private let template: MustacheTemplate
    /// Its text, where it is the same for all records.
    private let constant: String?
    /// Whether it is nothing but the record's text.
    private let isTextAlone: Bool

    /// The names that every template may use.
    static let knownNames = ["text", "id", "labels", "label_list", "examples"]
    /// Put before a template: plain text, nothing is escaped.
    private static let pragma = "{{% CONTENT_TYPE:TEXT}}\n"

    /// Compiles a template.
    ///
    /// - Parameters:
    ///   - source: The template.
    ///   - place: The recipe's key or the file, for messages.
    ///   - dataFields: The record fields that there are; nil: not known, so any name may be one.
    ///   - labels: The class names, for templates that are the same for all records.
    package init(
        _ source: String, place: String, dataFields: [String]?, labels: [String]
    ) throws(TeacherError) {
        self.source = source
        isTextAlone = source == "{{text}}"
        do {
            template = try MustacheTemplate(string: Self.pragma + source)
        } catch let error as MustacheTemplate.ParserError {
            // One line down by the pragma's line.
            throw TeacherError(
                .configuration,
                "\(place), line \(max(1, error.context.lineNumber - 1)): the template cannot be "
                    + "read: \(Self.words(error.error)) ('\(error.context.line)')")
        } catch {
            throw TeacherError(.configuration, "\(place): the template cannot be read: \(error)")
        }
        do throws(TemplateTags.Fault) {
            let tags = try TemplateTags(source)
            showsExamples = tags.showsExamples
            showsRecord = tags.names.contains { $0 == "text" || !Self.knownNames.contains($0) }
            showsText = tags.names.contains("text")
            showsID = tags.names.contains("id")
            fields = tags.names.filter { !Self.knownNames.contains($0) }
            let isConstant = tags.names.allSatisfy { ["labels", "label_list"].contains($0) }
            let nobody = Record(id: "", text: "", source: Place(file: "", line: 0))
            constant =
                isConstant && !tags.showsExamples
                ? template.render(Context(record: nobody, labels: labels, examples: [])) : nil
        } catch {
            throw TeacherError(.configuration, "\(place), line \(error.line): \(error.reason)")
        }
        guard let dataFields, let stranger = fields.first(where: { !dataFields.contains($0) })
        else { return }
        let known = (Self.knownNames + dataFields).map { "'\($0)'" }.joined(separator: ", ")
        throw TeacherError(
            .configuration,
            "\(place): nothing is named '\(stranger)'; known are \(known) "
                + "(data.fields names further fields to keep)")
    }

    /// Whether it uses a name: `text`, or a field.
    package func shows(_ name: String) -> Bool {
        name == "text" ? showsText : fields.contains(name)
    }

    /// The text for a record.
    package func render(_ record: Record, labels: [String], examples: [Record]) -> String {
        if isTextAlone { return record.text }
        return constant
            ?? template.render(
                Context(record: record, labels: labels, examples: showsExamples ? examples : []))
    }

    private static func words(_ error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "a section is closed by another name"
        case .unfinishedName: "a tag isn't closed"
        case .expectedSectionEnd: "a section isn't closed"
        case .invalidSetDelimiter: "the delimiters can't be"
        case .invalidConfigVariableSyntax, .unrecognisedConfigVariable: "an unknown pragma"
        case nil: "a tag isn't closed"
        default: "a block can't stand here"
        }
    }

    /// What a template sees; values are made when they are asked for.
    private struct Context: MustacheParent {
        let record: Record
        let labels: [String]
        let examples: [Record]

        func child(named name: String) -> Any? {
            switch name {
            case "text": record.text
            case "id": record.id
            case "labels": labels
            case "label_list": labels.joined(separator: ", ")
            case "examples": examples.map(Example.init)
            default: record.fields[name]
            }
        }
    }

    /// What a section over examples sees.
    private struct Example: MustacheParent {
        let record: Record

        func child(named name: String) -> Any? {
            switch name {
            case "text": record.text
            case "id": record.id
            case "label": record.label
            default: nil
            }
        }
    }
}
