// What Hugging Face `tokenizers` makes of the same files and texts, recorded by the scripts in
// Oracle/. `RETORT_TOKENIZER_CASES` names a further file of cases: so the fuzzing is run.

import Foundation
import Testing

@testable import Tokenizers

@Suite struct OracleTests {
    struct Case: Decodable {
        let text: String
        let pair: String?
        let special: Bool
        let ids: [Int32]
        let typeIDs: [Int32]
        let tokens: [String]
        let offsets: [[Int]]
        let mask: [Int32]
        let attention: [Int32]
        let decoded: String
        let decodedWhole: String
        let randomIDs: [Int32]?
        let randomDecoded: String?

        enum CodingKeys: String, CodingKey {
            case text, pair, special, ids, tokens, offsets, mask, attention, decoded
            case typeIDs = "type_ids"
            case decodedWhole = "decoded_whole"
            case randomIDs = "random_ids"
            case randomDecoded = "random_decoded"
        }

        /// The names of the fields in which `tokenizer` says something else.
        func differences(from tokenizer: Tokenizer) -> [String] {
            let encoding = tokenizer.encode(text, pair: pair, addSpecialTokens: special)
            let fast = tokenizer.encodeIDs(text, pair: pair, addSpecialTokens: special)
            let unpadded = tokenizer.encode(
                text, pair: pair, addSpecialTokens: special, padding: .none)
            let offsets = encoding.offsets.map { [$0.lowerBound, $0.upperBound] }
            let tokens = encoding.tokens.map { Array($0.utf8) }
            let whole = tokenizer.decode(ids, skipSpecialTokens: false)
            let same: [(String, Bool)] = [
                ("ids", encoding.ids == ids), ("type_ids", encoding.typeIDs == typeIDs),
                ("tokens", tokens == self.tokens.map { Array($0.utf8) }),
                ("offsets", offsets == self.offsets),
                ("mask", encoding.specialTokensMask == mask),
                ("attention", encoding.attentionMask == attention),
                ("decoded", tokenizer.decode(ids).utf8.elementsEqual(decoded.utf8)),
                ("decoded_whole", whole.utf8.elementsEqual(decodedWhole.utf8)),
                ("encodeIDs", fast == unpadded.ids),
                (
                    "random_decoded",
                    tokenizer.decode(randomIDs ?? []).utf8.elementsEqual((randomDecoded ?? "").utf8)
                ),
            ]
            return same.filter { !$0.1 }.map(\.0)
        }
    }

    @Test(arguments: ["cases.jsonl", "bpe-cases.jsonl", "unigram-cases.jsonl"])
    func recordedCases(name: String) throws {
        let count = try check(RepositoryFiles.resource(name))
        #expect(count > 200)
    }

    static let fuzzed = ProcessInfo.processInfo.environment["RETORT_TOKENIZER_CASES"]

    @Test(.enabled(if: fuzzed != nil, "RETORT_TOKENIZER_CASES names no file"))
    func fuzzedCases() throws {
        let path = try #require(Self.fuzzed)
        print("\(try check(path)) cases of \(path) compared")
    }

    /// Compares every case of a file; returns how many there are.
    private func check(_ path: String) throws -> Int {
        let prefix = Array("{\"tokenizer\":".utf8)
        var lines = try ByteLines(path: path)
        var tokenizer: Tokenizer?
        var (count, bad, number) = (0, 0, 0)
        while let line = try lines.next() {
            number += 1
            if line.starts(with: prefix) {
                let json = Array(line.dropFirst(prefix.count).dropLast())
                tokenizer = Tokenizer(try TokenizerParts(json: json, file: "\(path):\(number)"))
                continue
            }
            let wanted = try JSONDecoder().decode(Case.self, from: Data(line))
            let differences = wanted.differences(from: try #require(tokenizer))
            count += 1
            guard !differences.isEmpty else { continue }
            bad += 1
            if bad <= 10 {
                Issue.record("\(path):\(number): \(differences) of \(wanted.text.debugDescription)")
            }
        }
        #expect(bad == 0, "\(bad) of \(count) cases differ")
        return count
    }
}
