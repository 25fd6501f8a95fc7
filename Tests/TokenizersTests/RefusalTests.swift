// Whatever a file asks for and isn't done is refused, and every complaint says what and where.

import Testing

@testable import Tokenizers

@Suite struct RefusalTests {
    @Test func smallTokenizerLoads() throws {
        let tokenizer = try SmallTokenizer.load()
        #expect(tokenizer.encodeIDs("The cats, unaffable!") == [2, 5, 6, 7, 16, 8, 9, 10, 17, 3])
        #expect(tokenizer.notes.isEmpty)
        #expect(tokenizer.vocabularyCount == 24 && tokenizer.idBound == 24 && tokenizer.padID == 0)
    }

    @Test(arguments: [
        ("version", #""2.0""#, "t.json: version '2.0' is not supported"),
        (
            "normalizer", #"{"type": "ByteLevel"}"#,
            "t.json: normalizer.type 'ByteLevel' is not supported"
        ),
        (
            "normalizer",
            #"{"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "NFX"}]}"#,
            "t.json: normalizer.normalizers[1].type 'NFX' is not supported"
        ),
        ("normalizer", #"{"type": "BertNormalizer"}"#, "t.json: normalizer.clean_text is missing"),
        ("normalizer", "3", "t.json: normalizer must be an object"),
        (
            "pre_tokenizer", #"{"type": "UnicodeScripts"}"#,
            "t.json: pre_tokenizer.type 'UnicodeScripts' is not supported"
        ),
        (
            "pre_tokenizer", #"{"type": "Punctuation", "behavior": "Torn"}"#,
            "t.json: pre_tokenizer.behavior 'Torn' is not supported"
        ),
        (
            "post_processor", #"{"type": "Perhaps"}"#,
            "t.json: post_processor.type 'Perhaps' is not supported"
        ),
        (
            "post_processor",
            #"{"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["<s>", 99]}"#,
            "t.json: post_processor puts in '<s>' with id 99, which the vocabulary doesn't have"
        ),
        (
            "post_processor",
            """
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}], \
            "pair": [], "special_tokens": {}}
            """,
            "t.json: post_processor.single[0].SpecialToken names '[CLS]', "
                + "which special_tokens doesn't list"
        ),
        ("decoder", #"{"type": "CTC"}"#, "t.json: decoder.type 'CTC' is not supported"),
        ("model", "", "t.json: model is missing"),
        ("model", #"{"type": "BPE"}"#, "t.json: model.vocab is missing"),
        (
            "model", #"{"vocab": {}}"#,
            "t.json: model has no type, and is neither BPE, Unigram nor WordPiece"
        ),
        (
            "model", SmallTokenizer.model(#"{"a": 0}"#),
            "t.json: model is incomplete: the unknown token '[UNK]' is not in the vocabulary"
        ),
        (
            "model", SmallTokenizer.model(#"{"[UNK]": 0, "a": 7, "b": 7}"#),
            "t.json: model.vocab gives id 7 to both 'a' and 'b'"
        ),
        (
            "model", SmallTokenizer.model(#"{"[UNK]": -1}"#),
            "t.json: model.vocab gives '[UNK]' no integer from 0 to 2147483647"
        ),
        (
            "model", SmallTokenizer.model(nil, ("max_input_chars_per_word", "1.5")),
            "t.json: model.max_input_chars_per_word must be an integer from 0 to 2147483647"
        ),
        (
            "added_tokens", #"[{"id": 0, "content": "x"}]"#,
            "t.json: added_tokens[0].single_word is missing"
        ),
        (
            "added_tokens", "[\(SmallTokenizer.added(24, "\\u0301", "normalized"))]",
            "t.json: added_tokens hold '\u{301}', of which the normalizer leaves nothing"
        ),
        (
            "truncation", #"{"max_length": 1, "strategy": "LongestFirst", "stride": 0}"#,
            "t.json: truncation has max_length 1, less than 2 special tokens"
        ),
        (
            "truncation", #"{"max_length": 4, "strategy": "LongestFirst", "stride": 4}"#,
            "t.json: truncation.stride must be smaller than max_length 4"
        ),
        (
            "truncation", #"{"max_length": 4, "strategy": "Shortest", "stride": 0}"#,
            "t.json: truncation.strategy 'Shortest' is not supported"
        ),
        (
            "padding", #"{"strategy": {"Fixed": 99999999}, "direction": "Right"}"#,
            "t.json: padding.strategy.Fixed must be at most 1048576"
        ),
    ])
    func refusedByName(member: String, json: String, message: String) throws {
        let refusal = try #require(SmallTokenizer.refusal([member: json]))
        #expect(refusal.message == message)
    }

    @Test func brokenJSONIsPlaced() throws {
        let text = SmallTokenizer.json()
        let cut = try #require(SmallTokenizer.refusal(text: String(text.dropLast(9))))
        #expect(cut.code == .malformed)
        #expect(cut.message.hasPrefix("t.json: broken JSON at byte \(text.utf8.count - 9): "))
        let other = try #require(SmallTokenizer.refusal(text: "[1, 2]"))
        #expect(other.message == "t.json: the JSON is no object")
    }

    /// Broken files end in an error or in a tokenizer that works, never in a trap.
    @Test func damagedFilesNeverTrap() {
        let original = Array(
            SmallTokenizer.json([
                "truncation": #"{"max_length": 9, "strategy": "OnlyFirst", "stride": 0}"#,
                "padding": """
                {"strategy": {"Fixed": 12}, "direction": "Left", "pad_to_multiple_of": 8, \
                "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
                """,
            ]).utf8)
        let alphabet = Array("{}[]\",:0123456789.eE-\\u#truefalsn \u{e9}\0".utf8)
        var random = SplitMix64(seed: 5)
        var loaded = 0
        for _ in 0..<6000 {
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
            let encoding = tokenizer.encode("The cats' [MASK] naïve\u{301}, 中!", pair: "unaffable")
            _ = tokenizer.decode(encoding.ids)
        }
        #expect(loaded > 100)
    }
}
