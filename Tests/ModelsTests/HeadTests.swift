// Heads: which are read, which are drawn anew and from what, and how a sequence becomes one vector.

import Autograd
import Foundation
import Models
import TensorCore
import TestSupport
import Testing

@Suite struct HeadTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func weights(_ student: EncoderClassifier, _ name: String) throws -> [Float] {
        let index = try #require(student.parameters.index(of: name))
        return student.parameters.value(index).toArray()
    }

    private func student(
        labels: [String]? = nil, seed: UInt64 = 0, newHead: Bool = false
    ) throws -> EncoderClassifier {
        try EncoderClassifier(
            ModelFolder(path: folder.path), labels: labels, seed: seed, newHead: newHead)
    }

    /// A bare encoder's head is drawn from the seed, keyed by the weight's name.
    @Test func newHeadIsKeyedBySeedAndName() throws {
        try TinyBert(width: 64, heads: 4, labels: [], isBare: true).write(to: folder.path)
        let labels = ["a", "b", "c"]
        let first = try student(labels: labels, seed: 5)
        let again = try student(labels: labels, seed: 5)
        let other = try student(labels: labels, seed: 6)
        for name in ["classifier.weight", "bert.pooler.dense.weight"] {
            let values = try weights(first, name)
            #expect(try values == weights(again, name))
            #expect(try values != weights(other, name))
            // `initializer_range` is 0.2: the sample's deviation is within five of its own errors.
            let count = Double(values.count)
            let deviation = (values.reduce(0) { $0 + Double($1) * Double($1) } / count).squareRoot()
            #expect(abs(deviation - 0.2) < 5 * 0.2 / (2 * count).squareRoot())
        }
        #expect(try weights(first, "classifier.bias") == [0, 0, 0])
        #expect(
            try weights(first, "classifier.weight").prefix(64)
                != weights(first, "bert.pooler.dense.weight").prefix(64)[...])
    }

    /// What else is new doesn't change a head's start.
    @Test func newClassifierDoesntDependOnThePooler() throws {
        try TinyBert(labels: ["a", "b"]).write(to: folder.path)
        let replaced = try student(seed: 9, newHead: true)
        try TinyBert(labels: [], isBare: true).write(to: folder.path)
        let bare = try student(labels: ["a", "b"], seed: 9)
        #expect(
            try weights(replaced, "classifier.weight") == weights(bare, "classifier.weight"))
    }

    @Test func newHeadReplacesTheClassifierAlone() throws {
        let model = TinyBert(labels: ["a", "b"])
        try model.write(to: folder.path)
        let replaced = try student(labels: ["x", "y", "z"], seed: 1, newHead: true)
        #expect(replaced.labels == ["x", "y", "z"])
        #expect(try weights(replaced, "classifier.weight").count == 3 * 16)
        for (name, _, values) in model.tensors where !name.hasPrefix("classifier") {
            #expect(try weights(replaced, name) == values, "\(name)")
        }
        #expect(try student().labels == ["a", "b"])
    }

    /// Labels in the order of their numbers, more than ten of them.
    @Test func labelsByNumber() throws {
        let labels = (0..<12).map { "label \($0)" }
        try TinyBert(labels: labels).write(to: folder.path)
        #expect(try student().labels == labels)
    }

    /// Mean pooling has no pooler; its scores are the classifier of the mean of the last states.
    @Test func meanPooling() throws {
        try TinyBert(seed: 3, pooling: "mean").write(to: folder.path)
        let model = try student()
        #expect(model.parameters.index(of: "bert.pooler.dense.weight") == nil)
        let batch = TokenBatch([TokenSequence(ids: [2, 5, 9, 3]), TokenSequence(ids: [7])])
        let tape = Tape(
            compute: Compute(threads: 1), memory: TapeMemory(), parameters: model.parameters,
            layout: batch.layout)
        let result = model.logitsAndHiddenStates(tape, batch)
        let last = try #require(result.hiddenStates.last).value
        let (weight, bias) = try (
            weights(model, "classifier.weight"), weights(model, "classifier.bias")
        )
        for (sequence, rows) in [0..<4, 4..<5].enumerated() {
            for label in 0..<3 {
                let score = (0..<16).reduce(Double(bias[label])) { sum, column in
                    let mean =
                        rows.reduce(0) { $0 + Double(last[$1, column]) } / Double(rows.count)
                    return sum + mean * Double(weight[label * 16 + column])
                }
                #expect(abs(Double(result.logits.value[sequence, label]) - score) < 1e-5)
            }
        }
    }

    /// Dropout takes place in training alone, and is keyed by seed and step.
    @Test func dropoutIsKeyedBySeedAndStep() throws {
        try TinyBert(dropout: 0.3).write(to: folder.path)
        let model = try student()
        let batch = TokenBatch([TokenSequence(ids: [2, 5, 9, 3])])
        let arena = Arena()
        func scores(_ plan: DropoutPlan?) -> [Float] {
            let tape = Tape(
                compute: Compute(threads: 1), memory: TapeMemory(), parameters: model.parameters,
                layout: batch.layout,
                sink: GradientSink(nodes: [
                    .init(
                        leaves: 0..<1, gradients: arena.zeros(1, model.parameters.elementCount))
                ]))
            return model.logits(tape, batch, dropout: plan).value.toArray()
        }
        #expect(scores(DropoutPlan(seed: 1, step: 2)) == scores(DropoutPlan(seed: 1, step: 2)))
        #expect(scores(DropoutPlan(seed: 1, step: 2)) != scores(DropoutPlan(seed: 1, step: 3)))
        #expect(scores(DropoutPlan(seed: 1, step: 2)) != scores(DropoutPlan(seed: 2, step: 2)))
        #expect(scores(DropoutPlan(seed: 1, step: 2)) != scores(nil))
    }
}
