// One multiple-choice item, and the files of items: a JSON object a line with its keys sorted, so that the
// same items are the same bytes. A scored item is in the recorded form too (`id`, `choice_probabilities`).

import Corpus
import Foundation

/// A question with its choices.
struct ChoiceItem: Codable, Sendable, Equatable {
    /// Its name among all items.
    let id: String
    /// What it is about; accuracy is told by it.
    let subject: String
    /// The question.
    let question: String
    /// What there is to choose from; at least two.
    let choices: [String]
    /// The index of the right choice: gold, or what the generator says.
    let answer: Int

    /// The right choice.
    var rightChoice: String { choices[answer] }

    /// The same item with its choices in an order of its own.
    ///
    /// The order is a function of the seed and the id: where an item stands doesn't matter.
    func shuffled(seed: UInt64) -> ChoiceItem {
        let name = UInt64(ContentHash.id(of: id), radix: 16) ?? 0
        let order = Permutation(
            count: choices.count, seed: seed, epoch: Int(truncatingIfNeeded: name))
        let places = (0..<order.count).map { order[$0] }
        return ChoiceItem(
            id: id, subject: subject, question: question, choices: places.map { choices[$0] },
            answer: places.firstIndex(of: answer) ?? 0)
    }
}

/// An item with what the teacher thinks of its choices.
struct ScoredItem: Codable, Sendable, Equatable {
    let id: String
    let subject: String
    let question: String
    let choices: [String]
    let answer: Int
    /// Over the choices, sum 1, at temperature 1.
    let probabilities: [Double]
    /// As the teacher gave them, an array for each order of the choices, each in the item's own order.
    ///
    /// Null for a letter that it didn't name. Absent where the probabilities were recorded elsewhere.
    var logProbabilities: [[Double?]]?

    enum CodingKeys: String, CodingKey {
        case id, subject, question, choices, answer
        case probabilities = "choice_probabilities"
        case logProbabilities = "choice_log_probabilities"
    }

    init(_ item: ChoiceItem, probabilities: [Double], logProbabilities: [[Double?]]? = nil) {
        (id, subject, question) = (item.id, item.subject, item.question)
        (choices, answer) = (item.choices, item.answer)
        self.probabilities = probabilities
        self.logProbabilities = logProbabilities
    }

    /// The item itself.
    var item: ChoiceItem {
        ChoiceItem(
            id: id, subject: subject, question: question, choices: choices, answer: answer)
    }

    /// The teacher's best choice; the first of equals.
    var teacherChoice: Int { probabilities.mostProbable }
    /// Whether the teacher would answer otherwise.
    var isDisputed: Bool { teacherChoice != answer }
}

/// Files of lines of JSON in a run's folder.
enum ItemFile {
    /// The text of a file.
    static func text(_ values: [some Encodable]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try values.map { String(decoding: try encoder.encode($0), as: UTF8.self) + "\n" }
            .joined()
    }

    /// Reads a file that this program wrote; nil where there is none.
    static func read<Value: Decodable>(_ path: String, as type: Value.Type) throws -> [Value]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do {
            return try data.split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(Value.self, from: Data($0))
            }
        } catch {
            throw MethodError(
                .unusableFolder, "\(path): not a file of this run; begin again with --resume never")
        }
    }
}
