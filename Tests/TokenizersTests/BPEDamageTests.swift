// Damaged BPE files end in an error or in a tokenizer that works, never in a trap.

import Testing

@testable import Tokenizers

@Suite struct BPEDamageTests {
    private static let llama: [String: String] = [
        "normalizer": """
        {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "NFC"}, \
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
        """,
        "pre_tokenizer": """
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": true}
        """,
        "decoder": """
        {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, \
        "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, \
        {"type": "Strip", "content": " ", "start": 1, "stop": 1}]}
        """,
        "model": """
        {"type": "BPE", "unk_token": "[UNK]", "fuse_unk": true, "byte_fallback": true, \
        "ignore_merges": false, "dropout": null, "vocab": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, \
        "[SEP]": 3, "[MASK]": 4, "a": 5, "t": 6, "▁": 7, "at": 8, "▁at": 9, "<0xC3>": 10, \
        "<0xAF>": 11}, "merges": [["a", "t"], ["▁", "at"]]}
        """,
    ]
    private static let gpt: [String: String] = [
        "normalizer": "null",
        "pre_tokenizer": """
        {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"String": "t"}, \
        "behavior": "MergedWithPrevious", "invert": false}, {"type": "Digits", \
        "individual_digits": true}, {"type": "ByteLevel", "add_prefix_space": true}]}
        """,
        "post_processor": """
        {"type": "Sequence", "processors": [{"type": "ByteLevel", "trim_offsets": true, \
        "add_prefix_space": true}, {"type": "BertProcessing", "sep": ["[SEP]", 3], \
        "cls": ["[CLS]", 2]}]}
        """,
        "decoder": #"{"type": "ByteLevel"}"#,
        "model": """
        {"type": "BPE", "unk_token": null, "ignore_merges": true, "vocab": {"[PAD]": 0, \
        "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5, "t": 6, "Ġ": 7, "at": 8, \
        "Ã": 9, "¯": 10}, "merges": ["a t"]}
        """,
    ]

    @Test(arguments: [llama, gpt])
    func neverTraps(members: [String: String]) throws {
        let original = Array(SmallTokenizer.json(members).utf8)
        let whole = try SmallTokenizer.load(members)
        #expect(whole.decode(whole.encodeIDs("at ïa")).contains("at"))
        let alphabet = Array("{}[]\",:0123456789.eE-\\u#truefalsnĠ▁ \u{e9}\0".utf8)
        var random = SplitMix64(seed: 6)
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
            let encoding = tokenizer.encode("at [MASK] tat\u{301} naï 12, 日\n ", pair: "▁a\u{0}t")
            _ = tokenizer.decode(encoding.ids)
            _ = tokenizer.decode((-1..<14).map { Int32($0) }, skipSpecialTokens: false)
            _ = tokenizer.encodeIDs([TextPiece("a [SEP] ", isGuarded: true)])
        }
        #expect(loaded > 100)
    }
}
