// What an iteration came to, kept as `data/iteration-N.json`: with it a stopped run goes on at the stage where
// it was. It is written after each stage, behind the stage's own file.

import Corpus
import Foundation

/// An iteration's figures.
struct LionIteration: Codable, Equatable {
    /// Its number, from 0; its student is trained on Train Pool `number`.
    let number: Int
    /// What the teacher was asked, and to what it gave no whole answer.
    var imitation = Imitation()
    /// Whether the student has been trained and measured.
    var isTrained = false
    /// Lessons that are longer than the student reads.
    var tooLong = 0
    /// Test items, and how many of them the student answers rightly.
    var tests = 0
    var testsRight = 0
    /// What the referee said; nil until it has, and in the last iteration.
    var discrimination: Discrimination?
    /// What generation came to; nil until the next Train Pool stands, and in the last iteration.
    var generation: InstructionTally?
    /// Money spent so far over the whole run, in millionths.
    var spentMicro: Int64 = 0

    /// The teacher's answers.
    struct Imitation: Codable, Equatable {
        /// Answers that were wanted.
        var wanted = 0
        /// Answers that were cut by their length; they are left out.
        var cut = 0
        /// Instructions without an answer; they are left out.
        var failed = 0

        var lessons: Int { wanted - cut - failed }
    }

    /// Sums over the verdicts.
    struct Discrimination: Codable, Equatable {
        /// Instructions of the Cache Pool.
        var cache = 0
        var referee = RefereeTally()
        /// Instructions with a verdict, and the hard ones among them.
        var judged = 0
        var hard = 0
        /// The same of the instructions that were read: the one part of the pool that stays the same.
        var judgedSeeds = 0
        var hardSeeds = 0
        /// Mean scores.
        var teacherScore = 0.0
        var studentScore = 0.0
        /// The student's relative quality, in per cent; nil without verdicts.
        var quality: Double?

        var hardShare: Double { judged > 0 ? Double(hard) / Double(judged) : 0 }
        var hardSeedShare: Double { judgedSeeds > 0 ? Double(hardSeeds) / Double(judgedSeeds) : 0 }
    }

    var testAccuracy: Double? { tests > 0 ? Double(testsRight) / Double(tests) : nil }

    /// Requests of all roles.
    var calls: Int {
        imitation.wanted + (discrimination?.referee.requests ?? 0) + (generation?.allRequests ?? 0)
    }
}

/// What the referee said of one instruction.
struct LionVerdict: Codable {
    /// The instruction's.
    let id: String
    let kind: LionKind
    let verdict: Verdict
}

/// The files of the iterations in a run's folder.
struct LionFiles {
    let folder: RunFolder

    var data: String { "\(folder.path)/data" }
    /// Train Pool N: the instructions.
    func pool(_ number: Int) -> String { "\(data)/pool-\(number).jsonl" }
    /// Train Pool N with the teacher's answers.
    func lessons(_ number: Int) -> String { "\(data)/train-\(number).jsonl" }
    /// A part of the student's answers to the Cache Pool.
    func answers(_ number: Int, _ part: Int) -> String {
        "\(data)/answers-\(number)/\(part).jsonl"
    }
    /// The verdicts.
    func verdicts(_ number: Int) -> String { "\(data)/judged-\(number).jsonl" }
    func figures(_ number: Int) -> String { "\(data)/iteration-\(number).json" }
    /// The folder of a student's training.
    func training(_ number: Int) -> RunFolder {
        RunFolder(path: "\(folder.path)/iterations/\(number)", labels: folder.labels)
    }

    /// Makes a folder.
    func make(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(path): can't be made: \(error.localizedDescription); set output_dir elsewhere")
        }
    }

    /// Removes a folder, if it is there.
    func remove(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw MethodError(
                .unusableFolder, "\(path): can't be removed: \(error.localizedDescription)")
        }
    }

    /// Removes what an earlier run left.
    func removeAll() throws {
        try remove(data)
        try remove("\(folder.path)/iterations")
    }

    /// An iteration's figures; nil where they aren't written yet.
    func read(_ number: Int) throws -> LionIteration? {
        guard let data = FileManager.default.contents(atPath: figures(number)) else { return nil }
        do {
            return try JSONDecoder().decode(LionIteration.self, from: data)
        } catch {
            throw MethodError(
                .unusableFolder,
                "\(figures(number)): not an iteration's figures; begin again with --resume never")
        }
    }

    func write(_ figures: LionIteration) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let text = String(decoding: try encoder.encode(figures), as: UTF8.self)
        try folder.write(text + "\n", to: self.figures(figures.number))
    }

    /// Writes elements as lines.
    func write<Element: Encodable>(_ elements: [Element], to path: String) throws {
        try folder.write(LionLines.text(elements), to: path)
    }
}
