// Multiple choice: questions with choices, and the teacher's probabilities of these (arXiv 2412.09807).
//
// Every (question, choice) pair goes through the encoder alone and gets one score; the softmax over an
// item's scores is the student's distribution. Items may have different counts of choices.
//
// Shape legend: K choices of an item, S choices of all items of a pass.

public import Autograd
public import Models
import TensorCore

/// One item of a step, with what the student is to say of it.
public struct MultipleChoiceSample: Sendable {
    /// The question with each choice, as tokens; their texts may be left out (`ids` empty) on ranks that
    /// don't train on the item, their count may not.
    public let choices: [TokenSequence]
    /// The teacher's probabilities of the choices, at temperature 1; they add up to 1.
    public let target: [Double]
    /// The right choice, for the share of the hard cross-entropy; nil where it isn't known.
    public let label: Int?
    /// The item's weight in the loss.
    public let weight: Float
    /// Its global index: what its dropout is keyed by.
    public let sample: UInt32

    /// One item.
    public init(
        choices: [TokenSequence], target: [Double], label: Int? = nil, weight: Float = 1,
        sample: UInt32
    ) {
        precondition(
            !choices.isEmpty && choices.count == target.count
                && choices.indices.contains(label ?? 0),
            "\(choices.count) choices, \(target.count) probabilities, label \(label ?? 0)")
        self.choices = choices
        self.target = target
        self.label = label
        self.weight = weight
        self.sample = sample
    }

    /// What the dropout of a choice is keyed by: each choice drops its own elements, and the first those
    /// of a text with the item's index.
    func key(ofChoice choice: Int) -> UInt32 {
        // The multiplier is 2^32 over the golden ratio: indices that meet are far apart.
        sample &+ UInt32(choice) &* 0x9E37_79B9
    }
}

/// A model that learns the probabilities of choices.
public struct MultipleChoiceTask: StudentTask {
    /// The student.
    public let student: MultipleChoiceModel
    /// What the loss compares.
    public let loss: ChoiceLoss

    /// A model and its loss.
    public init(_ student: MultipleChoiceModel, loss: ChoiceLoss = ChoiceLoss()) {
        self.student = student
        self.loss = loss
    }

    /// All weights of the student.
    public var parameters: ParameterSet { student.parameters }

    /// The embedding tables.
    public var rowTables: [String] { student.rowTables }

    /// The length of all pairs together.
    public func tokenCount(of sample: MultipleChoiceSample) -> Int {
        sample.choices.reduce(0) { $0 + $1.ids.count }
    }

    /// The count of items: weights of a batch have a mean of 1.
    public func normalizer(of batch: [MultipleChoiceSample]) -> Double { Double(batch.count) }

    /// The pairs one behind another, item by item.
    public func layout(
        _ samples: ArraySlice<MultipleChoiceSample>, leafOffsets: [Int], leaves: Range<Int>
    ) throws -> BatchLayout {
        let pairs = samples.flatMap(\.choices)
        try student.configuration.check(pairs)
        // First pair of each item, and the count of pairs at the end.
        let starts = samples.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.choices.count) }
        return BatchLayout(
            lengths: pairs.map(\.ids.count),
            samples: samples.flatMap { sample in
                sample.choices.indices.map { sample.key(ofChoice: $0) }
            },
            leafOffsets: leafOffsets.map { starts[$0] }, leaves: leaves)
    }

    /// The loss of each item, and its gradient.
    public func pass(_ samples: ArraySlice<MultipleChoiceSample>, _ pass: StudentPass) -> [Double] {
        let (tape, compute) = (pass.tape, pass.compute)
        let tokens = TokenBatch(samples.flatMap(\.choices), layout: tape.layout)
        let scores = compute.measured("forward") {
            student.logits(tape, tokens, dropout: pass.dropout)
        }
        let gradient = pass.memory.matrix(scores.value.rows, 1)
        let losses = compute.measured("loss") {
            var start = 0
            return samples.map { sample in
                let rows = start..<start + sample.choices.count
                start = rows.upperBound
                let factor = Double(sample.weight) / pass.normalizer
                let item = loss.of(
                    scores.value.rows(rows).toArray().map(Double.init), target: sample.target,
                    label: sample.label)
                gradient.rows(rows).assign(item.gradient.map { Float($0 * factor) })
                return item.loss * factor
            }
        }
        compute.measured("backward") { tape.backward(from: scores, gradient: gradient) }
        return losses
    }
}
