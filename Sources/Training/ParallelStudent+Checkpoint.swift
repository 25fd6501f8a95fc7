// What a training checkpoint holds: weights and the optimiser's moments, each under its weight's name,
// cut by what each rank owns. Nothing in it depends on the rank count that wrote it.

public import Autograd
public import Checkpoint
import Collectives
public import Foundation
import TensorCore

extension ParallelStudent {
    /// Saves weights, moments and the caller's state; every rank writes what it owns.
    public func save(to store: CheckpointStore, step: Int, state: Data) throws {
        var pieces: [TensorPiece] = []
        for (index, range) in optimizer.owned.enumerated() {
            let weights = task.parameters.values.columns(range)
            pieces += named("weights", range, weights)
            for moment in optimizer.moments {
                pieces += named(moment.name, range, optimizer.slice(moment, ofOwned: index))
            }
        }
        try store.save(step: step, pieces: pieces, state: state, communicator: communicator)
    }

    /// Takes weights and moments from a checkpoint that any number of ranks wrote.
    public func restore(from reader: CheckpointReader, updates: Int) throws {
        try task.parameters.restore(from: reader)
        for (index, range) in optimizer.owned.enumerated() {
            for moment in optimizer.moments {
                let slice = optimizer.slice(moment, ofOwned: index)
                try read(moment.name, range, from: reader, into: slice)
            }
        }
        self.updates = updates
    }

    /// The pieces of one owned range of a flat buffer, one a weight that it overlaps.
    private func named(_ kind: String, _ range: Range<Int>, _ values: Matrix) -> [TensorPiece] {
        overlaps(range).map { parameter, part in
            let start = part.lowerBound + parameter.offset - range.lowerBound
            return unsafe TensorPiece(
                name: "\(kind)/\(parameter.name)", globalShape: parameter.shape,
                elementRange: part,
                values: UnsafeBufferPointer(
                    values.columns(start..<(start + part.count)).buffer))
        }
    }

    private func read(
        _ kind: String, _ range: Range<Int>, from reader: CheckpointReader, into values: Matrix
    ) throws {
        for (parameter, part) in overlaps(range) {
            let start = part.lowerBound + parameter.offset - range.lowerBound
            try unsafe reader.read(
                "\(kind)/\(parameter.name)", part,
                into: values.columns(start..<(start + part.count)).buffer)
        }
    }

    /// The weights that a range of the flat buffer touches, and which of their elements.
    private func overlaps(_ range: Range<Int>) -> [(Parameter, Range<Int>)] {
        task.parameters.parameters.compactMap { parameter in
            let common = parameter.range.clamped(to: range)
            guard !common.isEmpty else { return nil }
            let start = common.lowerBound - parameter.offset
            return (parameter, start..<(start + common.count))
        }
    }
}

extension ParameterSet {
    /// Takes the weights of a checkpoint.
    public func restore(from reader: CheckpointReader) throws {
        for (index, parameter) in parameters.enumerated() {
            let name = "weights/\(parameter.name)"
            guard reader.contains(name), try reader.shape(of: name) == parameter.shape else {
                throw TrainingError(
                    .foreignCheckpoint,
                    "\(reader.path): '\(name)' is not \(parameter.shape); it belongs to another "
                        + "model; use another output_dir, or --resume never")
            }
            try unsafe reader.read(
                name, 0..<parameter.count, into: value(index).buffer)
        }
        noteChange()
    }
}
