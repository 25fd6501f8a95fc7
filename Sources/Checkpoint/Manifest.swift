// manifest.json: what a checkpoint consists of. It is written last, so a folder without it was never
// finished; and it carries its own checksum, so a flipped bit in it is noticed as well.

import Crypto
import Foundation

/// The contents of a checkpoint.
struct Manifest: Codable, Equatable {
    /// A file of the checkpoint.
    struct File: Codable, Equatable {
        let name: String
        let bytes: Int
        let sha256: String
    }

    /// Where a range of a tensor's elements lies.
    struct Piece: Codable, Equatable {
        let file: String
        let entry: String
        let begin: Int
        let end: Int
    }

    /// A whole tensor: its pieces rise and leave no gap.
    struct Tensor: Codable, Equatable {
        let name: String
        let shape: [Int]
        let pieces: [Piece]

        var count: Int { shape.reduce(1, *) }
    }

    static let fileName = "manifest.json"
    static let stateName = "state.json"
    static let format = "retort checkpoint"
    static let currentVersion = 1

    var format = Self.format
    var version = Self.currentVersion
    let step: Int
    /// Counts the commits in a folder.
    ///
    /// The newest checkpoint is the one committed last: after a resume from an older one the steps
    /// of the abandoned future may be higher.
    let sequence: Int
    let files: [File]
    let tensors: [Tensor]

    private static let prefix = Array(#"{"sha256":""#.utf8)
    private static let middle = Array(#"","manifest":"#.utf8)
    private static let suffix = Array("}\n".utf8)
    private static let digestBytes = 64

    /// The file's bytes: an object of two members, of which the first is the checksum of the second's
    /// bytes.
    func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = try encoder.encode(self)
        let digest = hexadecimal(SHA256.hash(data: body))
        return Data(Self.prefix) + Data(digest.utf8) + Data(Self.middle) + body + Data(Self.suffix)
    }

    /// Reads a file's bytes; throws a line without the file's name.
    init(decoding bytes: Data) throws(CheckpointError) {
        let bytes = Data(bytes)
        let digestStart = Self.prefix.count
        let middleStart = digestStart + Self.digestBytes
        let bodyStart = middleStart + Self.middle.count
        let bodyEnd = bytes.count - Self.suffix.count
        guard bodyEnd > bodyStart, bytes.starts(with: Self.prefix),
            bytes[middleStart..<bodyStart].elementsEqual(Self.middle),
            bytes[bodyEnd...].elementsEqual(Self.suffix)
        else { throw CheckpointError(.corrupt, "is cut off or no manifest") }
        let body = Data(bytes[bodyStart..<bodyEnd])
        let digest = hexadecimal(SHA256.hash(data: body))
        guard bytes[digestStart..<middleStart].elementsEqual(digest.utf8) else {
            throw CheckpointError(.corrupt, "has been altered: its checksum is another")
        }
        guard let head = try? JSONDecoder().decode(Head.self, from: body),
            head.format == Self.format
        else { throw CheckpointError(.corrupt, "is no manifest of a checkpoint") }
        guard head.version == Self.currentVersion else {
            throw CheckpointError(
                .corrupt, "has version \(head.version), this program reads \(Self.currentVersion)")
        }
        guard let manifest = try? JSONDecoder().decode(Manifest.self, from: body) else {
            throw CheckpointError(.corrupt, "lacks members that its version has")
        }
        self = manifest
    }

    /// What manifests of all versions have.
    private struct Head: Codable {
        let format: String
        let version: Int
    }

    init(step: Int, sequence: Int, files: [File], tensors: [Tensor]) {
        self.step = step
        self.sequence = sequence
        self.files = files
        self.tensors = tensors
    }
}

/// A digest as lower-case hexadecimal digits.
func hexadecimal(_ digest: SHA256.Digest) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in digest {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
