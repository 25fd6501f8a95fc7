// The file system calls of checkpoints, each with the words of the system where it refuses. Data is on
// disk when `sync` of the file has returned, a name when `sync` of its folder has.

import Crypto
import Foundation
import Glibc

/// Calls that must not fail unnoticed.
enum DurableFiles {
    /// Makes a folder where there is none, with those above it.
    static func makeDirectory(_ path: String) throws(CheckpointError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw CheckpointError(
                .unwritable, "\(path): cannot make the folder: \(error.localizedDescription)")
        }
    }

    /// Writes a small file and waits until it is on disk.
    static func write(_ bytes: Data, to path: String) throws(CheckpointError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw refusal("cannot be made", path) }
        defer { close(descriptor) }
        var failure: CheckpointError?
        unsafe bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[offset...])
                let written = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0 && errno == EINTR { continue }
                guard written > 0 else {
                    failure = refusal("cannot be written", path)
                    return
                }
                offset += written
            }
        }
        if let failure { throw failure }
        guard fsync(descriptor) == 0 else { throw refusal("cannot be put on disk", path) }
    }

    /// Waits until a file's bytes, or a folder's names, are on disk.
    static func sync(_ path: String) throws(CheckpointError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw refusal("cannot be opened", path) }
        defer { close(descriptor) }
        // Some network file systems have no fsync for folders and say EINVAL; names are the
        // server's business there.
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw refusal("cannot be put on disk", path)
        }
    }

    /// Renames; a file at the new name is replaced.
    static func rename(_ path: String, to target: String) throws(CheckpointError) {
        guard unsafe Glibc.rename(path, target) == 0 else {
            throw refusal("cannot be renamed to \(target)", path)
        }
    }

    /// Removes a file or a folder with all that is in it; no error if there is none.
    static func remove(_ path: String) throws(CheckpointError) {
        guard exists(path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            guard exists(path) else { return }
            throw CheckpointError(
                .unwritable, "\(path): cannot be removed: \(error.localizedDescription)")
        }
    }

    /// Whether anything has this name.
    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path)
    }

    /// The names in a folder, sorted; none if there is no folder.
    static func names(in path: String) throws(CheckpointError) -> [String] {
        guard exists(path) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            throw CheckpointError(
                .notFound, "\(path): cannot be listed: \(error.localizedDescription)")
        }
    }

    /// A small file's bytes.
    static func read(_ path: String) throws(CheckpointError) -> Data {
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw CheckpointError(
                exists(path) ? .corrupt : .notFound,
                exists(path) ? "cannot be read: \(error.localizedDescription)" : "is missing")
        }
    }

    /// The size and checksum of a file of any size, read in pieces.
    static func measure(_ path: String) throws(CheckpointError) -> (bytes: Int, sha256: String) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { throw CheckpointError(.notFound, "\(path): is missing") }
            throw refusal("cannot be opened", path, .corrupt)
        }
        defer { close(descriptor) }
        var hash = SHA256()
        var total = 0
        var piece = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe piece.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw refusal("cannot be read", path, .corrupt) }
            if count == 0 { break }
            unsafe piece.withUnsafeBytes { buffer in
                unsafe hash.update(
                    bufferPointer: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            total += count
        }
        return (total, hexadecimal(hash.finalize()))
    }

    /// An error of the last call, in the system's words.
    private static func refusal(
        _ what: String, _ path: String, _ code: CheckpointError.Code = .unwritable
    ) -> CheckpointError {
        let reason = unsafe String(cString: strerror(errno))
        return CheckpointError(code, "\(path): \(what): \(reason)")
    }
}
