// Words that mean the same, from a file of the user: a line a set, its words with commas between them.
//
//     # a comment
//     big, large, huge
//     purchase, buy
//
// A word may stand in several sets (a noun and a verb); its synonyms are those of all of them. It is
// no dictionary: word forms are different words, and nothing is known of meanings.

import Foundation

/// Synonyms by word.
public struct SynonymTable: Sendable, Equatable {
    private var synonyms: [String: [String]] = [:]

    /// A table without a word.
    public init() {}

    /// A table of sets of words that mean the same.
    public init(sets: [[String]]) {
        for set in sets {
            for word in set {
                let key = word.lowercased()
                for other in set where other.lowercased() != key {
                    if synonyms[key, default: []].contains(other) { continue }
                    synonyms[key, default: []].append(other)
                }
            }
        }
    }

    /// Reads a file.
    ///
    /// - Throws: `MethodError` where it can't be read or a line isn't a set of at least two words.
    public init(contentsOf path: String) throws(MethodError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw MethodError(
                .invalidRecipe, "\(path): can't be read; method.synonyms names a file of synonyms")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw MethodError(.invalidRecipe, "\(path): not UTF-8 text")
        }
        var sets: [[String]] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = line.trimmingCharacters(in: .whitespacesAndNewlines)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let words = line.split(separator: ",").map {
                $0.trimmingCharacters(in: .whitespaces)
            }.filter { !$0.isEmpty }
            guard words.count > 1 else {
                throw MethodError(
                    .invalidRecipe,
                    "\(path):\(number + 1): not a set of synonyms; write `big, large, huge`")
            }
            sets.append(words)
        }
        self.init(sets: sets)
    }

    /// The synonyms of a word, whatever its case, in the file's order; empty where none is known.
    public subscript(word: String) -> [String] { synonyms[word.lowercased()] ?? [] }

    /// How many words have synonyms.
    public var count: Int { synonyms.count }
}
