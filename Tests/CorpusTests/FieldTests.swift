// Further fields of a record: kept where they are asked for, missed where they are missing.

import Foundation
import Testing

@testable import Corpus

@Suite struct FieldTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func read(
        _ name: String, _ content: String, fields: [String], skip: Bool = false
    ) throws -> Corpus {
        let path = try folder.write(name, content.utf8)
        return try Corpus.read(
            CorpusSource(
                paths: [path], labelField: "label", labelRequired: false, fields: fields,
                onBadRow: skip ? .skip : .refuse))
    }

    @Test func jsonValuesAreKeptAsText() throws {
        let rows = """
            {"text":"a","title":"T \\"one\\"","year":2021.50,"open":true,"other":[1]}
            {"text":"b","open":false,"title":"","year":-1e3}
            """
        let records = try read("a.jsonl", rows, fields: ["title", "year", "open"]).records
        #expect(
            records.map(\.fields) == [
                ["title": "T \"one\"", "year": "2021.50", "open": "true"],
                ["title": "", "year": "-1e3", "open": "false"],
            ])
        // Not asked for: not kept.
        #expect(try read("b.jsonl", rows, fields: []).records.allSatisfy { $0.fields.isEmpty })
    }

    @Test func columnsAreKept() throws {
        let rows = "text,label,title,note\na,x,\"T, one\",n\nb,,U,\n"
        let records = try read("a.csv", rows, fields: ["title"]).records
        #expect(records.map(\.fields) == [["title": "T, one"], ["title": "U"]])
        #expect(records.map(\.label) == ["x", nil])
        let error = #expect(throws: CorpusError.self) {
            try read("b.csv", rows, fields: ["titel"])
        }
        #expect(error?.message.contains("no field 'titel' but 'text', 'label', 'title'") == true)
    }

    @Test func aRowWithoutAFieldIsBad() throws {
        let rows = "{\"text\":\"a\",\"title\":null}\n{\"text\":\"b\",\"title\":\"U\"}\n"
        let error = #expect(throws: CorpusError.self) {
            try read("a.jsonl", rows, fields: ["title"])
        }
        #expect(error?.code == .badRow)
        #expect(error?.message.contains("a.jsonl:1: no value in field 'title'") == true)
        let corpus = try read("a.jsonl", rows, fields: ["title"], skip: true)
        #expect(corpus.records.map(\.text) == ["b"])
        #expect(corpus.report.badRowCount == 1)
        let nested = #expect(throws: CorpusError.self) {
            try read("c.jsonl", "{\"text\":\"a\",\"title\":{}}", fields: ["title"])
        }
        #expect(nested?.message.contains("the field 'title' is neither a string") == true)
        // An empty cell of a table is no value.
        #expect(throws: CorpusError.self) {
            try read("d.tsv", "text\ttitle\na\t\n", fields: ["title"])
        }
    }

    @Test func namesMustMakeSense() throws {
        for fields in [["text"], ["label"], ["id"], [""], ["a", "a"]] {
            let error = #expect(throws: CorpusError.self) {
                try read("a.jsonl", "{\"text\":\"a\",\"a\":1,\"\":2}", fields: fields)
            }
            #expect(error?.code == .configuration)
        }
        let path = try folder.write("a.txt", "one\n".utf8)
        #expect(throws: CorpusError.self) {
            try Corpus.read(CorpusSource(paths: [path], fields: ["title"]))
        }
    }

    @Test func recordsOfOneIdMustAgreeInTheirFields() throws {
        let rows = "{\"id\":\"i\",\"text\":\"a\",\"n\":1}\n{\"id\":\"i\",\"text\":\"a\",\"n\":2}\n"
        let error = #expect(throws: CorpusError.self) { try read("a.jsonl", rows, fields: ["n"]) }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("with other fields") == true)
        // What isn't asked for doesn't make a difference.
        #expect(try read("a.jsonl", rows, fields: []).report.duplicateCount == 1)
    }
}
