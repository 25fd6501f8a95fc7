// The recorded lines of the shared reference, and llama.cpp's test texts for BERT.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct GoldenTests {
    static let recorded = "reference/golden/tokenizers/wordpiece-uncased.jsonl"
    static let file = "reference/golden/tokenizers/wordpiece-uncased.tokenizer.json"
    static let vectors = "data/tokenizer-vectors/ggml-vocab-bert-bge.gguf"

    struct Line: Decodable {
        let text: String
        let ids: [Int32]
        let tokens: [String]
        let offsets: [[Int]]
        let idsNoSpecial: [Int32]
        let decoded: String

        enum CodingKeys: String, CodingKey {
            case text, ids, tokens, offsets, decoded
            case idsNoSpecial = "ids_no_special"
        }
    }

    @Test(.enabled(if: RepositoryFiles.hasShared(recorded), "no recorded lines in ../shared"))
    func everyRecordedLine() throws {
        let tokenizer = try Tokenizer(contentsOf: RepositoryFiles.shared(Self.file))
        var lines = try ByteLines(path: RepositoryFiles.shared(Self.recorded))
        var count = 0
        while let bytes = try lines.next() {
            let line = try JSONDecoder().decode(Line.self, from: Data(bytes))
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

    @Test(.enabled(if: RepositoryFiles.hasShared(vectors + ".inp"), "no vectors in ../shared"))
    func everyVector() throws {
        let tokenizer = try Tokenizer(contentsOf: RepositoryFiles.shared(Self.file))
        func read(_ name: String) throws -> String {
            try String(contentsOfFile: RepositoryFiles.shared(Self.vectors + name), encoding: .utf8)
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
}
