// What a round came to, kept as `data/round-N.json` beside its items: with it a stopped run goes on at
// the stage where it was. It is written when the student of the round is measured, and again when the next
// data set stands.

import Foundation

/// A round's figures.
struct LLM2LLMRound: Codable, Equatable {
    /// A seed that went wrong.
    struct Wrong: Codable, Equatable {
        /// The seed.
        let id: String
        /// What the student answered.
        let said: String
    }

    /// The number of its data set, from 0.
    let round: Int
    /// Items that were trained on.
    let items: Int
    /// Of these, the seeds.
    let seeds: Int
    /// Seeds and other items that the student answers rightly after training on them.
    let seedsRight: Int
    let addedRight: Int
    /// Test items, and how many of them it answers rightly.
    let tests: Int
    let testsRight: Int
    /// The seeds that went wrong, in the order of the data set.
    let wrong: [Wrong]
    /// What asking for the next data set came to; nil until it stands, and in the last round.
    var tally: AugmentationTally?
    /// Money spent until the next data set stood, over the whole run, in millionths.
    var spentMicro: Int64 = 0

    var trainAccuracy: Double { Self.share(seedsRight + addedRight, items) }
    var seedAccuracy: Double { Self.share(seedsRight, seeds) }
    var testAccuracy: Double? { tests > 0 ? Self.share(testsRight, tests) : nil }

    private static func share(_ part: Int, _ whole: Int) -> Double {
        whole > 0 ? Double(part) / Double(whole) : 0
    }
}

/// The files of the rounds in a run's folder.
struct LLM2LLMFiles {
    let folder: RunFolder

    /// Where items and figures of the rounds lie.
    var data: String { "\(folder.path)/data" }
    func items(_ round: Int) -> String { "\(data)/round-\(round).jsonl" }
    func figures(_ round: Int) -> String { "\(data)/round-\(round).json" }
    /// The folder of a round's training.
    func training(_ round: Int) -> RunFolder {
        RunFolder(path: "\(folder.path)/rounds/\(round)", labels: folder.labels)
    }

    func create() throws {
        for path in [data, "\(folder.path)/rounds"] { try Self.make(path) }
    }

    /// Makes the folder of a round's training.
    func createTraining(_ round: Int) throws { try Self.make(training(round).checkpoints) }

    private static func make(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(path): can't be made: \(error.localizedDescription); set output_dir elsewhere")
        }
    }

    /// Removes what an earlier run left.
    func remove() throws {
        for path in [data, "\(folder.path)/rounds"]
        where FileManager.default.fileExists(atPath: path) {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                throw MethodError(
                    .unusableFolder, "\(path): can't be removed: \(error.localizedDescription)")
            }
        }
    }

    /// A round's figures; nil where they aren't written yet.
    func read(_ round: Int) throws -> LLM2LLMRound? {
        guard let data = FileManager.default.contents(atPath: figures(round)) else { return nil }
        do {
            return try JSONDecoder().decode(LLM2LLMRound.self, from: data)
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(figures(round)): not a round's figures; begin again with --resume never")
        }
    }

    func write(_ round: LLM2LLMRound) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let text = String(decoding: try encoder.encode(round), as: UTF8.self)
        try folder.write(text + "\n", to: figures(round.round))
    }

    /// Gives a finished round's checkpoints free: the next round begins from the original weights.
    func removeCheckpoints(_ round: Int) throws {
        let path = training(round).checkpoints
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw MethodError(
                .unusableFolder, "\(path): can't be removed: \(error.localizedDescription)")
        }
    }
}
