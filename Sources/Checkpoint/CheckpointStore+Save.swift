// Saving a checkpoint. Whatever stops it at whatever moment, the folder holds the earlier checkpoints
// untouched, and the new one either whole or not at all:
//
//   1. all: write the own shard into step-N.tmp/, sync it, report size and checksum
//   2. rank 0, when all have: write state.json and manifest.json, sync them and the folder
//   3. rank 0: rename step-N.tmp to step-N, sync the folder above: committed
//   4. rank 0: remove what is older than the newest `keep` whole ones
//
// Trouble on any rank in 1 to 3 is thrown on all, and the folder step-N.tmp is removed.

public import Collectives
public import Foundation
import Safetensors

/// How far a save has come.
enum SavePhase: String, CaseIterable, Codable {
    case folderMade, shardWritten, shardSynced, shardsAgreed, stateWritten, manifestWritten
    case folderSynced, oldSetAside, renamed, committed, pruned
}

/// What a save did.
public struct SaveReport: Sendable, Codable, Equatable {
    /// The checkpoint's folder.
    public let path: String
    /// Bytes of all its files.
    public let bytes: Int
    /// Folders that were removed, being older.
    public let removed: [String]
    /// Why older folders could not be removed; the checkpoint is committed nevertheless.
    public let complaint: String?
}

extension CheckpointStore {
    /// Saves a checkpoint; every rank calls it with its pieces, which together make whole tensors.
    ///
    /// - Parameters:
    ///   - step: steps done; a checkpoint of the same step is replaced.
    ///   - pieces: this rank's parts of the tensors; each element belongs to one rank.
    ///   - state: whatever else a resume needs, as JSON; that of rank 0 is saved.
    /// - Returns: the same report on all ranks, when the checkpoint is committed.
    @discardableResult
    public func save(
        step: Int, pieces: [TensorPiece], state: Data, communicator: Communicator
    ) throws -> SaveReport {
        let unfinished = "\(directory)/\(CheckpointName(step: step, state: .unfinished).text)"
        do {
            _ = try communicator.decideOnRankZero { () throws(CheckpointError) -> Bool in
                try DurableFiles.makeDirectory(directory)
                try removeUnfinished()
                return true
            }
            let shards = try communicator.together { () throws(CheckpointError) -> ShardRecord in
                try writeShard(pieces, in: unfinished, communicator)
            }
            return try communicator.decideOnRankZero { () throws(CheckpointError) -> SaveReport in
                try commit(step: step, shards: shards, state: state, from: unfinished)
            }
        } catch let error as CheckpointError {
            // All ranks are here: it was thrown on all.
            if communicator.rank == 0 { try? DurableFiles.remove(unfinished) }
            try communicator.barrier()
            throw CheckpointError(
                error.code,
                "step \(step) could not be saved, earlier checkpoints are untouched: "
                    + error.message)
        }
    }

    private func removeUnfinished() throws(CheckpointError) {
        for name in try DurableFiles.names(in: directory)
        where CheckpointName(name)?.state == .unfinished {
            try DurableFiles.remove("\(directory)/\(name)")
        }
    }

    private func writeShard(
        _ pieces: [TensorPiece], in folder: String, _ communicator: Communicator
    ) throws(CheckpointError) -> ShardRecord {
        // Each rank makes it: over a network file system, seeing what another one made takes time.
        try DurableFiles.makeDirectory(folder)
        try observer?(.folderMade)
        let name = ShardRecord.fileName(rank: communicator.rank, of: communicator.size)
        let path = "\(folder)/\(name)"
        do {
            try SafetensorsWriter.write(
                pieces.filter { !$0.elementRange.isEmpty }.map { piece in
                    unsafe TensorSource(
                        name: piece.entryName,
                        shape: piece.isWhole ? piece.globalShape : [piece.elementRange.count],
                        floats: piece.values)
                }, to: path, commit: .inPlace)
        } catch {
            throw CheckpointError(
                error.code == .invalidTensor ? .invalidPieces : .unwritable, error.message)
        }
        try observer?(.shardWritten)
        try DurableFiles.sync(path)
        try observer?(.shardSynced)
        let (bytes, digest) = try DurableFiles.measure(path)
        return ShardRecord(
            file: Manifest.File(name: name, bytes: bytes, sha256: digest),
            pieces: pieces.map { piece in
                ShardRecord.Piece(
                    name: piece.name, shape: piece.globalShape, entry: piece.entryName,
                    begin: piece.elementRange.lowerBound, end: piece.elementRange.upperBound)
            })
    }

