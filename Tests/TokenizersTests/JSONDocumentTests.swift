// The JSON reader: what it takes, what it refuses and where, and that strings come out whole.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct JSONDocumentTests {
    private func faultIn(_ text: String) -> JSONFault? {
        do throws(JSONFault) {
            _ = try JSONDocument(Array(text.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("", 0, "no JSON value"), ("  ", 2, "no JSON value"),
        ("{", 1, "the text ends in an object"),
        ("[1,", 3, "the text ends in an array"), ("[1 2]", 3, "',' or ']' is due here"),
        ("[1,]", 3, "a value is due here"), ("{\"a\" 1}", 5, "':' is due here"),
        ("{a:1}", 1, "a key in quotes is due here"),
        ("{\"a\":1,}", 7, "a key in quotes is due here"),
        ("\"abc", 4, "the text ends in a string"), ("\"\\x\"", 1, "an unknown escape in a string"),
        ("\"\\u12\"", 1, "the text ends in a string"),
        ("\"\\u12g4\"", 1, "four hexadecimal digits are due after \\u"),
        ("\"\\ud800\"", 7, "half of a surrogate pair stands alone"),
        ("\"\\udc00\"", 1, "half of a surrogate pair stands alone"),
        ("\"a\nb\"", 2, "a control character stands in a string"),
        ("01", 1, "something follows the end of the JSON value"), ("-", 1, "a digit is due here"),
        ("1.", 2, "a digit is due here"), ("1e+", 3, "a digit is due here"),
        ("nul", 0, "a value is due here"),
        ("{} {}", 3, "something follows the end of the JSON value"),
    ])
    func broken(text: String, position: Int, reason: String) throws {
        let fault = try #require(faultIn(text))
        #expect(fault.position == position && fault.reason == reason)
    }

    @Test func deepNestingIsRefused() throws {
        #expect(
            faultIn(String(repeating: "[", count: 128) + String(repeating: "]", count: 128)) == nil)
        let deep = try #require(faultIn(String(repeating: "[", count: 100_000)))
        #expect(deep.position == 128)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
            [0x80],
            [0xF0, 0x82, 0x82, 0xAC],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) {
        let text = Array("{\"é\":\"".utf8)
        #expect(throws: JSONFault.self) { try JSONDocument(text + bytes + Array("\"}".utf8)) }
        #expect(UTF8Bytes.firstInvalidByte(in: text + bytes) == text.count)
        #expect(UTF8Bytes.firstInvalidByte(in: Array("aé€😀".utf8)) == nil)
    }

    @Test func stringsAndNumbers() throws {
        let text =
            #" {"a\n\u0041\ud83d\ude00\"\\\/\b\f\r\t": [-12, 1.5, 99999999999999999999], "b": {}} "#
        let document = try JSONDocument(Array(text.utf8))
        #expect(String(decoding: document.string(1), as: UTF8.self) == "a\nA😀\"\\/\u{8}\u{c}\r\t")
        #expect(document.integer(3) == -12)
        #expect(document.integer(4) == nil && document.integer(5) == nil)
        #expect(document.member("b", of: 0) == 7)
        #expect(document.member("c", of: 0) == nil)
        let twice = try JSONDocument(Array(#"{"a": 1, "\u0061": 2}"#.utf8))
        #expect(twice.member("a", of: 0).flatMap(twice.integer) == 2)
    }
}
