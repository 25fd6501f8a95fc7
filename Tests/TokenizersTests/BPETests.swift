// The merging itself: both ways of it, long words, many threads; and what a BPE file is refused for.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct BPETests {
    /// Random merges over a few letters, each making a new id.
    private static func merges(_ random: inout SplitMix64, letters: Int) -> MergeTable {
        var table = MergeTable(capacity: 60)
        for rank in 0..<60 {
            let bound = letters + rank
            table.insert(
                Int32(random.next(below: bound)), Int32(random.next(below: bound)),
                rank: UInt32(rank), id: Int32(letters + rank))
        }
        return table
    }

    @Test func heapAndScanMergeTheSame() {
        var random = SplitMix64(seed: 21)
        for _ in 0..<600 {
            let letters = 2 + random.next(below: 3)
            let merges = Self.merges(&random, letters: letters)
            var scanned = MergeWork()
            for _ in 0..<random.next(below: 40) {
                scanned.append(Int32(random.next(below: letters)), length: 1)
            }
            var heaped = scanned
            let total = scanned.count
            scanned.merge(by: merges, scansUpTo: .max)
            heaped.merge(by: merges, scansUpTo: 0)
            #expect(scanned.ids == heaped.ids && scanned.lengths == heaped.lengths)
            #expect(scanned.lengths.reduce(0, +) == Int32(total))
        }
    }

    /// A tokenizer over `a` and `b` without a pre-tokenizer: a text is one word.
    private static func wholeText() throws -> Tokenizer {
        try SmallTokenizer.load([
            "normalizer": "null", "pre_tokenizer": "null", "post_processor": "null",
            "decoder": #"{"type": "Fuse"}"#, "added_tokens": "[]",
            "model": """
            {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "abab": 3, "aa": 4}, \
            "merges": ["a b", ["ab", "ab"], "a a"]}
            """,
        ])
    }

    /// Looking again after each of a million merges would take hours; the heap takes a second.
    @Test func timeGrowsWithTheTextAlone() throws {
        let tokenizer = try Self.wholeText()
        let text = String(repeating: "ab", count: 1_000_000)
        let clock = ContinuousClock()
        var ids: [Int32] = []
        let time = clock.measure { ids = tokenizer.encodeIDs(text) }
        #expect(ids == [Int32](repeating: 3, count: 500_000))
        #expect(time < .seconds(120), "\(time)")
        #expect(tokenizer.decode(ids) == text)
        #expect(tokenizer.encodeIDs("aaab") == [4, 2])
    }

    @Test func threadsDoNotDisturbEachOther() async throws {
        let tokenizer = try Self.wholeText()
        let texts = (1...200).map { String(repeating: "ab", count: $0 % 31) + "aaaba" }
        let wanted = texts.map { tokenizer.encodeIDs($0) }
        await withTaskGroup(of: [[Int32]].self) { group in
            for _ in 0..<8 { group.addTask { texts.map { tokenizer.encodeIDs($0) } } }
            for await ids in group { #expect(ids == wanted) }
        }
    }

    @Test func aFullCacheForgetsAndGoesOn() throws {
        let tokenizer = try Self.byteLevelWords()
        var random = SplitMix64(seed: 8)
        for _ in 0..<3 {
            let words = (0..<40_000).map { _ in
                String((0..<20).map { _ in random.next(below: 2) == 0 ? "a" : "b" })
            }
            let ids = tokenizer.encodeIDs(words.joined(separator: " "))
            #expect(tokenizer.decode(ids) == words.joined(separator: " "))
        }
    }

    private static func byteLevelWords() throws -> Tokenizer {
        try SmallTokenizer.load([
            "normalizer": "null", "post_processor": "null", "added_tokens": "[]",
            "pre_tokenizer": #"{"type": "ByteLevel", "add_prefix_space": false}"#,
            "decoder": #"{"type": "ByteLevel"}"#,
            "model": """
            {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4}, \
            "merges": ["a b", "Ġ ab"]}
            """,
        ])
    }

    @Test(arguments: [
        (#""merges": ["a b", "ab"]"#, "model.merges has no pair of pieces at [1]"),
        (#""merges": [["a", "b", "c"]]"#, "model.merges has no pair of pieces at [0]"),
        (
            #""merges": ["a b", "b a"]"#,
            "model.merges needs 'ba' at [1], which is not in the vocabulary"
        ),
        (
            #""merges": [], "dropout": 0.1"#,
            "model.dropout is not supported: the tokens would be random"
        ),
        (
            #""merges": [], "end_of_word_suffix": "</w>""#,
            "model.end_of_word_suffix '</w>' is not supported"
        ),
        (#""merges": [], "unk_token": "?""#, "model.unk_token '?' is not in the vocabulary"),
        (#""merges": {}"#, "model.merges must be an array"),
    ])
    func refusedByName(members: String, message: String) throws {
        let model = #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, \#(members)}"#
        let refusal = try #require(SmallTokenizer.refusal(["model": model]))
        #expect(refusal.message == "t.json: \(message)")
    }

    @Test(arguments: [
        (
            "pre_tokenizer",
            #"{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated"}"#,
            #"pre_tokenizer.pattern.Regex '\w+': no such expression is supported"#
        ),
        (
            "pre_tokenizer",
            #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "last"}"#,
            "pre_tokenizer.prepend_scheme 'last' is not supported"
        ),
        (
            "pre_tokenizer",
            """
            {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": true}, \
            {"type": "Digits", "individual_digits": true}]}
            """,
            "pre_tokenizer.pretokenizers[1] stands behind ByteLevel; that must be the last"
        ),
        (
            "normalizer", #"{"type": "Replace", "pattern": {"Regex": "a|"}, "content": " "}"#,
            "normalizer.pattern.Regex 'a|': no such expression is supported"
        ),
    ])
    func stagesRefusedByName(member: String, json: String, message: String) throws {
        let refusal = try #require(SmallTokenizer.refusal([member: json]))
        #expect(refusal.code == .unsupported && refusal.message == "t.json: \(message)")
    }
}
