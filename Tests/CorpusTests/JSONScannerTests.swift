// What is JSON and what isn't (RFC 8259), and that strings come out exactly.

import Foundation
import Testing

@testable import Corpus

@Suite struct JSONScannerTests {
    /// The text of key "text" of a line, or the trouble.
    private func text(_ line: [UInt8]) -> Result<String?, CorpusError> {
        do {
            let folder = try TemporaryFolder()
            let path = try folder.write("a.jsonl", line)
            var reader = try RecordReader(CorpusSource(paths: [path]))
            return .success(try reader.next()?.text)
        } catch let error as CorpusError {
            return .failure(error)
        } catch {
            return .success(nil)
        }
    }

    private func text(_ line: String) -> Result<String?, CorpusError> { text(Array(line.utf8)) }

    @Test(arguments: [
        (#"{"text":"plain"}"#, "plain"),
        (#"  { "text" : "spaces"  }  "#, "spaces"),
        ("\t{\"text\":\"a tab\"}\r", "a tab"),
        (#"{"text":"\"\\\/\b\f\n\r\t"}"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (#"{"text":"\u0041\u00e9\u20AC"}"#, "Aé€"),
        (#"{"text":"\ud83d\ude42 and 🙂"}"#, "🙂 and 🙂"),
        (#"{"text":"a\u0000b"}"#, "a\u{0}b"),
        (#"{"text":"\uffff\uFFFD"}"#, "\u{ffff}\u{fffd}"),
        (#"{"text":"last","text":"wins"}"#, "wins"),
        (#"{"\u0074ext":"escaped key"}"#, "escaped key"),
        (#"{"te\u0078t":"escaped key"}"#, "escaped key"),
        (#"{"a":[],"b":{},"c":[{},[[]]],"text":"after nests","d":null}"#, "after nests"),
        (#"{"n":[0,-0,1.5,-2e10,3E+7,4e-2,0.0],"text":"numbers"}"#, "numbers"),
        (#"{"w":[true,false,null],"text":"words"}"#, "words"),
        (#"{"texts":1,"tex":2,"Text":3,"text":"the key itself"}"#, "the key itself"),
        ("{\"text\":\"\u{7f}\u{85}\u{2028}\"}", "\u{7f}\u{85}\u{2028}"),
    ])
    func legal(line: String, wanted: String) throws {
        #expect(try text(line).get() == wanted)
    }

    @Test(arguments: [
        #"{"text":"a"#, #"{"text":"a"}}"#, #"{"text":"a"} {}"#, #"{"text":"a",}"#, #"{"text":}"#,
        #"{"text" "a"}"#, #"{text:"a"}"#, #"{'text':'a'}"#, #"["a"]"#, #""a""#, "nul", "{", "{]",
        #"{"text":"a","b":[1,]}"#, #"{"text":"a","b":[1 2]}"#, #"{"text":"a","b":01}"#,
        #"{"text":"a","b":+1}"#, #"{"text":"a","b":.5}"#, #"{"text":"a","b":5.}"#,
        #"{"text":"a","b":1e}"#, #"{"text":"a","b":-}"#, #"{"text":"a","b":NaN}"#,
        #"{"text":"a","b":Infinity}"#, #"{"text":"a","b":0x10}"#, #"{"text":"a","b":tru}"#,
        #"{"text":"a","b":truely}"#, #"{"text":"\x41"}"#, #"{"text":"\u12"}"#,
        #"{"text":"\u12G4"}"#, #"{"text":"\ud83d"}"#, #"{"text":"\ud83dx"}"#,
        #"{"text":"\ud83d\u0041"}"#, #"{"text":"\ude42"}"#, "{\"text\":\"a\tb\"}",
        "{\"text\":\"a\u{1}b\"}", #"{"text":"a","b":"\q"}"#, #"{"text":"a" "b":1}"#,
        #"{,"text":"a"}"#, #"{"text":"a","b":{"c"}}"#, #"{"text":"a","b":{"c":}}"#,
        #"{"text":"a"};"#, #"{"text":["a"]}"#, #"{"text":1}"#, #"{"text":{"a":1}}"#,
        #"{"text":"a","id":{}}"#, #"{"text":"a","id":[1]}"#, #"{"text":"a\"#,
    ])
    func illegal(line: String) throws {
        let error = #expect(throws: CorpusError.self) { try text(line).get() }
        #expect(error?.code == .badRow)
        #expect(error?.message.contains("a.jsonl:1: not JSON: ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
    }

    @Test func bytesThatAreNotUTF8AreNamedWithTheirPlace() throws {
        for (bytes, place) in [
            ([0xFF], 12), ([0x41, 0xC3], 13), ([0xC0, 0x80], 12), ([0xED, 0xA0, 0x80], 12),
            ([0xF4, 0x90, 0x80, 0x80], 12), ([0x61, 0x62, 0xE2, 0x82], 14),
        ] as [([UInt8], Int)] {
            let line = Array(#"  {"text":""#.utf8) + bytes + Array("\"}".utf8)
            let error = #expect(throws: CorpusError.self) { try text(line).get() }
            #expect(error?.message.contains("a.jsonl:1: not UTF-8 at byte \(place)") == true)
            // In a field that nobody wants, too, and in a key.
            for (before, after) in [
                ("{\"text\":\"a\",\"b\":\"", "\"}"), ("{\"text\":\"a\",\"", "\":1}"),
            ] {
                let line = Array(before.utf8) + bytes + Array(after.utf8)
                let error = #expect(throws: CorpusError.self) { try text(line).get() }
                #expect(error?.message.contains("not UTF-8") == true)
            }
        }
    }

    @Test func nestingHasAnEnd() throws {
        func nested(_ depth: Int) -> String {
            "{\"text\":\"a\",\"b\":" + String(repeating: "[", count: depth)
                + String(repeating: "]", count: depth) + "}"
        }
        #expect(try text(nested(500)).get() == "a")
        #expect(throws: CorpusError.self) { try text(nested(600)).get() }
        #expect(throws: CorpusError.self) { try text(nested(1_000_000)).get() }
    }

    /// Random lines, broken at random: whatever we take, Foundation takes too, and finds the same.
    @Test func agreesWithFoundation() throws {
        let random = CounterRandom(seed: 7, 1)
        var index: UInt64 = 0
        func below(_ bound: Int) -> Int { Int(random.below(UInt64(bound), next: &index)) }
        let pieces = [
            "\\u00e9", "\\ud83d\\ude42", "é", "🙂", "\\n", "\\\"", "a", " ", "{", "]", ",", ":",
            "\\\\", "word", "\\u0001", "\u{2028}",
        ]
        var lines: [[UInt8]] = []
        for _ in 0..<20000 {
            let body = (0..<below(12)).map { _ in pieces[below(pieces.count)] }.joined()
            var bytes = Array(
                #"{"k":[1,{"x":-2.5e3}],"text":"\#(body).","z":null}"#.utf8)
            if below(2) == 0 {
                let marks = Array("\"\\{}[],:0-9eEntu \u{1}".utf8) + [0xFF, 0x80, 0xC3]
                bytes[below(bytes.count)] = marks[below(marks.count)]
            }
            lines.append(bytes)
        }
        let folder = try TemporaryFolder()
        let path = try folder.write("a.jsonl", lines.joined(separator: [0x0A]))
        var reader = try RecordReader(CorpusSource(paths: [path], onBadRow: .skip))
        var taken = 0
        while let record = try reader.next() {
            taken += 1
            let bytes = lines[record.source.line - 1]
            let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
            #expect(
                object?["text"] as? String == record.text,
                "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(taken > 10000)
        #expect(reader.report.badRowCount > 2000)
    }
}
