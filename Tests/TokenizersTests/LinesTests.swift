// JSON lines in and out.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct LinesTests {
    private func output(
        _ lines: [String], specials: Bool = true, _ changes: [String: String] = [:]
    ) throws -> [String] {
        var output: [String] = []
        try SmallTokenizer.load(changes).tokenizeLines(
            lines, named: "in.jsonl", addSpecialTokens: specials
        ) { output.append(String(decoding: $0, as: UTF8.self)) }
        return output
    }

    @Test func aLineOutForEachLineIn() throws {
        let lines = [
            #"{"text": "a cat", "id": 7}"#, #"{"pair": "B!", "text": ""}"#, "{\"text\":\"c\"}\r",
        ]
        #expect(
            try output(lines) == [
                "{\"ids\": [2, 11, 6, 3], \"tokens\": [\"[CLS]\", \"a\", \"cat\", \"[SEP]\"]}\n",
                "{\"ids\": [2, 3, 12, 17, 3], "
                    + "\"tokens\": [\"[CLS]\", \"[SEP]\", \"b\", \"!\", \"[SEP]\"]}\n",
                "{\"ids\": [2, 13, 3], \"tokens\": [\"[CLS]\", \"c\", \"[SEP]\"]}\n",
            ])
        #expect(
            try output(lines, specials: false)[1]
                == "{\"ids\": [12, 17], \"tokens\": [\"b\", \"!\"]}\n")
        #expect(
            try output([#"{"text": "", "pair": null}"#], specials: false) == [
                "{\"ids\": [], \"tokens\": []}\n"
            ])
    }

    @Test func tokensAreEscaped() throws {
        let odd = "\\\"\\\\\\n\\u0001é"
        let tokens = "[\(SmallTokenizer.added(24, odd, "rstrip"))]"
        let found = try output(
            [#"{"text": "a\#(odd)\t b"}"#], specials: false, ["added_tokens": tokens])
        let line = try #require(found.first)
        struct Line: Decodable {
            let ids: [Int]
            let tokens: [String]
        }
        let decoded = try JSONDecoder().decode(Line.self, from: Data(line.utf8))
        #expect(decoded.ids == [11, 24, 12])
        #expect(decoded.tokens == ["a", "\"\\\n\u{1}é\t ", "b"])
        #expect(line.contains(#""\"\\\n\u0001é\u0009 ""#))
    }

    @Test func paddingAsTheFileSays() throws {
        for side in ["Left", "Right"] {
            let padding = """
                {"strategy": {"Fixed": 4}, "direction": "\(side)", "pad_to_multiple_of": null, \
                "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
                """
            let lines = try output([#"{"text": "a"}"#], specials: true, ["padding": padding])
            #expect(
                lines[0].hasPrefix(
                    side == "Left" ? "{\"ids\": [0, 2, 11, 3]" : "{\"ids\": [2, 11, 3, 0]"))
        }
    }

    @Test(arguments: [
        ("", "in.jsonl:2: broken JSON at byte 0: no JSON value"),
        ("{\"text\": 3}", "in.jsonl:2: 'text' is no string"),
        ("{\"tekst\": \"a\"}", "in.jsonl:2: the object has no 'text'"),
        ("{\"text\": \"a\", \"pair\": []}", "in.jsonl:2: 'pair' is no string"),
        ("[\"a\"]", "in.jsonl:2: the line is no JSON object"),
        ("{\"text\": \"a\"", "in.jsonl:2: broken JSON at byte 12: the text ends in an object"),
    ])
    func badLinesAreNumbered(line: String, message: String) throws {
        let tokenizer = try SmallTokenizer.load()
        var written = 0
        let error = #expect(throws: TokenizerError.self) {
            try tokenizer.tokenizeLines([#"{"text": "a"}"#, line], named: "in.jsonl") { _ in
                written += 1
            }
        }
        #expect(error?.message == message && error?.code == .badLine)
        #expect(written == 1)
    }

    @Test func linesOfAFile() throws {
        let folder = try TemporaryFolder()
        let long = String(repeating: "cats ", count: 200_000)
        try folder.write(
            "in.jsonl", "\u{FEFF}{\"text\": \"a\"}\n{\"text\": \"\(long)\"}\n{\"text\": \"b\"}")
        var lines = try ByteLines(path: folder.path("in.jsonl"))
        var counts: [Int] = []
        try SmallTokenizer.load().tokenizeLines(&lines, addSpecialTokens: false) { line in
            counts.append(line.count { $0 == UInt8(ascii: ",") })
        }
        #expect(counts == [1, 799_999, 1])
        try folder.write("empty.jsonl", "")
        var none = try ByteLines(path: folder.path("empty.jsonl"))
        #expect(try none.next() == nil)
        for (name, reason) in [("absent", "no such file"), ("", "is a folder, not a file")] {
            let error = #expect(throws: TokenizerError.self) {
                try ByteLines(path: folder.path(name))
            }
            #expect(error?.message == "\(folder.path(name)): \(reason)")
        }
    }
}
