// Reading a checkpoint: any range of any tensor, whoever wrote which part of it.

public import Foundation
import Safetensors
import Synchronization

/// An open checkpoint.
///
/// Ranks read what they need; how many wrote it doesn't show.
public final class CheckpointReader: Sendable {
    /// The checkpoint's folder.
    public let path: String

    /// The step after which it was saved.
    public let step: Int

    /// The run's state, as it was given to the save: JSON.
    public let state: Data

    /// Newer checkpoints that were passed over because they are broken, with the reason.
    public let skipped: [SkippedCheckpoint]

    private let tensors: [String: Manifest.Tensor]
    private let openFiles = Mutex<[String: SafetensorsFile]>([:])

    init(
        path: String, manifest: Manifest, skipped: [SkippedCheckpoint]
    ) throws(CheckpointError) {
        self.path = path
        self.skipped = skipped
        step = manifest.step
        tensors = Dictionary(
            manifest.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let statePath = "\(path)/\(Manifest.stateName)"
        do {
            state = try DurableFiles.read(statePath)
        } catch {
            throw CheckpointError(error.code, "\(statePath): \(error.message)")
        }
    }

    /// The names of all tensors, sorted.
    public var tensorNames: [String] { tensors.keys.sorted() }

    /// Whether a tensor is there.
    public func contains(_ name: String) -> Bool { tensors[name] != nil }

    /// The shape of a whole tensor.
    public func shape(of name: String) throws(CheckpointError) -> [Int] {
        try tensor(name).shape
    }

    /// Copies a range of a tensor's elements, in row-major order; all of them if none is given.
    public func read(
        _ name: String, _ range: Range<Int>? = nil, into target: UnsafeMutableBufferPointer<Float>
    ) throws(CheckpointError) {
        let tensor = try tensor(name)
        let range = range ?? 0..<tensor.count
        guard range.lowerBound >= 0, range.upperBound <= tensor.count, target.count == range.count
        else {
            throw CheckpointError(
                .mismatch,
                "\(path): tensor '\(name)' \(tensor.shape): the elements \(range) are wanted in room"
                    + " for \(target.count)")
        }
        for piece in tensor.pieces {
            let wanted = range.clamped(to: piece.begin..<piece.end)
            guard !wanted.isEmpty else { continue }
            let part = unsafe UnsafeMutableBufferPointer(
                rebasing: target[
                    wanted.lowerBound - range.lowerBound..<wanted.upperBound - range.lowerBound])
            do {
                let file = try open(piece.file)
                try unsafe file.copyFloats(
                    piece.entry, wanted.lowerBound - piece.begin..<wanted.upperBound - piece.begin,
                    into: part)
            } catch {
                throw CheckpointError(.corrupt, error.message)
            }
        }
    }

    /// A whole tensor.
    public func floats(_ name: String) throws(CheckpointError) -> [Float] {
        var values = [Float](repeating: 0, count: try tensor(name).count)
        var failure: CheckpointError?
        unsafe values.withUnsafeMutableBufferPointer { buffer in
            do throws(CheckpointError) {
                try unsafe read(name, into: buffer)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return values
    }

    private func tensor(_ name: String) throws(CheckpointError) -> Manifest.Tensor {
        guard let tensor = tensors[name] else {
            throw CheckpointError(
                .missingTensor, "\(path): no tensor '\(name)' among its \(tensors.count)")
        }
        return tensor
    }

    private func open(_ name: String) throws(SafetensorsError) -> SafetensorsFile {
        if let file = openFiles.withLock({ $0[name] }) { return file }
        let file = try SafetensorsFile(path: "\(path)/\(name)")
        openFiles.withLock { $0[name] = file }
        return file
    }
}

/// A checkpoint folder that was passed over.
public struct SkippedCheckpoint: Sendable, Equatable, CustomStringConvertible {
    /// The folder.
    public let path: String
    /// Why it can't be used.
    public let reason: String

    /// Makes an entry.
    public init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }

    /// Both in one line.
    public var description: String { "\(path): \(reason)" }
}
