// Vocabularies compared id by id.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct VocabularyMatchTests {
    /// A tokenizer of words, one a line.
    private func tokenizer(_ words: [String]) throws -> Tokenizer {
        let folder = try TemporaryFolder()
        let lines = (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words).joined(separator: "\n")
        try folder.write("vocab.txt", lines)
        return try Tokenizer(contentsOf: folder.path(""))
    }

    @Test func sameTokens() throws {
        let match = VocabularyMatch(
            teacher: try tokenizer(["a", "b"]), student: try tokenizer(["a", "b"]))
        #expect(match.isSame && match.idCount == 7 && match.first.isEmpty)
        #expect(match.summary == "all 7 token ids are the same")
    }

    @Test func otherTokens() throws {
        let match = VocabularyMatch(
            teacher: try tokenizer(["a", "b", "c"]), student: try tokenizer(["b", "\"", "c", "d"]))
        #expect(!match.isSame && match.differenceCount == 3 && match.idCount == 9)
        #expect(
            match.summary
                == #"3 of 9 token ids differ (id 5: "a" against "b", id 6: "b" against "\"", "#
                + #"id 8: no token against "d")"#)
    }

    @Test func manyOtherTokens() throws {
        let words = (0..<50).map { "word\($0)" }
        let match = VocabularyMatch(
            teacher: try tokenizer(words), student: try tokenizer(words.reversed()))
        #expect(match.differenceCount == 50 && match.first.count == VocabularyMatch.shown)
        #expect(match.summary.hasSuffix(", ...)"))
    }
}
