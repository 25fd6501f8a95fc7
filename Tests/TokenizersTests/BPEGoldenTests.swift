// The recorded lines of the BPE and Unigram tokenizers, llama.cpp's test texts for Llama-3 and Qwen2, and the
// tokens that a real small Llama wrote.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct BPEGoldenTests {
    static let folder = "reference/golden/tokenizers"
    static let names = [
        "bpe-byte-fallback", "bpe-byte-level", "llama-3", "qwen2", "deberta-v3", "unigram",
    ]
    static let stories = "data/stories260k"

    @Test(
        .enabled(if: RepositoryFiles.hasShared("\(folder)/llama-3.jsonl"), "no lines in ../shared"),
        arguments: names)
    func everyRecordedLine(name: String) throws {
        let path = RepositoryFiles.shared("\(Self.folder)/\(name)")
        let tokenizer = try Tokenizer(contentsOf: "\(path).tokenizer.json")
        #expect(tokenizer.notes.isEmpty)
        var lines = try ByteLines(path: "\(path).jsonl")
        var count = 0
        while let bytes = try lines.next() {
            let line = try JSONDecoder().decode(GoldenTests.Line.self, from: Data(bytes))
            let encoding = tokenizer.encode(line.text)
            count += 1
            #expect(encoding.ids == line.ids)
            #expect(encoding.tokens.map { Array($0.utf8) } == line.tokens.map { Array($0.utf8) })
            #expect(encoding.offsets.map { [$0.lowerBound, $0.upperBound] } == line.offsets)
            #expect(tokenizer.encodeIDs(line.text) == line.ids)
            let plain = tokenizer.encodeIDs(line.text, addSpecialTokens: false)
            #expect(plain == line.idsNoSpecial)
            #expect(tokenizer.decode(plain).utf8.elementsEqual(line.decoded.utf8))
        }
        #expect(count == 853)
    }

    @Test(
        .enabled(
            if: RepositoryFiles.hasShared("data/tokenizer-vectors")
                && RepositoryFiles.hasShared(folder),
            "no vectors in ../shared"),
        arguments: [("llama-3", "llama-bpe"), ("qwen2", "qwen2")])
    func everyVector(name: String, vectors: String) throws {
        let tokenizer = try Tokenizer(
            contentsOf: RepositoryFiles.shared("\(Self.folder)/\(name).tokenizer.json"))
        func read(_ ending: String) throws -> String {
            let path = "data/tokenizer-vectors/ggml-vocab-\(vectors).gguf\(ending)"
            return try String(contentsOfFile: RepositoryFiles.shared(path), encoding: .utf8)
        }
        let texts = try read(".inp").components(separatedBy: "\n__ggml_vocab_test__\n")
        let wanted = try read(".out").split(separator: "\n", omittingEmptySubsequences: false)
        #expect(texts.count == 47)
        for (text, ids) in zip(texts, wanted) {
            #expect(
                tokenizer.encodeIDs(text, addSpecialTokens: false)
                    == ids.split(separator: " ").compactMap { Int32($0) },
                "\(text.debugDescription)")
        }
    }

    @Test(.enabled(if: RepositoryFiles.hasShared(stories), "no stories260k in ../shared"))
    func tokensOfARealModel() throws {
        let tokenizer = try Tokenizer(contentsOf: RepositoryFiles.shared(Self.stories))
        #expect(tokenizer.vocabularyCount == 512 && tokenizer.notes.isEmpty)
        let ids = tokenizer.encodeIDs("Once upon a time, there was a little girl named Lily.\n 日本")
        #expect(ids.first == 1 && ids.contains(13))
        #expect(
            tokenizer.decode(ids) == "Once upon a time, there was a little girl named Lily.\n 日本")
    }
}
