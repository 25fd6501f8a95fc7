// The files of a run's stages: each is written whole when its stage is over, and read instead of doing it again.

import Foundation

/// What rests where in a run's folder.
struct MCQAFiles {
    let folder: RunFolder

    private var data: String { "\(folder.path)/data" }
    private var students: String { "\(folder.path)/students" }

    /// The items that one way gave, and its counts.
    func items(_ way: GenerationWay) -> String { "\(data)/\(way.rawValue).jsonl" }
    func tally(_ way: GenerationWay) -> String { "\(data)/\(way.rawValue).json" }
    /// What students learn from, with the teacher's scores.
    var scored: String { "\(data)/scored.jsonl" }
    var scoring: String { "\(data)/scoring.json" }
    /// A student's answers to the test.
    func answers(_ lesson: String) -> String { "\(data)/answers-\(lesson).jsonl" }
    /// The folder of a student's training.
    func training(_ lesson: String) -> RunFolder {
        RunFolder(path: "\(students)/\(lesson)", labels: folder.labels)
    }

    func create() throws { try Self.make(data) }

    /// Makes the folder of a student's training.
    func createTraining(_ lesson: String) throws { try Self.make(training(lesson).checkpoints) }

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
        for path in [data, students] where FileManager.default.fileExists(atPath: path) {
            do {
                try FileManager.default.removeItem(atPath: path)
            } catch {
                throw MethodError(
                    .unusableFolder, "\(path): can't be removed: \(error.localizedDescription)")
            }
        }
    }

    // MARK: - A stage's counts

    func read<Tally: Decodable>(_ path: String, as type: Tally.Type) throws -> Tally? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        do {
            return try JSONDecoder().decode(Tally.self, from: data)
        } catch {
            throw MethodError(
                .unusableFolder, "\(path): not counts of this run; begin again with --resume never")
        }
    }

    func write(_ tally: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try folder.write(
            String(decoding: try encoder.encode(tally), as: UTF8.self) + "\n", to: path)
    }
}
