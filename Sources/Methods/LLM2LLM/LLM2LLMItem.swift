// One item of an LLM2LLM data set, and the files of items: `data/round-N.jsonl`, a JSON object a line
// with its keys sorted, so that the same items are the same bytes.

import Foundation

/// A question with its answer: a seed, or one that was added for a seed.
struct LLM2LLMItem: Codable, Sendable, Equatable {
    /// Its name in the data set.
    let id: String
    /// The question, or the text to classify.
    let question: String
    /// Multiple choice: what there is to choose from.
    var choices: [String]?
    /// The answer that the student learns: worked and ended by `#### n`, a label, or a letter.
    let answer: String
    /// The seed that it was added for; nil for a seed.
    var seed: String?
    /// The data set `D_round` that it first stood in; 0 for seeds.
    var round = 0
    /// Where a seed was read; empty for what was added.
    var source = ""

    /// Whether it may become a source of new items.
    var isSeed: Bool { seed == nil && round == 0 }
}

/// Files of items.
enum LLM2LLMItemFile {
    /// The text of a file of items.
    static func text(_ items: [LLM2LLMItem]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try items.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
            .joined()
    }

    /// Reads a file that this program wrote.
    static func read(_ path: String) throws -> [LLM2LLMItem] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw MethodError(
                .unusableFolder, "\(path): can't be read; begin again with --resume never")
        }
        do {
            return try data.split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(LLM2LLMItem.self, from: Data($0))
            }
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(path): not a round's items; begin again with --resume never")
        }
    }
}
