// The training loop: stopped, broken or killed at any step and resumed on any number of ranks, it does
// what it would have done unbroken.

import Checkpoint
import Foundation
import TestSupport
import Testing
import Training

@Suite struct TrainingLoopTests {
    private let folder: TemporaryFolder
    private let model: String

    init() throws {
        folder = try TemporaryFolder()
        model = try TinyBert(seed: 21, width: 32, heads: 2, dropout: 0.2).write(
            to: folder.file("model"))
    }

    private func loop(_ name: String) -> LoopCase {
        LoopCase(model: model, checkpoints: folder.file(name))
    }

    /// The lines of a run up to a step.
    private func lines(_ outcome: LoopOutcome, through step: Int) -> [String] {
        Array(
            outcome.lines.prefix { line in
                (Int(line.split(separator: " ")[1]) ?? 0) <= step
            })
    }

    @Test func unbroken() throws {
        let outcome = try loop("one").run(ranks: 1)
        #expect(outcome.isComplete && outcome.resumedAt == nil)
        #expect(outcome.lines.count { $0.hasPrefix("step") } == LoopCase.totalSteps)
        #expect(
            outcome.lines.filter { $0.hasPrefix("evaluate") }.map { $0.split(separator: " ")[1] }
                == ["3", "6", "9", "12"])
        // Steps 2, 6 and 10 (counted from 0) keep nothing; nor may a last batch of one sample.
        let empty = outcome.lines.count { $0.contains("nothing rate") }
        #expect(empty >= 3)
        #expect(outcome.progress.contains("\"emptyBatches\":\(empty),"))
        #expect(outcome.progress.contains("\"updates\":\(LoopCase.totalSteps - empty),"))
        for ranks in 2...4 {
            #expect(try loop("on \(ranks)").run(ranks: ranks) == outcome, "\(ranks) ranks")
        }
    }

    /// Asked to stop by one rank's signal at any step; then resumed on another count of ranks.
    @Test(arguments: 0...12)
    func stoppedAndResumed(step: Int) throws {
        let expected = try loop("unbroken").run(ranks: 2)
        let broken = loop("broken")
        let first = try broken.run(ranks: 3, stopping: (step, rank: step % 3))
        // At the last step the end comes before the stop.
        #expect(first.isComplete == (step == LoopCase.totalSteps))
        #expect(first.lines == lines(expected, through: step))
        let second = try broken.run(ranks: 2)
        #expect(second.resumedAt == step)
        #expect(first.lines + second.lines == expected.lines)
        #expect(second.weights == expected.weights && second.progress == expected.progress)
    }

    /// Broken off without a word: the steps since the last checkpoint are done again, alike.
    @Test(arguments: [1, 4, 5, 6, 10, 12])
    func brokenAndResumed(step: Int) throws {
        let expected = try loop("unbroken").run(ranks: 1)
        let broken = loop("broken")
        #expect(throws: Broken.self) { try broken.run(ranks: 2, breaking: step) }
        let second = try broken.run(ranks: 1)
        let saved = step > 10 ? 10 : step > 5 ? 5 : 0
        #expect(second.resumedAt == (saved > 0 ? saved : nil))
        #expect(lines(expected, through: saved) + second.lines == expected.lines)
        #expect(second.weights == expected.weights && second.progress == expected.progress)
    }

    @Test func resumedAtTheEnd() throws {
        let done = try loop("done").run(ranks: 2)
        let again = try loop("done").run(ranks: 1)
        #expect(again.isComplete && again.resumedAt == LoopCase.totalSteps)
        #expect(again.lines.isEmpty)
        #expect(again.weights == done.weights && again.progress == done.progress)
    }

    @Test func resumedFromANamedCheckpoint() throws {
        let expected = try loop("run").run(ranks: 1)
        let store = CheckpointStore(directory: folder.file("run"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("run")).sorted()
        #expect(names.count == store.keep, "\(names)")
        let second = try loop("elsewhere").run(
            ranks: 2, resume: .path("\(folder.file("run"))/\(names[0])"))
        #expect(second.resumedAt == 10)
        #expect(second.weights == expected.weights)
        #expect(throws: CheckpointError.self) {
            try loop("elsewhere").run(ranks: 1, resume: .path(folder.file("nowhere")))
        }
    }

    /// A damaged newest checkpoint is passed over, and said so.
    @Test func damagedCheckpoint() throws {
        let expected = try loop("run").run(ranks: 1)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("run")).sorted()
        let newest = "\(folder.file("run"))/\(names[1])"
        try Data().write(to: URL(fileURLWithPath: "\(newest)/state.json"))
        let second = try loop("run").run(ranks: 2)
        #expect(second.skipped == [newest] && second.resumedAt == 10)
        #expect(second.weights == expected.weights)
    }

    @Test(arguments: [1, 3])
    func foreignCheckpoint(ranks: Int) throws {
        _ = try loop("run").run(ranks: 1, stopping: (2, rank: 0))
        var other = loop("run")
        other.fingerprint = "another run"
        let error = #expect(throws: TrainingError.self) { try other.run(ranks: ranks) }
        #expect(error?.code == .foreignCheckpoint)
        #expect(error?.message.contains("--resume never") == true)
    }

    /// A checkpoint of another method, whose state has other fields.
    @Test func checkpointOfAnotherMethod() throws {
        let training = TrainingCase(folder: model)
        let store = CheckpointStore(directory: folder.file("run"))
        _ = try training.saved(to: store, state: "{\"step\":1}")
        let error = #expect(throws: TrainingError.self) { try loop("run").run(ranks: 1) }
        #expect(error?.code == .foreignCheckpoint)
    }

    @Test func startedAgainOnRequest() throws {
        let first = try loop("run").run(ranks: 1, stopping: (7, rank: 0))
        #expect(!first.isComplete)
        let again = try loop("run").run(ranks: 2, resume: .never)
        #expect(again.resumedAt == nil && again.isComplete)
        #expect(try again == loop("unbroken").run(ranks: 1))
    }

    /// No points: evaluated and saved at the end alone.
    @Test func atTheEndAlone() throws {
        var loop = loop("run")
        loop.saveSteps = 0
        loop.evaluationSteps = 0
        let outcome = try loop.run(ranks: 1)
        #expect(outcome.lines.filter { $0.hasPrefix("evaluate") }.count == 1)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.file("run")).count == 1)
    }
}
