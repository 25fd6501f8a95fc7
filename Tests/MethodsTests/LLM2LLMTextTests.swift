// ROUGE-L against a plain table and known values, the gate, EDA's edits, and the file of synonyms.

import Corpus
import Foundation
import TestSupport
import Testing

@testable import Methods

@Suite struct LLM2LLMTextTests {
    /// The whole table, as textbooks have it.
    private static func plainLength(_ left: [String], _ right: [String]) -> Int {
        var table = [[Int]](
            repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
        for (i, a) in left.enumerated() {
            for (j, b) in right.enumerated() {
                table[i + 1][j + 1] =
                    a == b ? table[i][j] + 1 : max(table[i][j + 1], table[i + 1][j])
            }
        }
        return table[left.count][right.count]
    }

    @Test func rougeIsThatOfThePlainTable() {
        var numbers = SampleNumbers(seed: 3)
        for _ in 0..<300 {
            let texts = (0..<2).map { _ in
                (0..<numbers.below(14)).map { _ in "w\(numbers.below(4))" }
            }
            let length = Self.plainLength(texts[0], texts[1])
            #expect(RougeL.longestCommonSubsequence(texts[0], texts[1]) == length)
            let f = RougeL.fMeasure(texts[0], texts[1])
            guard !texts[0].isEmpty, !texts[1].isEmpty else {
                #expect(f == 0)
                continue
            }
            let precision = Double(length) / Double(texts[1].count)
            let recall = Double(length) / Double(texts[0].count)
            let expected =
                length == 0 ? 0 : 2 * precision * recall / (precision + recall)
            #expect(abs(f - expected) < 1e-12)
            #expect(f == RougeL.fMeasure(texts[1], texts[0]))
        }
    }

    /// Values by rouge-score's documented rules, worked out by hand.
    @Test(
        arguments: [
            ("The quick brown fox jumps", "the QUICK brown, dog!", 2 * 3 / 9.0),
            ("police killed the gunman", "police kill the gunman", 0.75),
            ("police killed the gunman", "the gunman kill police", 0.5),
            ("it's 1,200", "it s 1 200", 1.0), ("", "a", 0.0), ("?!", "?!", 0.0),
            ("a b c", "d e f", 0.0),
        ] as [(String, String, Double)])
    func knownValues(left: String, right: String, expected: Double) {
        #expect(abs(RougeL.fMeasure(left, right) - expected) < 1e-12)
    }

    @Test func theGateComparesWithAllItHasSeen() {
        var gate = SimilarityGate(threshold: 0.7)
        gate.add("one two three four")
        func refused(_ texts: [String]) -> [Bool] {
            var same = gate
            return texts.map { same.refuses($0) }
        }
        // F of 1, 0.75, 0.5 and 0.
        let texts = ["One, two; three four.", "one two three five", "one two five six", ""]
        #expect(refused(texts) == [true, true, false, false])
        gate.add("five six seven eight")
        #expect(refused(["five six seven eight nine"]) == [true])
        gate = SimilarityGate(threshold: 1)
        gate.add("a b")
        #expect(refused(["a b"]) == [false])
    }

    private static let synonyms = SynonymTable(sets: [["big", "large", "huge"], ["dog", "hound"]])

    @Test func eachEditDoesItsOwn() {
        let words = "The big dog, saw the big cat today again".split(separator: " ").map(
            String.init)
        let eda = EasyDataAugmentation(share: 0.3, synonyms: Self.synonyms, seed: 5)
        for index in 0..<50 {
            var draws = WordDraws(CounterRandom(seed: UInt64(index)))
            let replaced = eda.edited(words, .synonym, &draws)
            #expect(replaced.count == words.count)
            // Both words that have synonyms change, in all their places, and keep their marks.
            #expect(["large", "huge"].contains(replaced[1]) && replaced[1] == replaced[5])
            #expect(replaced[2] == "hound,")
            let inserted = eda.edited(words, .insertion, &draws)
            #expect((words.count...words.count + 2).contains(inserted.count))
            let swapped = eda.edited(words, .swap, &draws)
            #expect(swapped.sorted() == words.sorted())
            let deleted = eda.edited(words, .deletion, &draws)
            #expect(!deleted.isEmpty && deleted.count <= words.count)
        }
    }

    @Test func newTextsAreTheSameAgainAndDifferFromEachOther() {
        let text = "how big is the dog that barks at the large moon"
        let eda = EasyDataAugmentation(share: 0.2, synonyms: Self.synonyms, seed: 5)
        let texts = eda.texts(of: text, index: 3, count: 9)
        #expect(texts.count == 9 && Set(texts).count == 9 && !texts.contains(text))
        #expect(texts == eda.texts(of: text, index: 3, count: 9))
        #expect(texts != eda.texts(of: text, index: 4, count: 9))
        let other = EasyDataAugmentation(share: 0.2, synonyms: Self.synonyms, seed: 6)
        #expect(texts != other.texts(of: text, index: 3, count: 9))
        // One word: nothing to swap, nothing to leave out.
        let bare = EasyDataAugmentation(
            edits: [.swap, .deletion], synonyms: SynonymTable(), seed: 5)
        #expect(bare.texts(of: "word", index: 0, count: 4).isEmpty)
        #expect(bare.texts(of: "  ", index: 0, count: 4).isEmpty)
    }

    @Test func deletionLeavesOutItsShare() {
        let words = (0..<200).map { "w\($0)" }
        let eda = EasyDataAugmentation(share: 0.25, synonyms: SynonymTable(), seed: 1)
        var draws = WordDraws(CounterRandom(seed: 9))
        let kept = (0..<40).reduce(0) { sum, _ in
            sum + eda.edited(words, .deletion, &draws).count
        }
        #expect((5_800...6_200).contains(kept))
    }

    @Test func synonymsOfAFile() throws {
        let folder = try TemporaryFolder()
        try folder.write("words.txt", "# sets\nbig, Large\n\nlarge,huge\n")
        let table = try SynonymTable(contentsOf: folder.file("words.txt"))
        #expect(table["BIG"] == ["Large"] && table["large"] == ["big", "huge"])
        #expect(table["cat"] == [] && table.count == 3)
        try folder.write("bad.txt", "big, large\nalone\n")
        let error = #expect(throws: MethodError.self) {
            try SynonymTable(contentsOf: folder.file("bad.txt"))
        }
        #expect(error?.message.contains("bad.txt:2") == true)
        #expect(throws: MethodError.self) { try SynonymTable(contentsOf: folder.file("no")) }
    }
}
