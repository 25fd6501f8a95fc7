// Length, pairs, padding, added tokens and decoding, on a tokenizer small enough to follow.

import Testing

@testable import Tokenizers

@Suite struct EncodeTests {
    private static let padding = """
        {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, \
        "pad_type_id": 0, "pad_token": "[PAD]"}
        """
    private static let truncation = #"{"max_length": 6, "strategy": "LongestFirst", "stride": 0}"#

    @Test func pairsAndTypes() throws {
        let encoding = try SmallTokenizer.load().encode("a cat", pair: "B!")
        #expect(encoding.ids == [2, 11, 6, 3, 12, 17, 3])
        #expect(encoding.typeIDs == [0, 0, 0, 0, 1, 1, 1])
        #expect(encoding.tokens == ["[CLS]", "a", "cat", "[SEP]", "b", "!", "[SEP]"])
        #expect(encoding.offsets == [0..<0, 0..<1, 2..<5, 0..<0, 0..<1, 1..<2, 0..<0])
        #expect(encoding.specialTokensMask == [1, 0, 0, 1, 0, 0, 1])
        #expect(encoding.attentionMask == [1, 1, 1, 1, 1, 1, 1])
    }

    @Test func maximumLengthCountsTheSpecials() throws {
        let tokenizer = try SmallTokenizer.load()
        let text = "a b c a b c"
        for length in 0...9 {
            let ids = tokenizer.encodeIDs(text, maximumLength: length)
            #expect(ids.count == min(8, length))
            #expect(tokenizer.encode(text, maximumLength: length).ids == ids)
            if length >= 2 { #expect(ids.first == 2 && ids.last == 3) }
            let pair = tokenizer.encodeIDs(text, pair: "a b c", maximumLength: length)
            #expect(pair.count == min(12, length))
        }
        #expect(tokenizer.encodeIDs(text, addSpecialTokens: false, maximumLength: 2) == [11, 12])
    }

    @Test func fileSaysUnlessTheCallDoes() throws {
        let tokenizer = try SmallTokenizer.load([
            "padding": Self.padding, "truncation": Self.truncation,
        ])
        let text = "a b c a b c a b c"
        #expect(tokenizer.encode(text).ids == [2, 11, 12, 13, 11, 3, 0, 0])
        #expect(tokenizer.encode(text).attentionMask == [1, 1, 1, 1, 1, 1, 0, 0])
        #expect(tokenizer.encode(text, padding: .none).ids == [2, 11, 12, 13, 11, 3])
        #expect(tokenizer.encodeIDs(text) == [2, 11, 12, 13, 11, 3])
        #expect(tokenizer.encodeIDs(text, maximumLength: 4) == [2, 11, 12, 3])
        #expect(tokenizer.encodeIDs(text, maximumLength: .max).count == 11)
    }

    @Test func cutOnTheLeft() throws {
        let tokenizer = try SmallTokenizer.load([
            "truncation": """
            {"max_length": 4, "strategy": "LongestFirst", "stride": 1, "direction": "Left"}
            """
        ])
        #expect(tokenizer.encodeIDs("a b c") == [2, 12, 13, 3])
    }

    @Test func addedTokensTakeSpaceAndStandAlone() throws {
        let tokens = [
            SmallTokenizer.added(4, "[MASK]", "lstrip rstrip"),
            SmallTokenizer.added(24, "Cat", "single_word normalized plain"),
        ]
        let tokenizer = try SmallTokenizer.load([
            "added_tokens": "[\(tokens.joined(separator: ","))]"
        ])
        let encoding = tokenizer.encode("a  [MASK] b CAT cats", addSpecialTokens: false)
        #expect(encoding.ids == [11, 4, 12, 24, 6, 7])
        #expect(encoding.tokens == ["a", "  [MASK] ", "b", "cat", "cat", "##s"])
        #expect(encoding.offsets == [0..<1, 1..<10, 10..<11, 12..<15, 16..<19, 19..<20])
        #expect(tokenizer.vocabularyCount == 25 && tokenizer.idBound == 25)
        #expect(tokenizer.decode([4, 24, 6]) == "cat cat")
    }

    @Test func composedAndDecomposedTokensDiffer() throws {
        let tokens = [
            SmallTokenizer.added(24, "\u{E9}", ""), SmallTokenizer.added(25, "e\u{301}", ""),
        ]
        let tokenizer = try SmallTokenizer.load([
            "added_tokens": "[\(tokens.joined(separator: ","))]"
        ])
        #expect(tokenizer.id(of: "\u{E9}") == 24 && tokenizer.id(of: "e\u{301}") == 25)
        #expect(tokenizer.encodeIDs("e\u{301}\u{E9}", addSpecialTokens: false) == [25, 24])
    }

    @Test func gapsInTheVocabulary() throws {
        let vocabulary = ###"{"[UNK]": 0, "[CLS]": 2, "[SEP]": 3, "a": 500000, "##b": 70}"###
        let tokenizer = try SmallTokenizer.load([
            "model": SmallTokenizer.model(vocabulary),
            "added_tokens": "[\(SmallTokenizer.added(9, "<x>"))]",
        ])
        #expect(tokenizer.encodeIDs("ab <x>", addSpecialTokens: false) == [500000, 70, 5])
        #expect(tokenizer.token(of: 70) == "##b" && tokenizer.token(of: 71) == nil)
        #expect(tokenizer.id(of: "a") == 500000 && tokenizer.id(of: "b") == nil)
        #expect(tokenizer.vocabularyCount == 6 && tokenizer.idBound == 500001)
        #expect(
            tokenizer.notes == [
                "t.json: added_tokens[0] '<x>' says id 9, but gets id 5, as in Hugging Face tokenizers"
            ])
    }

    @Test func decodingRepairsSpaces() throws {
        let tokenizer = try SmallTokenizer.load()
        let ids = tokenizer.encodeIDs("The cats, unaffable!")
        #expect(tokenizer.decode(ids) == "the cats, unaffable!")
        #expect(
            tokenizer.decode(ids, skipSpecialTokens: false)
                == "[CLS] the cats, unaffable! [SEP]")
        #expect(tokenizer.decode([-1, 5, 999, 6]) == "the cat")
        #expect(tokenizer.decode([]) == "")
    }

    @Test func wordsTooLongAreUnknown() throws {
        let tokenizer = try SmallTokenizer.load()
        let short = String(repeating: "a", count: 100)
        #expect(tokenizer.encodeIDs(short, addSpecialTokens: false).count == 100)
        #expect(tokenizer.encodeIDs(short + "b", addSpecialTokens: false) == [1])
    }
}
