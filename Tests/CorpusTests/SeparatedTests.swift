// CSV and TSV: what RFC 4180 says, and what becomes of rows that break it.

import Testing

@testable import Corpus

@Suite struct SeparatedTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func read(
        _ text: String, _ name: String = "a.csv", label: String? = nil,
        onBadRow: BadRowPolicy = .refuse, quoting: Bool = true
    ) throws -> Corpus {
        let path = try folder.write(name, text.utf8)
        return try Corpus.read(
            CorpusSource(
                paths: [path], labelField: label, onBadRow: onBadRow, quoting: quoting))
    }

    private func failure(_ text: String, label: String? = nil) -> CorpusError? {
        do {
            _ = try read(text, label: label)
            return nil
        } catch {
            return error as? CorpusError
        }
    }

    @Test func quotedFields() throws {
        let corpus = try read(
            "id,text\r\n1,\"a, b\"\r\n2,\"say \"\"hi\"\"\"\r\n3,\"two\nlines\r\nthree\"\r\n4,\"\"\"\"\r\n"
                + "5,in \"the\" middle\r\n6,  kept spaces \r\n")
        #expect(
            corpus.records.map(\.text) == [
                "a, b", "say \"hi\"", "two\nlines\r\nthree", "\"", "in \"the\" middle",
                "  kept spaces ",
            ])
        #expect(corpus.records.map(\.source.line) == [2, 3, 4, 7, 8, 9])
        #expect(corpus.records.map(\.id) == ["1", "2", "3", "4", "5", "6"])
    }

    @Test func aLoneCarriageReturnIsALetter() throws {
        #expect(try read("text\na\rb\n").records[0].text == "a\rb")
    }

    @Test func emptyCells() throws {
        let corpus = try read("id,text,label\n,some,\n", label: nil)
        #expect(corpus.records[0].id == ContentHash.id(of: "some"))
        #expect(
            failure("id,text,label\n1,some,\n", label: "label")?.message.contains("no label")
                == true)
        #expect(failure("id,text\n1,\n")?.message.contains("a.csv:2: the text is empty") == true)
    }

    @Test func wrongRowsAreNamed() {
        for (text, words) in [
            ("text,id\na,1\nb\n", "a.csv:3: 1 fields, the head line has 2"),
            ("text,id\na,1,x\n", "a.csv:2: 3 fields, the head line has 2"),
            ("text\n\"a\"b\n", "a.csv:2: field 1 goes on behind its closing quote"),
            (
                "text,id\na,1\n\"b,2\nc,3\n",
                "a.csv:3: field 1 is quoted and its quote is never closed"
            ),
            ("text\n\"a\"\rb\n", "a.csv:2: field 1 goes on"),
            ("text\na\u{0}b\n", "NUL"),
        ] {
            let error = failure(text)
            #expect(error?.code == .badRow, "\(text)")
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "nothing")")
            #expect(error?.message.contains("data.on_bad_row: skip") == true)
        }
    }

    @Test func wrongHeadLines() {
        for (text, code, words) in [
            ("", CorpusError.Code.empty, "no rows"), ("\n\n", .empty, "no rows"),
            ("text\n", .empty, "no rows"),
            ("txt,label\na,b\n", .configuration, "no field 'text' but 'txt', 'label'"),
            ("text,text\na,b\n", .configuration, "two fields 'text'"),
            ("\"text\n", .unreadable, "head line: field 1 is quoted"),
        ] {
            let error = failure(text)
            #expect(error?.code == code, "\(text): \(error?.message ?? "nothing")")
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "nothing")")
        }
        #expect(failure("text\na\n", label: "label")?.code == .configuration)
    }

    @Test func badRowsAreSkippedAndTheNextIsRead() throws {
        let corpus = try read(
            "id,text\n1,a\n2,\"b\"x\",y\n3,c\n4\n5,\n6,d\n", onBadRow: .skip)
        #expect(corpus.records.map(\.id) == ["1", "3", "6"])
        #expect(corpus.report.rows == 6)
        #expect(corpus.report.badRowCount == 3)
        #expect(corpus.report.badRows.map(\.place.line) == [3, 5, 6])
    }

    @Test func bytesThatAreNotUTF8() throws {
        let path = try folder.write(
            "b.csv", Array("id,text\n1,a\n2,caf".utf8) + [0xE9] + Array("\n".utf8))
        let error = #expect(throws: CorpusError.self) {
            try Corpus.read(CorpusSource(paths: [path]))
        }
        #expect(error?.message.contains("b.csv:3: not UTF-8 at byte 4") == true)
    }

    @Test func quotesAsLetters() throws {
        let corpus = try read(
            "id\ttext\n1\t\"Hello,\" he said\n2\tit's 5\"\n", "a.tsv", quoting: false)
        #expect(corpus.records.map(\.text) == ["\"Hello,\" he said", "it's 5\""])
    }
}
