// From files to records: formats, ids, duplicates, what is refused and what is counted.

import Foundation
import Testing

@testable import Corpus

@Suite struct CorpusTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func failure(_ source: CorpusSource) -> CorpusError? {
        do throws(CorpusError) {
            _ = try Corpus.read(source)
            return nil
        } catch {
            return error
        }
    }

    @Test func formatsByName() {
        for (path, format) in [
            ("a.jsonl", CorpusFormat.jsonl), ("a.ndjson", .jsonl), ("x/y.z/a.JSONL.gz", .jsonl),
            ("a.csv", .csv), ("a.b.tsv.gz", .tsv), ("a.txt", .lines), ("a.tab", .tsv),
        ] { #expect(CorpusFormat(path: path) == format, "\(path)") }
        for path in ["a", "a.gz", "a.parquet", "csv", "x.csv/a", ".txt.d/jsonl"] {
            #expect(CorpusFormat(path: path) == nil, "\(path)")
        }
    }

    @Test func idsAreHashesOfTextOrGiven() throws {
        let path = try folder.write(
            "a.jsonl",
            "{\"text\":\"x\"}\n{\"text\":\"y\",\"id\":7}\n{\"text\":\"z\",\"id\":null}".utf8)
        let records = try Corpus.read(CorpusSource(paths: [path])).records
        // sha256 of "x" and "z".
        #expect(records.map(\.id) == ["2d711642b726b044", "7", "594e519ae499312b"])
    }

    @Test func duplicatesAreDroppedAndConflictsRefused() throws {
        let rows = [
            #"{"id":"a","text":"one","label":"x"}"#, #"{"id":"b","text":"one","label":"x"}"#,
            #"{"id":"a","text":"one","label":"x"}"#,
        ]
        let path = try folder.write("a.jsonl", rows.joined(separator: "\n").utf8)
        var source = CorpusSource(paths: [path, path], labelField: "label")
        let corpus = try Corpus.read(source)
        #expect(corpus.records.map(\.id) == ["a", "b"])
        #expect(corpus.report.duplicateCount == 4)
        #expect(corpus.report.repeatedTexts == 1)
        #expect(corpus.report.duplicates[0].first.line == 1)
        #expect(corpus.report.duplicates[0].again.line == 3)
        #expect(
            corpus.report.summary
                == "6 rows: 2 kept, 4 duplicates dropped, 1 with a text seen before")

        for (row, what) in [
            (#"{"id":"a","text":"other","label":"x"}"#, "text"),
            (#"{"id":"a","text":"one","label":"y"}"#, "label"),
        ] {
            let second = try folder.write("b.jsonl", row.utf8)
            source.paths = [path, second]
            source.onBadRow = .refuse
            let error = failure(source)
            #expect(error?.code == .conflict)
            #expect(
                error?.message.contains(
                    "b.jsonl:1: id 'a' stands at \(path):1 with another \(what)") == true)
            source.onBadRow = .skip
            #expect(try Corpus.read(source).report.badRowCount == 1)
        }
    }

    @Test func repeatsAmongManyRecords() throws {
        let texts = (0..<5000).map { "text \($0 % 4000) é" }
        let lines = texts.enumerated().map { #"{"id":\#($0.offset),"text":"\#($0.element)"}"# }
        let path = try folder.write("a.jsonl", (lines + lines).joined(separator: "\n").utf8)
        let report = try Corpus.read(CorpusSource(paths: [path])).report
        #expect(report.kept == 5000)
        #expect(report.repeatedTexts == 1000)
        #expect(report.duplicateCount == 5000)
        #expect(report.duplicates.count == ReadReport.examplesKept)
    }

    @Test func badRowsAreRefusedOrCounted() throws {
        let rows = [
            #"{"id":1,"text":"good"}"#, #"{"id":2}"#, #"{"id":3,"text":"  \n"}"#, "nonsense",
            #"{"id":"","text":"x"}"#, #"{"id":5,"text":null}"#, "", #"{"id":6,"text":"good too"}"#,
        ]
        let path = try folder.write("a.jsonl", rows.joined(separator: "\n").utf8)
        let error = failure(CorpusSource(paths: [path]))
        #expect(
            error?.message
                == "\(path):2: no text in field 'text' (data.on_bad_row: skip leaves such rows out)"
        )
        let report = try Corpus.read(CorpusSource(paths: [path], onBadRow: .skip)).report
        #expect(report.badRows.map(\.place.line) == [2, 3, 4, 5, 6])
        #expect(
            report.badRows.map(\.reason)
                == [
                    "no text in field 'text'", "the text is empty",
                    "not JSON: a value is wanted (byte 1)", "the id is empty",
                    "no text in field 'text'",
                ].enumerated().map { $0.offset == 2 ? report.badRows[2].reason : $0.element })
        #expect(report.badRows[2].reason.hasPrefix("not JSON: "))
        #expect(report.blankLines == 1)
        #expect(report.kept == 2)
    }

    @Test func labels() throws {
        let rows = [
            #"{"text":"a","label":"x"}"#, #"{"text":"b","label":3}"#, #"{"text":"c","label":true}"#,
            #"{"text":"d"}"#,
        ]
        let path = try folder.write("a.jsonl", rows.joined(separator: "\n").utf8)
        #expect(
            try Corpus.read(CorpusSource(paths: [path])).records.map(\.label) == [
                nil, nil, nil, nil,
            ])
        #expect(
            failure(CorpusSource(paths: [path], labelField: "label"))?.message.contains(
                ":4: no label in field 'label'") == true)
        let loose = CorpusSource(paths: [path], labelField: "label", labelRequired: false)
        #expect(try Corpus.read(loose).records.map(\.label) == ["x", "3", "true", nil])
    }

    @Test func filesThatCannotBeRead() throws {
        let empty = try folder.write("empty.jsonl", [])
        let blank = try folder.write("blank.jsonl", "\n \n".utf8)
        let unknown = try folder.write("a.parquet", "PAR1".utf8)
        let wide = try folder.write("wide.txt", [0xFF, 0xFE, 0x61, 0x00])
        let list = try folder.write("list.json", "[{\"text\":\"a\"}]".utf8)
        let good = try folder.write("good.txt", "fine".utf8)
        for (paths, code, words) in [
            ([], CorpusError.Code.configuration, "data.paths"),
            ([folder.file("absent.jsonl")], .unreadable, "absent.jsonl: cannot open: No such file"),
            ([folder.path + "/x.jsonl/"], .unreadable, "cannot open"),
            ([empty], .empty, "empty.jsonl: the file holds no rows"),
            ([good, empty], .empty, "empty.jsonl"), ([blank], .empty, "no rows"),
            ([unknown], .configuration, "data.format"), ([wide], .unreadable, "UTF-16"),
            ([list], .badRow, "an object, {...}, is wanted"),
        ] {
            let error = failure(CorpusSource(paths: paths))
            #expect(error?.code == code, "\(paths): \(error?.message ?? "nothing")")
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "nothing")")
            #expect(error?.message.contains("\n") == false)
        }
        let directory = failure(CorpusSource(paths: [folder.path], format: .jsonl))
        #expect(directory?.message == "\(folder.path): this is a folder; name the files in it")
        let labels = failure(CorpusSource(paths: [good], labelField: "label"))
        #expect(labels?.message.contains("plain lines have no field 'label'") == true)
        let same = failure(CorpusSource(paths: [good], textField: "a", labelField: "a"))
        #expect(same?.code == .configuration)
        let none = failure(
            CorpusSource(paths: [try folder.write("bad.jsonl", "x\ny".utf8)], onBadRow: .skip))
        #expect(none?.message.contains("none of 2 rows can be used; the first: ") == true)
    }

    @Test func aRowWithoutEndIsNotReadIntoMemory() throws {
        let path = try folder.write("a.txt", ("short\n" + String(repeating: "x", count: 100)).utf8)
        let reader = try LineReader(path: path, chunkSize: 8, limit: 20)
        guard case .text = try reader.next(), case .tooLong = try reader.next() else {
            Issue.record("the long line was read")
            return
        }
        #expect(try reader.next() == nil)
        #expect(reader.buffer.count < 64)
    }

    @Test(.enabled(if: SharedData.has("data/trec"))) func filesThatAreNotUTF8AreNamed() throws {
        let path = SharedData.path("data/trec/TREC.train")
        let error = failure(CorpusSource(paths: [path], format: .lines))
        #expect(error?.message.contains("TREC.train:") == true)
        #expect(error?.message.contains("not UTF-8 at byte") == true)
        let corpus = try Corpus.read(CorpusSource(paths: [path], format: .lines, onBadRow: .skip))
        // One line holds a Latin-1 letter; exact repeats are dropped.
        #expect(corpus.report.rows == 5452)
        #expect(corpus.report.badRowCount == 1)
        #expect(corpus.report.kept + corpus.report.duplicateCount == 5451)
    }

    @Test(
        .enabled(if: SharedData.has("data/babe")),
        arguments: [("babe/pool", 3020, 0), ("babe/test", 1000, 0), ("newsgroups/pool", 6032, 12)])
    func realData(name: String, rows: Int, empty: Int) throws {
        let path = SharedData.path("data/\(name).jsonl.gz")
        let corpus = try Corpus.read(
            CorpusSource(paths: [path], labelField: "label", onBadRow: .skip))
        #expect(corpus.report.rows == rows)
        #expect(corpus.report.badRowCount == empty)
        #expect(corpus.records.count == rows - empty - corpus.report.duplicateCount)
        // The test split repeats two sentences, ids included.
        #expect(corpus.report.duplicateCount == (name == "babe/test" ? 2 : 0))
        #expect(corpus.records.allSatisfy { $0.label != nil && $0.id.contains("-") })
    }
}
