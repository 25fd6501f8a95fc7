// Embedding tables kept by rows: training comes to the bits that it comes to with the whole table in the
// buffers, on any number of ranks, and sends less.

import Autograd
import Collectives
import Foundation
import Models
import TensorCore
import TestSupport
import Testing

@testable import Training

/// A tiny BERT with a vocabulary of its own size.
private func model(vocabularyCount: Int, width: Int = 64) -> TinyBert {
    var model = TrainingCase.model
    var numbers = SampleNumbers(seed: 12)
    model.configuration["vocab_size"] = vocabularyCount
    model.tensors[0].shape = [vocabularyCount, width]
    model.tensors[0].values = numbers.floats(vocabularyCount * width, scale: 0.3)
    return model
}

@Suite struct RowTableTests {
    private let folder: TemporaryFolder
    /// A table of 46.9 blocks: the last one is shared with other weights.
    private let byRows: TrainingCase
    private let inBuffers: TrainingCase

    init() throws {
        folder = try TemporaryFolder()
        var training = TrainingCase(
            folder: try model(vocabularyCount: 12_007).write(to: folder.path))
        training.vocabularyCount = 12_007
        training.smallestRowTable = .max
        inBuffers = training
        training.smallestRowTable = 1 << 16
        byRows = training
    }

    private func expectSameBits(
        ranks: [Int], steps: Int = 3, _ place: SourceLocation = #_sourceLocation,
        _ change: (inout TrainingCase) -> Void = { _ in }
    ) throws {
        var (byRows, inBuffers) = (byRows, inBuffers)
        change(&byRows)
        change(&inBuffers)
        let expected = try inBuffers.outcomes(ranks: 1, steps: steps)[0]
        for ranks in ranks {
            for (rank, outcome) in try byRows.outcomes(ranks: ranks, steps: steps).enumerated() {
                // Outside of the macro, which would look for the differences of a million numbers.
                let isSame = outcome == expected
                #expect(isSame, "rank \(rank) of \(ranks)", sourceLocation: place)
            }
        }
    }

    @Test func anyRankCount() throws { try expectSameBits(ranks: [1, 2, 3, 4, 5]) }

    @Test(arguments: [1, 2, 16])
    func otherLeaves(leaves: Int) throws {
        try expectSameBits(ranks: [1, 2, 3]) { $0.options.microBatches = leaves }
    }

    /// Leaves, passes and ranks without samples.
    @Test(arguments: [1, 3])
    func fewSamples(samples: Int) throws {
        try expectSameBits(ranks: [1, 3, 5]) { $0.batchSize = samples }
    }

    /// Passes of a rank, whose rows are added in it.
    @Test(arguments: [1, 40])
    func passSize(tokens: Int) throws {
        try expectSameBits(ranks: [1, 3]) { $0.options.maximumTokensPerPass = tokens }
    }

    @Test func threadCount() throws { try expectSameBits(ranks: [2]) { $0.threads = 3 } }

    @Test func sgd() throws {
        try expectSameBits(ranks: [1, 2]) {
            $0.options.optimizer = .sgd
            $0.options.learningRate = 0.05
        }
    }

    /// Batches that touch every row of a small table, which then goes as a whole, between batches
    /// that touch few.
    @Test(arguments: [1, 2, 3]) func rowsAndWholeTableInTurn(ranks: Int) throws {
        let small = try TemporaryFolder()
        let vocabulary = 530
        let path = try model(vocabularyCount: vocabulary).write(to: small.path)
        func run(_ smallestRowTable: Int) throws -> ([TrainingOutcome], bytes: [Int]) {
            var training = TrainingCase(folder: path)
            training.vocabularyCount = vocabulary
            training.smallestRowTable = smallestRowTable
            let steps = training
            let results = try ThreadWorld.run(ranks: ranks) { communicator in
                let trainer = try steps.trainer(communicator)
                var outcome = TrainingOutcome()
                var bytes: [Int] = []
                for (step, batchSize) in [8, 1200, 5, 1200, 9, 7].enumerated() {
                    var training = steps
                    training.batchSize = batchSize
                    let before = communicator.trafficSoFar
                    try training.train(trainer, step..<step + 1, &outcome)
                    bytes.append(communicator.trafficSoFar.since(before).bytesSent)
                }
                return (outcome, bytes)
            }
            let bytes = (0..<6).map { step in results.reduce(0) { $0 + $1.1[step] } }
            return (results.map(\.0), bytes)
        }
        let expected = try run(.max)
        let found = try run(1)
        let isSame = found.0 == expected.0
        #expect(isSame)
        for step in [0, 2, 4, 5] where ranks > 1 {
            #expect(found.bytes[step] < expected.bytes[step])
        }
        // Counts, and parts of other sizes, are all that a whole table costs more.
        for step in [1, 3] { #expect(found.bytes[step] <= expected.bytes[step] + 4096) }
    }

    @Test(arguments: [2, 3]) func sendsLess(ranks: Int) throws {
        func sent(_ training: TrainingCase) throws -> [Int] {
            try ThreadWorld.run(ranks: ranks) { communicator in
                var outcome = TrainingOutcome()
                let before = communicator.trafficSoFar
                try training.train(try training.trainer(communicator), 0..<1, &outcome)
                return communicator.trafficSoFar.since(before).bytesSent
            }
        }
        let (rows, buffers) = (try sent(byRows), try sent(inBuffers))
        let table = 12_007 * 64 * MemoryLayout<Float>.stride
        // Of the table its gradient is saved; its updated weights still cross.
        #expect(rows.reduce(0, +) < buffers.reduce(0, +) - table * (ranks - 1) * 8 / 10)
    }

    @Test func divergence() throws {
        let training = byRows
        let messages = try ThreadWorld.run(ranks: 3) { communicator in
            let trainer = try training.trainer(communicator)
            trainer.task.student.parameters.value(0).fill(.nan)
            do {
                var outcome = TrainingOutcome()
                try training.train(trainer, 3..<4, &outcome)
                return "no error"
            } catch let error as TrainingError {
                return error.message
            }
        }
        #expect(messages.allSatisfy { $0 == messages[0] && $0.contains("step 3") })
    }

    @Test func tablesAreFoundByNameAndSize() {
        let parameters = ParameterSet([
            ("first", [10]), ("bert.embeddings.word_embeddings.weight", [1000, 24]),
            ("bert.embeddings.position_embeddings.weight", [50, 24]), ("big.weight", [1000, 24]),
        ])
        let names = parameters.parameters.map(\.name).filter { $0.hasSuffix("_embeddings.weight") }
        let found = EmbeddingTables(names, of: parameters, blockSize: 64, smallestCount: 5000)
        #expect(found.indices == [1])
        #expect(
            found.tables == [RowTable(offset: 16, width: 24, elements: 64..<24_000 / 64 * 64)])
        for (block, smallest) in [(64, 30_000), (32_768, 1)] {
            let none = EmbeddingTables(
                names, of: parameters, blockSize: block, smallestCount: smallest)
            #expect(none.tables == [])
        }
    }
}