    /// Makes the checkpoint official; on rank 0.
    private func commit(
        step: Int, shards: [ShardRecord], state: Data, from folder: String
    ) throws(CheckpointError) -> SaveReport {
        try observer?(.shardsAgreed)
        for shard in shards where !DurableFiles.exists("\(folder)/\(shard.file.name)") {
            throw CheckpointError(
                .notShared,
                "\(folder)/\(shard.file.name) was written by another rank and is not seen by rank 0:"
                    + " checkpoints need a folder that all nodes share")
        }
        let tensors = try ShardRecord.tensors(of: shards)
        let statePath = "\(folder)/\(Manifest.stateName)"
        try DurableFiles.write(state, to: statePath)
        try observer?(.stateWritten)
        let (stateBytes, stateDigest) = try DurableFiles.measure(statePath)
        let files =
            shards.map(\.file) + [
                Manifest.File(name: Manifest.stateName, bytes: stateBytes, sha256: stateDigest)
            ]
        let newest = try survey().candidates.last?.manifest.sequence ?? 0
        let manifest = Manifest(step: step, sequence: newest + 1, files: files, tensors: tensors)
        try DurableFiles.write(encoded(manifest), to: "\(folder)/\(Manifest.fileName)")
        try observer?(.manifestWritten)
        try DurableFiles.sync(folder)
        try observer?(.folderSynced)
        let path = try moveIntoPlace(folder, step: step)
        trusted.insert(path)
        try observer?(.committed)
        let (removed, complaint) = prune()
        try observer?(.pruned)
        return SaveReport(
            path: path, bytes: files.reduce(0) { $0 + $1.bytes }, removed: removed,
            complaint: complaint)
    }

    private func encoded(_ manifest: Manifest) throws(CheckpointError) -> Data {
        do {
            return try manifest.encoded()
        } catch {
            throw CheckpointError(.unwritable, "the manifest can't be encoded: \(error)")
        }
    }

    /// Gives the folder its name; a checkpoint that has the name already is set aside first, where a
    /// resume still finds it should this process die in between.
    private func moveIntoPlace(_ folder: String, step: Int) throws(CheckpointError) -> String {
        let path = "\(directory)/\(CheckpointName(step: step).text)"
        let aside = "\(directory)/\(CheckpointName(step: step, state: .replaced).text)"
        trusted.remove(path)
        if DurableFiles.exists(path) {
            try DurableFiles.remove(aside)
            try DurableFiles.rename(path, to: aside)
            try observer?(.oldSetAside)
        }
        try DurableFiles.rename(folder, to: path)
        try observer?(.renamed)
        try DurableFiles.sync(directory)
        return path
    }

    /// Removes what is older than the newest `keep` whole checkpoints, and those set aside.
    private func prune() -> (removed: [String], complaint: String?) {
        var removed: [String] = []
        do {
            let (candidates, skipped) = try survey()
            var whole = 0
            for candidate in candidates.reversed() {
                if whole < keep && !isSuperseded(candidate) {
                    if (try? verify(candidate)) != nil { whole += 1 }
                    continue
                }
                try DurableFiles.remove(candidate.path)
                removed.append(lastName(of: candidate.path))
            }
            // A folder whose manifest can't be read is of no use once there are enough others.
            if whole >= keep {
                for folder in skipped {
                    try DurableFiles.remove(folder.path)
                    removed.append(lastName(of: folder.path))
                }
            }
            return (removed, nil)
        } catch {
            return (removed, error.message)
        }
    }

    /// Whether a checkpoint was set aside for one that is there now.
    private func isSuperseded(_ candidate: Candidate) -> Bool {
        let name = CheckpointName(lastName(of: candidate.path))
        let successor = CheckpointName(step: candidate.manifest.step).text
        return name?.state == .replaced && DurableFiles.exists("\(directory)/\(successor)")
    }

    private func lastName(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
