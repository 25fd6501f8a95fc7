// Ids one at a time: whole scalars only, nothing said twice, in sum what all at once give.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct StreamingDecoderTests {
    /// A byte-level tokenizer whose tokens are the 256 letters, with one special token.
    static func byteLevel() throws -> Tokenizer {
        let letters = ByteLevel.letters.enumerated().compactMap { byte, letter in
            Unicode.Scalar(letter).map { ("\(Character($0))", byte) }
        }
        return try load(
            letters + [("<s>", 256)], decoder: #"{"type": "ByteLevel"}"#,
            added: SmallTokenizer.added(256, "<s>"))
    }

    static func load(
        _ tokens: [(String, Int)], decoder: String, added: String = ""
    ) throws -> Tokenizer {
        let vocabulary = try tokens.map { token, id in
            let name = String(decoding: try JSONEncoder().encode(token), as: UTF8.self)
            return "\(name): \(id)"
        }
        let model =
            #"{"type": "BPE", "vocab": {\#(vocabulary.joined(separator: ","))}, "merges": []}"#
        return try SmallTokenizer.load([
            "normalizer": "null", "post_processor": "null", "decoder": decoder, "model": model,
            "pre_tokenizer": "null", "added_tokens": "[\(added)]",
        ])
    }

    private func parts(_ ids: [Int32], _ tokenizer: Tokenizer) -> [String] {
        var decoder = StreamingDecoder(tokenizer)
        return ids.map { decoder.append($0) } + [decoder.finish()]
    }

    @Test func scalarsAreNeverCut() throws {
        let tokenizer = try Self.byteLevel()
        let ids = Array("aé日😀".utf8).map(Int32.init)
        #expect(parts(ids, tokenizer) == ["a", "", "é", "", "", "日", "", "", "", "😀", ""])
        #expect(tokenizer.decode(ids) == "aé日😀")
    }

    @Test func brokenBytesBecomeReplacements() throws {
        let tokenizer = try Self.byteLevel()
        // A cut scalar in the middle, a stray continuation, a surrogate, one that ends unfinished.
        let bytes: [UInt8] = [0xE6, 0x97, 0x61, 0x80, 0xED, 0xA0, 0x80, 0xF0, 0x9F, 0x98]
        let ids = bytes.map(Int32.init)
        #expect(
            parts(ids, tokenizer)
                == ["", "", "\u{FFFD}a", "\u{FFFD}", "", "\u{FFFD}\u{FFFD}", "\u{FFFD}"]
                + ["", "", "", "\u{FFFD}"])
        #expect(tokenizer.decode(ids) == String(decoding: bytes, as: UTF8.self))
        #expect(tokenizer.decode([256, 0x61, 256, -5, 900]) == "a")
        #expect(tokenizer.decode([256, 0x61], skipSpecialTokens: false) == "<s>a")
    }

    @Test func randomBytesAreRepairedAsTheStandardLibraryDoes() throws {
        let tokenizer = try Self.byteLevel()
        var random = SplitMix64(seed: 3)
        let interesting: [UInt8] = [
            0x41, 0x80, 0xBF, 0xC2, 0xE0, 0xA0, 0xED, 0x9F, 0xF0, 0x90, 0xF4, 0x8F, 0xF5, 0xC0,
            0xFF,
        ]
        for _ in 0..<4000 {
            let bytes = (0..<random.next(below: 12)).map { _ in
                interesting[random.next(below: interesting.count)]
            }
            let ids = bytes.map(Int32.init)
            let wanted = String(decoding: bytes, as: UTF8.self)
            #expect(parts(ids, tokenizer).joined().utf8.elementsEqual(wanted.utf8), "\(bytes)")
        }
    }

    @Test func rowsOfByteTokensWaitForTheirEnd() throws {
        let tokens = [
            ("▁a", 0), ("b", 1), ("<0xE6>", 2), ("<0x97>", 3), ("<0xA5>", 4), ("▁", 5), ("▁▁", 6),
        ]
        let llama = """
            {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, \
            "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, \
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
            """
        let tokenizer = try Self.load(tokens, decoder: llama)
        #expect(parts([0, 2, 3, 4, 0, 1], tokenizer) == ["a", "", "", "", "日 a", "b", ""])
        #expect(parts([2, 3, 1], tokenizer) == ["", "", "\u{FFFD}\u{FFFD}b", ""])
        #expect(parts([5, 0, 6], tokenizer) == ["", " a", "  ", ""])
        #expect(parts([2, 3], tokenizer) == ["", "", "\u{FFFD}\u{FFFD}"])

        let sign = #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}"#
        let metaspace = try Self.load(tokens, decoder: sign)
        #expect(parts([0, 0, 1, 6], metaspace) == ["a", " a", "b", "  ", ""])
    }

    @Test func endsThatMayGoAreHeld() throws {
        let tokens = [("a", 0), ("x", 1), ("y", 2), ("xy", 3)]
        let strip = """
            {"type": "Sequence", "decoders": [{"type": "Fuse"}, \
            {"type": "Strip", "content": "x", "start": 1, "stop": 2}]}
            """
        let stripping = try Self.load(tokens, decoder: strip)
        #expect(parts([1, 1, 0, 1, 1, 1], stripping) == ["", "", "xa", "", "", "x", ""])
        #expect(stripping.decode([1, 1, 0, 1, 1, 1]) == "xax")
        let replace = """
            {"type": "Sequence", "decoders": [{"type": "Fuse"}, \
            {"type": "Replace", "pattern": {"String": "xy"}, "content": "-"}]}
            """
        let replacing = try Self.load(tokens, decoder: replace)
        #expect(parts([0, 1, 2, 1, 1, 3], replacing) == ["a", "", "-", "", "x", "x-", ""])
    }

    @Test(
        .enabled(
            if: RepositoryFiles.hasShared("reference/golden/tokenizers"), "no files in ../shared"),
        arguments: BPEGoldenTests.names)
    func recordedLinesInSum(name: String) throws {
        let path = RepositoryFiles.shared("\(BPEGoldenTests.folder)/\(name)")
        let tokenizer = try Tokenizer(contentsOf: "\(path).tokenizer.json")
        var lines = try ByteLines(path: "\(path).jsonl")
        while let bytes = try lines.next() {
            let line = try JSONDecoder().decode(GoldenTests.Line.self, from: Data(bytes))
            let parts = parts(line.idsNoSpecial, tokenizer)
            #expect(parts.joined().utf8.elementsEqual(line.decoded.utf8))
        }
    }
}
