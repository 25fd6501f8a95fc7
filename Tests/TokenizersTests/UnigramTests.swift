// The Unigram model, its numbers and its files; what the library makes of them is in OracleTests.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct UnigramTests {
    private static func model(_ vocabulary: String, _ rest: String = #""unk_id": 1"#) -> String {
        #"{"type": "Unigram", "vocab": [\#(vocabulary)], \#(rest)}"#
    }

    private static let specials =
        #"["[PAD]", 0], ["[UNK]", 0], ["[CLS]", 0], ["[SEP]", 0], ["[MASK]", 0]"#

    private static func members(_ pieces: String, _ rest: String = "") -> [String: String] {
        [
            "normalizer": "null", "pre_tokenizer": "null", "decoder": "null",
            "model": model("\(specials), \(pieces)", #""unk_id": 1\#(rest)"#),
        ]
    }

    @Test func theBestSumWins() throws {
        let tokenizer = try SmallTokenizer.load(
            Self.members(#"["a", -1], ["b", -1], ["ab", -2.5], ["c", -2], ["bc", -1.5]"#))
        // a b c is -4, ab c is -4.5, a bc is -2.5.
        #expect(tokenizer.encodeIDs("abc", addSpecialTokens: false) == [5, 9])
        // Two letters are better than ab.
        #expect(tokenizer.encodeIDs("ab", addSpecialTokens: false) == [5, 6])
        let encoding = tokenizer.encode("aé日b", addSpecialTokens: false)
        #expect(encoding.ids == [5, 1, 6] && encoding.tokens == ["a", "é日", "b"])
        #expect(encoding.offsets == [0..<1, 1..<3, 3..<4])
    }

    /// Of equal sums the one found first stays: the longer first piece comes later.
    @Test func ofEqualsTheFirst() throws {
        let tokenizer = try SmallTokenizer.load(
            Self.members(#"["a", -1], ["b", -1], ["ab", -2], ["ba", -2]"#))
        #expect(tokenizer.encodeIDs("ab", addSpecialTokens: false) == [7])
        #expect(tokenizer.encodeIDs("aba", addSpecialTokens: false) == [5, 8])
    }

    @Test func unknownScalarsBecomeBytes() throws {
        let pieces = #"["a", -1], ["<0xC3>", -9], ["<0xA9>", -9]"#
        let tokenizer = try SmallTokenizer.load(Self.members(pieces, #", "byte_fallback": true"#))
        let encoding = tokenizer.encode("aéa日", addSpecialTokens: false)
        #expect(encoding.ids == [5, 6, 7, 5, 1])
        #expect(encoding.offsets == [0..<1, 1..<2, 1..<2, 2..<3, 3..<4])
    }

    @Test(arguments: [
        (
            #""vocab": [["a", 0]]"#,
            "model has no unk_id, so what it doesn't know can't be tokenized"
        ),
        (#""vocab": [["a", 0]], "unk_id": 1"#, "model.unk_id is 1, but there are 1 pieces"),
        (#""vocab": [["a", "0"]], "unk_id": 0"#, "model.vocab has no piece with a score at [0]"),
        (
            #""vocab": [["a", 0], ["b", 1e999]], "unk_id": 0"#,
            "model.vocab has no piece with a score at [1]"
        ),
        (#""vocab": {"a": 0}, "unk_id": 0"#, "model.vocab must be an array"),
    ])
    func badModels(members: String, message: String) throws {
        let refusal = try #require(
            SmallTokenizer.refusal(["model": #"{"type": "Unigram", \#(members)}"#]))
        #expect(refusal.message == "t.json: " + message)
    }

    @Test(arguments: [
        ("!", "isn't base 64"), ("", "doesn't begin with a trie and its length"),
        ("/////wAAAAA=", "doesn't begin with a trie and its length"),
        ("BAAAAAAAAAD/", "has replacements that aren't valid UTF-8 at byte 0"),
    ])
    func badMaps(text: String, message: String) throws {
        let json = #"{"type": "Precompiled", "precompiled_charsmap": "\#(text)"}"#
        let refusal = try #require(SmallTokenizer.refusal(["normalizer": json]))
        #expect(refusal.message == "t.json: normalizer.precompiled_charsmap " + message)
    }

    /// Doubles as the reference reads them: twice rounded, where one rounding gives the neighbour.
    @Test(arguments: [
        ("-12.474480628967285", -12.474480628967283), ("-13.062352180480957", -13.062352180480955),
        ("0", 0), ("-0.5", -0.5), ("17", 17), ("1e2", 100), ("1.5E-2", 0.015), ("1e-400", 0),
        ("18446744073709551615", 0x1p64),
        ("18446744073709551616", 0x1p64),
        ("123456789012345678901234.5", 1.2345678901234567e23),
        ("0.00000000000000000000000012", 1.2e-25),
    ])
    func doubles(text: String, value: Double) throws {
        let document = try JSONDocument(Array("[\(text)]".utf8))
        #expect(document.double(1) == value)
    }

    @Test(arguments: [
        (" {2,}", "a   b c", "a_b c"), (#"\s{2,}|[\n\r\t]"#, "a\nb \t c d", "a_b_c d"),
        (#"\s+"#, "\u{3000} a", "_a"), ("[^a-c]{2}", "abxyzc", "ab_zc"), (#"a\.|b"#, "a.ab", "_a_"),
        ("ab{2,3}", "abbbbab", "_bab"), (#"[\]\-x]"#, "]-x.", "___."),
        ("é+", "éée\u{301}", "_e\u{301}"),
    ])
    func expressions(expression: String, text: String, result: String) throws {
        let pattern = try #require(ScalarPattern(expression: expression))
        var normalized = NormalizedText(
            original: Array(text.utf8)[...], firstScalar: 0, tracksOrigins: true)
        normalized.replace(pattern, by: Array("_".utf8))
        #expect(String(decoding: normalized.bytes, as: UTF8.self) == result)
    }

    @Test(arguments: [
        "", "a*", "a?", "a.b", "^a", "a$", "(a)", "a|", #"\d"#, #"\w+"#, "a+b", "a{0,1}", "a{,2}",
        "a{2}+", "[]", "[a", "[[:space:]]", "[a&&b]", "[z-a]", #"\"#, "a{3,2}", "{2}",
    ])
    func otherExpressionsAreRefused(expression: String) {
        #expect(ScalarPattern(expression: expression) == nil)
    }

    struct PairCase: Decodable {
        let text: String
        let pair: String
        let strategy: String
        let maximum: Int
        let ids: [Int32]
        let typeIDs: [Int32]

        enum CodingKeys: String, CodingKey {
            case text, pair, strategy, maximum, ids
            case typeIDs = "type_ids"
        }
    }

    /// Pairs cut to a length as `transformers` cuts them (Oracle/make_pair_cases.py).
    @Test func pairsAreCutAsRecorded() throws {
        let path = RepositoryFiles.resource("pair-cases.jsonl")
        let strategies: [String: TruncationStrategy] = [
            "longest_first": .longestFirst, "only_first": .onlyFirst, "only_second": .onlySecond,
        ]
        let prefix = Array("{\"tokenizer\": ".utf8)
        var lines = try ByteLines(path: path)
        var tokenizer: Tokenizer?
        var count = 0
        while let line = try lines.next() {
            if line.starts(with: prefix) {
                let json = Array(line.dropFirst(prefix.count).dropLast())
                tokenizer = Tokenizer(try TokenizerParts(json: json, file: path))
                continue
            }
            let wanted = try JSONDecoder().decode(PairCase.self, from: Data(line))
            let strategy = try #require(strategies[wanted.strategy])
            let cut = try #require(tokenizer).encodePair(
                wanted.text, wanted.pair, maximumLength: wanted.maximum, cutting: strategy)
            #expect(cut.ids == wanted.ids && cut.typeIDs == wanted.typeIDs, "\(wanted)")
            count += 1
        }
        #expect(count > 100)
    }

    /// Damaged files end in an error or in a tokenizer that works, never in a trap.
    @Test func neverTraps() throws {
        // A map of `a` to `b`, made by hand: root, node, leaf.
        var units = [UInt32](repeating: 0, count: 512)
        units[0] = 256 << 10
        units[256 ^ 0x61] = 0x61 | 1 << 8 | (256 ^ 0x61 ^ 300) << 10
        units[300] = 1 << 31
        let words = [UInt32(units.count * 4)] + units
        let map = words.flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
        }
        let members = [
            "normalizer": """
            {"type": "Sequence", "normalizers": [{"type": "Precompiled", "precompiled_charsmap": \
            "\(Data(map + Array("b\u{0}".utf8)).base64EncodedString())"}, {"type": "NFKC"}, \
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]}
            """,
            "pre_tokenizer": #"{"type": "Metaspace", "replacement": "▁", "split": true}"#,
            "decoder": #"{"type": "Metaspace", "replacement": "▁", "split": true}"#,
            "model": Self.model(#"\#(Self.specials), ["▁", -2], ["b", -1.5], ["▁b", -2e0]"#),
        ]
        let original = Array(SmallTokenizer.json(members).utf8)
        let whole = try SmallTokenizer.load(members)
        #expect(whole.decode(whole.encodeIDs("a  a")) == "b b")
        let alphabet = Array("{}[]\",:0123456789.eE-\\u#trusABCxyz+/▁ \u{e9}\0".utf8)
        var random = SplitMix64(seed: 9)
        var loaded = 0
        for _ in 0..<4000 {
            var bytes = original
            for _ in 0...random.next(below: 3) {
                let position = random.next(below: bytes.count)
                let byte = alphabet[random.next(below: alphabet.count)]
                switch random.next(below: 4) {
                case 0: bytes[position] = byte
                case 1: bytes.insert(byte, at: position)
                case 2: bytes.remove(at: position)
                default: bytes.removeSubrange(position..<min(bytes.count, position + 40))
                }
            }
            guard let parts = try? TokenizerParts(json: bytes, file: "t.json") else { continue }
            loaded += 1
            let tokenizer = Tokenizer(parts)
            let encoding = tokenizer.encode("a [MASK] tat\u{301}  naï 12, 日\n ", pair: "▁a\u{0}t")
            _ = tokenizer.decode(encoding.ids)
        }
        #expect(loaded > 100)
    }
}
