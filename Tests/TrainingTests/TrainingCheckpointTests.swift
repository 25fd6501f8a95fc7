// Checkpoints of training: saved by any number of ranks, continued by any other, with the same bits.

import Autograd
import Checkpoint
import Collectives
import Foundation
import Models
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct TrainingCheckpointTests {
    private let folder: TemporaryFolder
    private let training: TrainingCase

    init() throws {
        folder = try TemporaryFolder()
        training = TrainingCase(folder: try TrainingCase.model.write(to: folder.file("model")))
    }

    private func store(_ name: String) -> CheckpointStore {
        CheckpointStore(directory: folder.file(name))
    }

    /// Trains on `first` ranks, saves, goes on on `second` ranks.
    private func broken(
        _ training: TrainingCase, first: Int, second: Int
    ) throws -> [TrainingOutcome] {
        let store = store("saved by \(first) for \(second)")
        let begun = try ThreadWorld.run(ranks: first) { communicator in
            let trainer = try training.trainer(communicator)
            var outcome = TrainingOutcome()
            try training.train(trainer, 0..<2, &outcome)
            try trainer.save(to: store, step: 2, state: Data("{}".utf8))
            return outcome
        }
        return try ThreadWorld.run(ranks: second) { communicator in
            let trainer = try training.trainer(communicator)
            let reader = try store.latest(communicator: communicator)
            guard let reader else { throw TrainingError(.foreignCheckpoint, "nothing saved") }
            try trainer.restore(from: reader, updates: 2)
            var outcome = begun[0]
            try training.train(trainer, 2..<4, &outcome)
            return outcome
        }
    }

    @Test(arguments: 1...4, 1...4)
    func continuedOnAnyRankCount(first: Int, second: Int) throws {
        let expected = try training.outcomes(ranks: 1)[0]
        let outcomes = try broken(training, first: first, second: second)
        #expect(outcomes.allSatisfy { $0 == expected })
    }

    @Test func continuedWithMomentum() throws {
        var training = training
        training.options.optimizer = .sgd
        training.options.learningRate = 0.02
        let expected = try training.outcomes(ranks: 2)[0]
        #expect(try broken(training, first: 3, second: 2).allSatisfy { $0 == expected })
    }

    @Test func studentOfACheckpoint() throws {
        let outcome = try broken(training, first: 2, second: 1)[0]
        #expect(outcome.losses.count == 4)
        let reader = try #require(try store("saved by 2 for 1").latest())
        let student = try EncoderClassifier(ModelFolder(path: folder.file("model")))
        try student.parameters.restore(from: reader)
        let expected = try training.outcomes(ranks: 1, steps: 2)[0]
        #expect(student.parameters.values.toArray().map(\.bitPattern) == expected.weights)
    }

    /// A checkpoint of another model is refused before anything is read.
    @Test func anotherModel() throws {
        _ = try broken(training, first: 1, second: 1)
        let reader = try #require(try store("saved by 1 for 1").latest())
        for model in [
            TinyBert(width: 32, heads: 4, inner: 128),
            TinyBert(width: 64, layers: 3, heads: 4, inner: 128),
        ] {
            try model.write(to: folder.file("other"))
            let student = try EncoderClassifier(ModelFolder(path: folder.file("other")))
            let error = #expect(throws: TrainingError.self) {
                try student.parameters.restore(from: reader)
            }
            #expect(error?.code == .foreignCheckpoint)
        }
    }
}
