// What is in the folder, and whether it is whole.

import Foundation

extension CheckpointStore {
    /// A folder with a readable manifest.
    struct Candidate {
        let path: String
        let manifest: Manifest
    }

    /// The folders with a manifest, oldest commit first, and the others with what is wrong.
    func survey() throws(CheckpointError) -> (
        candidates: [Candidate], skipped: [SkippedCheckpoint]
    ) {
        var candidates: [Candidate] = []
        var skipped: [SkippedCheckpoint] = []
        for name in try DurableFiles.names(in: directory) {
            guard let parsed = CheckpointName(name) else { continue }
            let path = "\(directory)/\(name)"
            guard parsed.state != .unfinished else {
                skipped.append(
                    SkippedCheckpoint(path: path, reason: "a save that was not finished"))
                continue
            }
            do {
                candidates.append(try candidate(at: path))
            } catch {
                skipped.append(SkippedCheckpoint(path: path, reason: error.message))
            }
        }
        candidates.sort { $0.manifest.sequence < $1.manifest.sequence }
        return (candidates, skipped)
    }

    /// Reads a folder's manifest.
    func candidate(at path: String) throws(CheckpointError) -> Candidate {
        guard DurableFiles.exists(path) else {
            throw CheckpointError(.notFound, "there is no such folder")
        }
        let manifest: Manifest
        do {
            manifest = try Manifest(
                decoding: DurableFiles.read("\(path)/\(Manifest.fileName)"))
        } catch {
            throw CheckpointError(error.code, "\(Manifest.fileName) \(error.message)")
        }
        let name = CheckpointName(path.split(separator: "/").last.map(String.init) ?? "")
        if let name, name.step != manifest.step {
            throw CheckpointError(
                .corrupt, "\(Manifest.fileName) is that of step \(manifest.step)")
        }
        return Candidate(path: path, manifest: manifest)
    }

    /// Reads every file, or every `parts`-th beginning with `part`, and compares size and checksum.
    func verify(
        _ candidate: Candidate, part: Int = 0, of parts: Int = 1
    ) throws(CheckpointError) {
        guard !trusted.contains(candidate.path) else { return }
        for (index, file) in candidate.manifest.files.enumerated() where index % parts == part {
            let (bytes, digest) = try measure(file.name, in: candidate.path)
            guard bytes == file.bytes else {
                throw CheckpointError(
                    .corrupt, "\(file.name) has \(bytes) bytes, \(file.bytes) were written")
            }
            guard digest == file.sha256 else {
                throw CheckpointError(
                    .corrupt, "\(file.name) has been altered: its checksum is another")
            }
        }
        if parts == 1 { trusted.insert(candidate.path) }
    }

    private func measure(
        _ name: String, in path: String
    ) throws(CheckpointError) -> (bytes: Int, sha256: String) {
        do {
            return try DurableFiles.measure("\(path)/\(name)")
        } catch {
            throw CheckpointError(.corrupt, String(error.message.dropFirst(path.count + 1)))
        }
    }
}
