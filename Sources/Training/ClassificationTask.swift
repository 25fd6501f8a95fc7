// Classification: texts, wanted class probabilities, weighted cross-entropy.
//
// Shape legend: S sequences, C classes.

public import Autograd
public import Models
import TensorCore

/// One text of a step, with what the student is to say of it.
public struct TrainingSample: Sendable {
    /// The text; empty on ranks that don't train on it.
    public let tokens: TokenSequence
    /// The wanted class probabilities: one-hot for a hard label.
    public let target: [Float]
    /// The sample's weight in the loss.
    public let weight: Float
    /// Its global index: what its dropout is keyed by.
    public let sample: UInt32

    /// One sample.
    public init(tokens: TokenSequence, target: [Float], weight: Float, sample: UInt32) {
        self.tokens = tokens
        self.target = target
        self.weight = weight
        self.sample = sample
    }
}

/// A classifier that learns class probabilities.
public struct ClassificationTask: StudentTask {
    /// The student.
    public let student: EncoderClassifier
    /// Divides the student's scores in the loss, whose value is multiplied by its square.
    ///
    /// For soft targets that were flattened by the same temperature (Hinton et al. 2015, arXiv
    /// 1503.02531).
    public let temperature: Double

    /// A classifier and the temperature of its loss.
    public init(_ student: EncoderClassifier, temperature: Double = 1) {
        self.student = student
        self.temperature = temperature
    }

    /// All weights of the student.
    public var parameters: ParameterSet { student.parameters }

    /// The tables of words, positions and types.
    public var rowTables: [String] { student.rowTables }

    /// The text's length.
    public func tokenCount(of sample: TrainingSample) -> Int { sample.tokens.ids.count }

    /// The count of samples: weights of a batch have a mean of 1.
    public func normalizer(of batch: [TrainingSample]) -> Double { Double(batch.count) }

    /// The texts one behind another.
    public func layout(
        _ samples: ArraySlice<TrainingSample>, leafOffsets: [Int], leaves: Range<Int>
    ) throws -> BatchLayout {
        try student.configuration.check(samples.map(\.tokens))
        return BatchLayout(
            lengths: samples.map(\.tokens.ids.count), samples: samples.map(\.sample),
            leafOffsets: leafOffsets, leaves: leaves)
    }

    /// The weighted cross-entropy of each text, and its gradient.
    public func pass(_ samples: ArraySlice<TrainingSample>, _ pass: StudentPass) -> [Double] {
        let (tape, compute) = (pass.tape, pass.compute)
        let tokens = TokenBatch(samples.map(\.tokens), layout: tape.layout)
        let logits = compute.measured("forward") {
            student.logits(tape, tokens, dropout: pass.dropout)
        }
        let loss = compute.measured("loss") {
            ClassificationLoss(
                logits: logits.value, samples: samples, normalizer: pass.normalizer,
                temperature: temperature, compute: compute, memory: pass.memory)
        }
        compute.measured("backward") { tape.backward(from: logits, gradient: loss.gradient) }
        return loss.perSample
    }
}
