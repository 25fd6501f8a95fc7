// From a path to a tokenizer: files, folders, BERT vocabularies, and what is wrong with them.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct FolderTests {
    private static let vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nna\n##ive\nNa\n##ïve\n中\n"

    private func refusal(_ path: String) -> String? {
        do throws(TokenizerError) {
            _ = try Tokenizer(contentsOf: path)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func filesAndFolders() throws {
        let folder = try TemporaryFolder()
        try folder.write("tokenizer.json", SmallTokenizer.json())
        for path in [folder.path(""), folder.path("") + "/", folder.path("tokenizer.json")] {
            #expect(try Tokenizer(contentsOf: path).encodeIDs("a") == [2, 11, 3])
        }
        try folder.write("tokenizer_config.json", #"{"pad_token": {"content": "[MASK]"}}"#)
        #expect(try Tokenizer(contentsOf: folder.path("")).padID == 4)
    }

    @Test func whatIsNotThere() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("")
        #expect(refusal(path) == "\(path): no tokenizer.json (nor a BERT vocab.txt) in this folder")
        #expect(refusal("\(path)/x.json") == "\(path)/x.json: no such file")
        try folder.write("x.json", "")
        #expect(refusal("\(path)/x.json") == "\(path)/x.json: the file is empty")
        try folder.write("tokenizer.json", "{\"version\": \"1.0\", ")
        #expect(
            refusal(path)
                == "\(path)/tokenizer.json: broken JSON at byte 19: the text ends in an object")
    }

    @Test func vocabularyAlone() throws {
        let folder = try TemporaryFolder()
        try folder.write("vocab.txt", Self.vocabulary)
        let tokenizer = try Tokenizer(contentsOf: folder.path(""))
        #expect(tokenizer.encodeIDs("NaÏve中[MASK]") == [2, 5, 6, 9, 4, 3])
        #expect(tokenizer.padID == 0 && tokenizer.vocabularyCount == 10)
        #expect(tokenizer.decode([2, 5, 6, 9, 3]) == "naive 中")
    }

    @Test func settingsOfTheVocabulary() throws {
        let folder = try TemporaryFolder()
        try folder.write("vocab.txt", Self.vocabulary.replacingOccurrences(of: "\n", with: "\r\n"))
        try folder.write(
            "tokenizer_config.json",
            """
            {"do_lower_case": false, "tokenize_chinese_chars": false, "cls_token": "[MASK]", \
            "sep_token": {"content": "[CLS]", "lstrip": true}, "added_tokens_decoder": {"10": \
            {"content": "Foo", "single_word": true, "special": false}}}
            """)
        let tokenizer = try Tokenizer(contentsOf: folder.path(""))
        #expect(tokenizer.encodeIDs("Naïve Foo") == [4, 7, 8, 10, 2])
        #expect(tokenizer.encodeIDs("Na中") == [4, 1, 2])
    }

    @Test func whatAVocabularyLacks() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("")
        for token in ["[UNK]", "[CLS]"] {
            try folder.write(
                "vocab.txt", Self.vocabulary.replacingOccurrences(of: token, with: "x"))
            let kind = token == "[UNK]" ? "unknown" : "special"
            #expect(
                refusal(path)
                    == "\(path)/vocab.txt: the \(kind) token '\(token)' is not in the vocabulary")
        }
        try folder.write("vocab.txt", Self.vocabulary)
        try folder.write("tokenizer_config.json", "{\"do_lower_case\": 1}")
        #expect(
            refusal(path) == "\(path)/tokenizer_config.json: do_lower_case must be true or false")
        try folder.write("tokenizer_config.json", "{}")
        try folder.write("added_tokens.json", "{}")
        #expect(refusal(path)?.contains("added_tokens.json: not supported") == true)
        try Data([0x61, 0x0A, 0xFF]).write(to: URL(fileURLWithPath: path + "/vocab.txt"))
        #expect(refusal(path) == "\(path)/vocab.txt: not valid UTF-8 at byte 2")
    }

    /// Folders of other families: the settings beside a `tokenizer.json`, whatever class they name.
    @Test(arguments: [
        (#"{"tokenizer_class": "RobertaTokenizer", "add_prefix_space": false}"#, "", 0),
        (#"{"tokenizer_class": "DebertaV2Tokenizer", "pad_token": "[MASK]"}"#, "", 4),
        (#"{"tokenizer_class": "XLMRobertaTokenizer", "sp_model_kwargs": {}}"#, "[CLS]", 2),
        (
            #"{"tokenizer_class": "AlbertTokenizer", "keep_accents": false, "pad_token": null}"#,
            "", 0
        ),
    ])
    func settingsOfOtherFamilies(settings: String, older: String, padID: Int32) throws {
        let folder = try TemporaryFolder()
        try folder.write("tokenizer.json", SmallTokenizer.json())
        try folder.write("tokenizer_config.json", settings)
        if !older.isEmpty {
            try folder.write("special_tokens_map.json", "{\"pad_token\": \"\(older)\"}")
        }
        #expect(try Tokenizer(contentsOf: folder.path("")).padID == padID)
    }

    @Test(arguments: [
        (["spm.model"], "spm.model"), (["sentencepiece.bpe.model"], "sentencepiece.bpe.model"),
        (["vocab.json", "merges.txt"], "vocab.json with merges.txt"),
    ])
    func otherVocabulariesAreRefused(names: [String], found: String) throws {
        let folder = try TemporaryFolder()
        for name in names { try folder.write(name, "{}") }
        let path = folder.path("")
        #expect(
            refusal(path)
                == "\(path): has \(found) but no tokenizer.json; make one: python3 -c \"from "
                + "transformers import AutoTokenizer as T; "
                + "T.from_pretrained('\(path)').save_pretrained('\(path)')\"")
    }
}
