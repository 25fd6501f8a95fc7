// The student over the iterations: each one starts from the one before, so what matters is whose weights are
// in memory, and which checkpoints are still needed.

import Collectives
import Corpus
import Models
import TensorCore
import Training

/// A decoder that learns on.
final class LionStudent {
    private let session: RunSession
    private let files: LionFiles
    private let student: GenerativeStudent
    /// The iteration whose weights are in memory; -1 for the original ones.
    private var held = -1

    /// Prompts that are answered between two looks at whether to stop; each part is a file.
    private static let partSize = 1024

    init(_ session: RunSession, files: LionFiles) throws {
        self.session = session
        self.files = files
        student = try GenerativeStudent(session)
    }

    var description: String { student.description }

    /// Trains from the student of the iteration before, or goes on from a checkpoint.
    ///
    /// - Returns: How many lessons are too long; nil when stopped.
    func train(_ iteration: Int, on lessons: [TextExample], fingerprint: String) throws -> Int? {
        try hold(iteration - 1)
        let folder = files.training(iteration)
        try session.byLeader { try files.make(folder.checkpoints) }
        let outcome = try student.train(
            GenerativeStudent.Lessons(
                examples: lessons, options: session.recipe.train, folder: folder,
                fingerprint: "\(fingerprint)-\(iteration)",
                seed: session.recipe.seed &+ UInt64(iteration)), resume: .automatic)
        // Stopped in the middle it holds nobody's weights, and the call ends.
        guard outcome.isComplete else { return nil }
        held = iteration
        return outcome.tooLong
    }

    /// Gives the checkpoints free that nobody goes on from.
    func forget(before iteration: Int) throws {
        guard iteration > 0 else { return }
        try session.byLeader { try files.remove(files.training(iteration - 1).checkpoints) }
    }

    /// Greedy answers of an iteration's student to test prompts.
    func testAnswers(_ iteration: Int, to prompts: [String]) throws -> [String] {
        try hold(iteration)
        return try student.answers(
            to: prompts,
            AnswerOptions(maximumTokens: session.recipe.evaluate.maximumNewTokens))
    }

    /// Drawn answers of an iteration's student, kept part by part.
    ///
    /// - Returns: Nil when stopped.
    func answers(_ iteration: Int, to prompts: [String]) throws -> [String]? {
        try session.byLeader { try files.make("\(files.data)/answers-\(iteration)") }
        let decoding = session.recipe.method.lion.decoding.student
        var answers: [String] = []
        while answers.count < prompts.count {
            let part = answers.count / Self.partSize
            let path = files.answers(iteration, part)
            let range = answers.count..<min(prompts.count, answers.count + Self.partSize)
            if let known = try LionLines.read(path, of: String.self), known.count == range.count {
                answers += known
                continue
            }
            let stop: Int64 = session.isStopRequested() ? 1 : 0
            guard try session.communicator.allReduce([stop], .maximum)[0] == 0 else { return nil }
            try hold(iteration)
            // Each part has draws of its own, as its samples are counted from 0.
            let random = CounterRandom(
                seed: session.recipe.seed, UInt64(iteration), UInt64(part), 0x6C69_6F6E)
            let made = try student.answers(
                to: Array(prompts[range]),
                AnswerOptions(
                    maximumTokens: decoding.maximumTokens,
                    sampling: SamplingOptions(
                        temperature: decoding.temperature, topP: decoding.topP, seed: random[0])))
            try session.byLeader { try files.write(made, to: path) }
            answers += made
        }
        return answers
    }

    /// Writes an iteration's student as a model folder; a collective.
    func export(_ iteration: Int, to path: String) throws {
        try hold(iteration)
        try student.export(to: path)
    }

    /// Takes an iteration's weights, if others are in memory.
    private func hold(_ iteration: Int) throws {
        guard held != iteration else { return }
        if iteration < 0 {
            try student.reset()
        } else if try !student.restore(files.training(iteration)) {
            throw MethodError(
                .unusableFolder,
                "\(files.training(iteration).checkpoints): no good checkpoint of student "
                    + "\(iteration); begin again with --resume never")
        }
        held = iteration
    }
}
