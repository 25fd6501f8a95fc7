// A small `tokenizer.json` that tests change a part of.

import Foundation

@testable import Tokenizers

enum SmallTokenizer {
    /// The members of the file, by name; an empty text leaves a member out.
    static let members: [(name: String, json: String)] = [
        ("version", #""1.0""#), ("truncation", "null"), ("padding", "null"),
        (
            "added_tokens",
            """
            [\(added(0, "[PAD]")), \(added(1, "[UNK]")), \(added(2, "[CLS]")), \
            \(added(3, "[SEP]")), \(added(4, "[MASK]"))]
            """
        ),
        (
            "normalizer",
            """
            {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, \
            "strip_accents": null, "lowercase": true}
            """
        ),
        ("pre_tokenizer", #"{"type": "BertPreTokenizer"}"#),
        (
            "post_processor",
            #"{"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}"#
        ),
        ("decoder", ###"{"type": "WordPiece", "prefix": "##", "cleanup": true}"###),
        ("model", model()),
    ]

    static func added(_ id: Int, _ content: String, _ flags: String = "") -> String {
        var json = #"{"id": \#(id), "content": "\#(content)""#
        for flag in ["single_word", "lstrip", "rstrip", "normalized"] {
            json += #", "\#(flag)": \#(flags.contains(flag))"#
        }
        return json + #", "special": \#(!flags.contains("plain"))}"#
    }

    static func model(_ vocabulary: String? = nil, _ changed: (String, String)? = nil) -> String {
        let words = [
            "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "un", "##aff",
            "##able",
            "a", "b", "c", "##a", "##b", ",", "!", "'", "t", "don", "e", "n", "1",
        ]
        let entries = words.enumerated().map { #""\#($1)": \#($0)"# }.joined(separator: ", ")
        var members = [
            "type": #""WordPiece""#, "unk_token": #""[UNK]""#,
            "continuing_subword_prefix": ###""##""###,
            "max_input_chars_per_word": "100", "vocab": vocabulary ?? "{\(entries)}",
        ]
        if let (name, json) = changed { members[name] = json.isEmpty ? nil : json }
        return object(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    private static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { #""\#($0.0)": \#($0.1)"# }.joined(separator: ", ") + "}"
    }

    /// The file with some members replaced.
    static func json(_ changes: [String: String] = [:]) -> String {
        object(
            members.map { ($0.name, changes[$0.name] ?? $0.json) }.filter { !$0.1.isEmpty })
    }

    /// The tokenizer of the file with some members replaced.
    static func load(_ changes: [String: String] = [:]) throws(TokenizerError) -> Tokenizer {
        try load(text: json(changes))
    }

    static func load(text: String) throws(TokenizerError) -> Tokenizer {
        Tokenizer(try TokenizerParts(json: Array(text.utf8), file: "t.json"))
    }

    /// What a file is refused with; nil where it loads.
    static func refusal(_ changes: [String: String]) -> TokenizerError? {
        refusal(text: json(changes))
    }

    static func refusal(text: String) -> TokenizerError? {
        do throws(TokenizerError) {
            _ = try load(text: text)
            return nil
        } catch {
            return error
        }
    }
}
