// What is known of one trained student: question by question, so that students can be compared in pairs.

import Foundation

/// A student that is measured: as it is, trained on gold answers alone, or trained in an arm.
enum PrimingCondition: Hashable {
    case untrained
    case fineTuned
    case arm(PrimingArm)

    /// All that a recipe wants, in the order of the table.
    static func all(_ options: Recipe.PrimingOptions) -> [PrimingCondition] {
        (options.measuresUntrained ? [.untrained] : [])
            + (options.measuresFineTuned ? [.fineTuned] : []) + options.arms.map { .arm($0) }
    }

    /// The name in tables, files and folders.
    var name: String {
        switch self {
        case .untrained: "untrained"
        case .fineTuned: "fine-tuned"
        case .arm(let arm): arm.rawValue
        }
    }
}

/// Figures of some questions, in their order.
struct PrimingScores: Codable, Equatable {
    /// Whether each is answered rightly; empty where answers aren't judged.
    var right: [Bool] = []
    /// The loss of each gold answer, in nats.
    var losses: [Double] = []
    /// Its tokens, the end counted.
    var tokens: [Int] = []

    /// Right answers by questions.
    var accuracy: QuestionRatio? {
        right.isEmpty
            ? nil
            : QuestionRatio(above: right.map { $0 ? 1 : 0 }, below: right.map { _ in 1 })
    }

    /// Nats by tokens.
    var loss: QuestionRatio {
        QuestionRatio(above: losses, below: tokens.map(Double.init))
    }
}

/// A student's figures.
struct PrimingResult: Codable, Equatable {
    var condition: String
    var seed: UInt64
    /// Examples that it was trained on.
    var trainedOn = 0
    /// The teacher's answers that were left out, by reason.
    var leftOut: [String: Int] = [:]
    /// Of the validation questions.
    var validation = PrimingScores()
    /// Of the test questions.
    var test = PrimingScores()

    /// A line for people.
    var sentence: String {
        let scores = test.losses.isEmpty ? validation : test
        let loss = "\(fixed(scores.loss.value, 4)) nats a token"
        return (scores.accuracy.map { "\(fixed(100 * $0.value, 1)) % right, " } ?? "") + loss
            + (test.losses.isEmpty ? " in validation" : " in the test")
    }

    /// Reads a file; nil where there is none.
    static func read(_ path: String) throws -> PrimingResult? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(PrimingResult.self, from: data)
        } catch {
            throw MethodError(
                .unusableFolder, "\(path): not a result of priming; remove it, and it is made again"
            )
        }
    }

    /// Writes a file whole or not at all.
    func write(to path: String, _ folder: RunFolder) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try folder.write(String(decoding: encoder.encode(self), as: UTF8.self) + "\n", to: path)
    }
}
