// A run's checkpoint folder: finding what is there. Saving is in CheckpointStore+Save.swift.
//
//   checkpoints/step-000100/shard-00000-of-00002.safetensors   what rank 0 of 2 held
//                           shard-00001-of-00002.safetensors
//                           state.json                          counters, cursor, schedule
//                           manifest.json                       tensors, sizes, SHA-256 of each file
//
// Nothing in it depends on the number of ranks except the names of the shards.

public import Collectives
import Foundation
import Synchronization

/// The checkpoints of a run.
public struct CheckpointStore: Sendable {
    /// The folder that holds them.
    public let directory: String

    /// How many whole checkpoints are kept, at least two.
    public let keep: Int

    /// Told what a save has just done; throwing breaks it off there.
    ///
    /// For tests.
    var observer: (@Sendable (SavePhase) throws(CheckpointError) -> Void)?

    /// Folders that this process has written or verified, which need not be read again.
    let trusted = TrustedFolders()

    /// Describes a folder, which need not be there yet.
    public init(directory: String, keep: Int = 2) {
        precondition(keep >= 2, "at least two checkpoints are kept, not \(keep)")
        self.directory = directory
        self.keep = keep
    }

    /// Opens the newest checkpoint that is whole; nil if there is none.
    ///
    /// Every file is read and its checksum compared. Broken ones are listed in the reader's `skipped`;
    /// if all are broken an error lists them.
    public func latest() throws(CheckpointError) -> CheckpointReader? {
        var (candidates, skipped) = try survey()
        while let candidate = candidates.popLast() {
            do {
                try verify(candidate)
                return try CheckpointReader(
                    path: candidate.path, manifest: candidate.manifest, skipped: skipped)
            } catch {
                skipped.append(SkippedCheckpoint(path: candidate.path, reason: error.message))
            }
        }
        try throwIfBroken(skipped)
        return nil
    }

    /// Opens the newest checkpoint that is whole on all ranks at a time: they share the reading of
    /// its files between them, and come to the same result.
    public func latest(communicator: Communicator) throws -> CheckpointReader? {
        guard communicator.size > 1 else { return try latest() }
        // Rank 0 decides what is there: a shared file system may show others an older state.
        let listing = try communicator.decideOnRankZero { () throws(CheckpointError) -> Survey in
            let (candidates, skipped) = try survey()
            return Survey(
                candidates: candidates.map(\.path),
                skipped: skipped.map { [$0.path, $0.reason] })
        }
        var skipped = listing.skipped.map { SkippedCheckpoint(path: $0[0], reason: $0[1]) }
        for path in listing.candidates.reversed() {
            var reader: CheckpointReader?
            let reasons = try communicator.shareOutcome { () throws(CheckpointError) -> Bool in
                let candidate = try candidate(at: path)
                try verify(
                    candidate, part: communicator.rank, of: communicator.size)
                reader = try CheckpointReader(
                    path: path, manifest: candidate.manifest, skipped: skipped)
                return true
            }.compactMap(\.failure)
            if reasons.isEmpty { return reader }
            skipped.append(SkippedCheckpoint(path: path, reason: reasons[0].message))
        }
        try throwIfBroken(skipped)
        return nil
    }

    /// Opens the checkpoint at a path, after comparing the checksums of all its files.
    public func open(_ path: String) throws(CheckpointError) -> CheckpointReader {
        let candidate: Candidate
        do {
            candidate = try self.candidate(at: path)
            try verify(candidate)
        } catch {
            throw CheckpointError(error.code, "\(path): \(error.message)")
        }
        return try CheckpointReader(path: path, manifest: candidate.manifest, skipped: [])
    }

    private struct Survey: Codable {
        let candidates: [String]
        let skipped: [[String]]
    }

    private func throwIfBroken(_ skipped: [SkippedCheckpoint]) throws(CheckpointError) {
        // What was never finished is no loss; what was committed and can't be read is one, and
        // beginning anew without a word would hide it.
        let broken = skipped.filter { !$0.path.hasSuffix(".tmp") }
        guard !broken.isEmpty else { return }
        throw CheckpointError(
            .noneUsable,
            "\(directory): no checkpoint is whole: "
                + broken.map(\.description).joined(separator: "; ")
                + "; move the folder away to begin anew")
    }
}

/// Folders known to be whole.
final class TrustedFolders: Sendable {
    private let paths = Mutex<Set<String>>([])

    func insert(_ path: String) { _ = paths.withLock { $0.insert(path) } }
    func remove(_ path: String) { _ = paths.withLock { $0.remove(path) } }
    func contains(_ path: String) -> Bool { paths.withLock { $0.contains(path) } }
}
