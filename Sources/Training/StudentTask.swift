// The seam between a step of training and what is trained: a model with its loss. A step asks for the loss
// and the gradient of some samples and knows nothing else of either.

public import Autograd
public import Models
import TensorCore

/// A model with the loss that it is trained by.
public protocol StudentTask {
    /// One sample of a step.
    associatedtype Sample: Sendable

    /// The weights that training moves.
    var parameters: ParameterSet { get }

    /// Names of embedding tables whose rows alone get gradients, never the whole table.
    var rowTables: [String] { get }

    /// Tokens that a sample takes through the model.
    func tokenCount(of sample: Sample) -> Int

    /// What the loss of a global batch is divided by, from what every rank knows of each sample.
    func normalizer(of batch: [Sample]) -> Double

    /// How the samples of a pass lie.
    ///
    /// - Throws: for a sample that the model can't read.
    func layout(
        _ samples: ArraySlice<Sample>, leafOffsets: [Int], leaves: Range<Int>
    ) throws -> BatchLayout

    /// Runs samples forward and backward: the gradients of all weights go to the tape's sink.
    ///
    /// - Returns: Each sample's part of the loss, divided by the normaliser.
    func pass(_ samples: ArraySlice<Sample>, _ pass: StudentPass) -> [Double]
}

/// What a pass runs on.
public struct StudentPass {
    /// A recording tape over the samples' layout.
    public let tape: Tape
    /// What the loss is divided by.
    public let normalizer: Double
    /// Where dropout's random numbers come from; nil without dropout.
    public let dropout: DropoutPlan?
    /// Memory that lives until the end of the pass.
    public let memory: TapeMemory

    var compute: Compute { tape.compute }

    /// A pass over the layout of a tape.
    public init(tape: Tape, normalizer: Double, dropout: DropoutPlan?, memory: TapeMemory) {
        self.tape = tape
        self.normalizer = normalizer
        self.dropout = dropout
        self.memory = memory
    }
}
